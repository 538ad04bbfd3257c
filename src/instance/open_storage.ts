import type { LocalBackend } from "../backend/local.ts";
import { LocalBackend as Backend } from "../backend/local.ts";
import { loadSnapshot } from "../backend/snapshot_file.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { memoryStorage } from "../storage/memory.ts";
import { InstanceError } from "../util/errors.ts";
import type { ConnectionTarget } from "./connection_url.ts";

/** An opened storage, with what an instance needs to know about it. */
export interface OpenedStorage {
  /** The driver. */
  readonly driver: StorageDriver;
  /** The engine on top of it. */
  readonly backend: LocalBackend;
  /** File that the in-memory storage is saved to. */
  readonly snapshotPath: string | undefined;
  /** Whether a snapshot file was read that holds no instance. */
  readonly isForeignSnapshot: boolean;
}

/** How a storage is opened. */
export interface OpenOptions {
  /** Whether a storage that does not exist is created. */
  readonly create: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** See `InstanceOptions.durability`. */
  readonly durability?: "full" | "normal";
}

/** Opens the storage that a connection URL leads to. Drivers are loaded when they are needed. */
export async function openTarget(
  target: ConnectionTarget,
  options: OpenOptions,
): Promise<OpenedStorage> {
  if (target.scheme === "memory") return await openMemory(target.path, options.create);
  const driver = await openDriver(target, options);
  return {
    driver,
    backend: new Backend(driver),
    snapshotPath: undefined,
    isForeignSnapshot: false,
  };
}

type DriverTarget = Exclude<ConnectionTarget, { scheme: "memory" }>;

async function openDriver(target: DriverTarget, options: OpenOptions): Promise<StorageDriver> {
  const { create } = options;
  switch (target.scheme) {
    case "sqlite":
      return await openSqlite(target, options);
    case "denokv":
      return await (await import("../storage/drivers/deno_kv.ts")).denoKvStorage(target.path, {
        create,
      });
    case "file":
      return await openFiles(target.path, options);
    case "postgres": {
      const { postgresStorage } = await import("../storage/drivers/postgres.ts");
      return await postgresStorage(target.url, { create });
    }
    default:
      throw unavailable(target.scheme);
  }
}

async function openSqlite(
  target: Extract<ConnectionTarget, { scheme: "sqlite" }>,
  options: OpenOptions,
): Promise<StorageDriver> {
  const { sqliteStorage } = await import("../storage/drivers/sqlite.ts");
  // Whatever the URL says, only `connectOrCreate` creates a file (00 §C4).
  const mayCreate = target.mode === "rwc" || target.mode === "default";
  const create = target.mode === "memory" || (mayCreate && options.create);
  const readOnly = target.mode === "ro" || options.readOnly === true;
  return await sqliteStorage(target.path, { create, readOnly, durability: options.durability });
}

async function openFiles(path: string, options: OpenOptions): Promise<StorageDriver> {
  const { fileStorage } = await import("../storage/drivers/file.ts");
  const { create, readOnly, durability } = options;
  return await fileStorage(path, { create, readOnly, durability });
}

function unavailable(scheme: string): InstanceError {
  return new InstanceError(
    "BackendUnavailable",
    `Cannot connect by the scheme "${scheme}": this version has nothing for it`,
    { fields: { scheme, missingFeature: scheme === "unix" ? "service" : scheme } },
  );
}

async function openMemory(path: string | undefined, create: boolean): Promise<OpenedStorage> {
  const driver = memoryStorage();
  const backend = new Backend(driver);
  if (path === undefined) {
    return { driver, backend, snapshotPath: undefined, isForeignSnapshot: false };
  }
  const text = await readSnapshot(path);
  if (text === undefined && !create) {
    throw invalidSnapshot(
      path,
      "it does not exist; use `connect_or_create` (`connectOrCreate`) to make one",
    );
  }
  if (text === undefined) return { driver, backend, snapshotPath: path, isForeignSnapshot: false };
  try {
    await loadSnapshot(backend, text);
  } catch (cause) {
    throw invalidSnapshot(path, (cause as Error).message, cause);
  }
  const isForeignSnapshot = await backend.getInstanceMetadata() === undefined;
  return { driver, backend, snapshotPath: path, isForeignSnapshot };
}

async function readSnapshot(path: string): Promise<string | undefined> {
  const { readTextFile } = await import("../storage/drivers/text_file.ts");
  try {
    return await readTextFile(path);
  } catch (cause) {
    throw invalidSnapshot(path, "the file cannot be read", cause);
  }
}

function invalidSnapshot(path: string, reason: string, cause?: unknown): InstanceError {
  return new InstanceError("InvalidSnapshot", `Cannot open the snapshot "${path}": ${reason}`, {
    cause,
    fields: { path, reason },
  });
}
