import { LocalBackend } from "../backend/local.ts";
import { loadSnapshot } from "../backend/snapshot_file.ts";
import type { StorageDriver } from "../storage/driver.ts";
import type { HeldFile } from "../storage/shared/text_file.ts";
import { MemoryStorage } from "../storage/memory.ts";
import { readOnlyStorage } from "../storage/read_only.ts";
import { BackendError, InstanceError, StorageError } from "../util/errors.ts";
import { permissionProblem } from "../util/permission.ts";
import type { RandomSource } from "../util/random.ts";
import type { ConnectionTarget } from "./connection_url.ts";
import type { SnapshotFile } from "./snapshot_writer.ts";

/** An opened storage, with what an instance needs to know about it. */
export interface OpenedStorage {
  /** The driver. */
  readonly driver: StorageDriver;
  /** The engine on top of it. */
  readonly backend: LocalBackend;
  /** File that the in-memory storage is saved to. */
  readonly snapshotFile?: SnapshotFile | undefined;
  /** Path of a snapshot file that was read and holds no instance. */
  readonly foreignSnapshot?: string | undefined;
}

/** How a storage is opened. */
export interface OpenOptions {
  /** Whether a storage that does not exist is created. */
  readonly create: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** See `InstanceOptions.durability`. */
  readonly durability?: "full" | "normal";
  /** See `InstanceOptions.random`. */
  readonly random?: RandomSource;
}

type Scheme = ConnectionTarget["scheme"];
type Target<S extends Scheme> = Extract<ConnectionTarget, { scheme: S }>;
type Opener<S extends Scheme> = (
  target: Target<S>,
  options: OpenOptions,
) => Promise<OpenedStorage>;

/** What stands behind each scheme. Drivers are loaded when they are needed. */
const SCHEMES: { readonly [S in Scheme]: Opener<S> } = {
  memory: openMemory,
  sqlite: async ({ path, mode, immutable }, options) => {
    const { sqliteStorage } = await load("sqlite", () => import("../storage/sqlite/mod.ts"));
    // Whatever the URL says, only `connectOrCreate` creates a file (00 §C4).
    const create = mode === "memory" || (options.create && (mode === "rwc" || mode === "default"));
    const readOnly = mode === "ro" || immutable === true || options.readOnly === true;
    return opened(await sqliteStorage(path, { ...options, create, readOnly }), {
      ...options,
      readOnly,
    });
  },
  denokv: async ({ path }, options) => {
    const { denoKvStorage } = await load("denokv", () => import("../storage/deno_kv/mod.ts"));
    return opened(await denoKvStorage(path, options), options);
  },
  file: async ({ path }, options) => {
    const { fileStorage } = await load("file", () => import("../storage/file/mod.ts"));
    return opened(await fileStorage(path, options), options);
  },
  postgres: async ({ url }, options) => {
    const { postgresStorage } = await load(
      "postgres",
      () => import("../storage/postgres/mod.ts"),
    );
    return opened(await postgresStorage(url, options), options);
  },
  unix: ({ scheme }) => Promise.reject(unavailable(scheme)),
};

/** The part of the package that a scheme needs, where it has another name (07 §3). */
const FEATURES: { readonly [S in Scheme]?: string } = { unix: "service" };

/** Opens the storage that a connection URL leads to. */
export async function openTarget<S extends Scheme>(
  target: Target<S>,
  options: OpenOptions,
): Promise<OpenedStorage> {
  try {
    return await SCHEMES[target.scheme as S](target, options);
  } catch (error) {
    const isMissing = error instanceof StorageError && error.code === "Unavailable";
    throw isMissing ? unavailable(target.scheme, error) : error;
  }
}

/** Loads a driver; what this runtime cannot have is `BackendUnavailable`. */
async function load<Module>(scheme: Scheme, importing: () => Promise<Module>): Promise<Module> {
  try {
    return await importing();
  } catch (cause) {
    throw unavailable(scheme, cause);
  }
}

/** A storage as an instance uses it. */
export function opened(
  driver: StorageDriver,
  { readOnly, random }: Pick<OpenOptions, "readOnly" | "random">,
): OpenedStorage {
  const view = readOnly === true ? readOnlyStorage(driver) : driver;
  return { driver: view, backend: new LocalBackend(view, undefined, random) };
}

function mayCreate({ create, readOnly }: OpenOptions): boolean {
  return create && readOnly !== true;
}

function unavailable(scheme: Scheme, cause?: unknown): InstanceError {
  const why = cause instanceof StorageError ? cause.message : "this build has nothing for it";
  return new InstanceError(
    "BackendUnavailable",
    `Cannot connect by the scheme "${scheme}": ${why}`,
    { cause, fields: { scheme, missingFeature: FEATURES[scheme] ?? scheme } },
  );
}

async function openMemory(
  { path }: Target<"memory">,
  options: OpenOptions,
): Promise<OpenedStorage> {
  if (path === undefined) return opened(new MemoryStorage(), options);
  const files = await load("memory", () => import("../storage/shared/text_file.ts"));
  const isHeld = options.readOnly !== true;
  if (!mayCreate(options)) requireThere(path, files);
  const file = isHeld ? hold(path, files) : undefined;
  try {
    const text = await readSnapshot(path, () => file?.read() ?? files.readTextFile(path));
    return await openSnapshot({ path, file, text }, options);
  } catch (error) {
    file?.release();
    throw error;
  }
}

type TextFiles = typeof import("../storage/shared/text_file.ts");

function requireThere(path: string, files: TextFiles): void {
  if (files.isThere(path)) return;
  const next = "use `connect_or_create` (`connectOrCreate`) to make one";
  throw invalidSnapshot(path, `it does not exist; ${next}`);
}

/** Holds the file: what could never be saved is refused before anything depends on it. */
function hold(path: string, { HeldFile }: TextFiles): HeldFile {
  try {
    return new HeldFile(path);
  } catch (error) {
    if (!(error instanceof BackendError) || error.code !== "FileIo") throw error;
    const reason = `it could never be saved: ${String(error.fields.reason)}`;
    throw invalidSnapshot(path, reason, error);
  }
}

/** A storage in memory that is saved to a file, which it holds until it is closed. */
class SavedStorage extends MemoryStorage {
  readonly #file: HeldFile | undefined;

  /** An empty storage. */
  constructor(file: HeldFile | undefined) {
    super();
    this.#file = file;
  }

  /** See {@link StorageDriver.close}. */
  override async close(): Promise<void> {
    await super.close();
    this.#file?.release();
  }
}

async function openSnapshot(
  { path, file, text }: { path: string; file: HeldFile | undefined; text: string | undefined },
  options: OpenOptions,
): Promise<OpenedStorage> {
  const storage = new SavedStorage(file);
  if (text !== undefined) await fill(storage, path, text, options.random);
  const storageOpened = opened(storage, options);
  const isForeign = text !== undefined &&
    await storageOpened.backend.getInstanceMetadata() === undefined;
  return {
    ...storageOpened,
    snapshotFile: file && { file, storage },
    foreignSnapshot: isForeign ? path : undefined,
  };
}

async function fill(
  storage: StorageDriver,
  path: string,
  text: string,
  random: RandomSource | undefined,
): Promise<void> {
  try {
    await loadSnapshot(new LocalBackend(storage, undefined, random), text);
  } catch (cause) {
    throw invalidSnapshot(path, (cause as Error).message, cause);
  }
}

async function readSnapshot(
  path: string,
  read: () => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await read();
  } catch (cause) {
    const why = permissionProblem(cause) ?? (cause as Error).message;
    throw invalidSnapshot(path, `the file cannot be read: ${why}`, cause);
  }
}

function invalidSnapshot(path: string, reason: string, cause?: unknown): InstanceError {
  return new InstanceError("InvalidSnapshot", `Cannot open the snapshot "${path}": ${reason}`, {
    cause,
    fields: { path, reason },
  });
}
