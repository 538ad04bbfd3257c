import { LocalBackend } from "../backend/local.ts";
import { loadSnapshot } from "../backend/snapshot_file.ts";
import type { StorageDriver } from "../storage/driver.ts";
import type { HeldFile } from "../storage/shared/text_file.ts";
import { MemoryStorage } from "../storage/memory.ts";
import { readOnlyStorage } from "../storage/read_only.ts";
import { BackendError, InstanceError, StorageError } from "../util/errors.ts";
import { permissionProblem } from "../util/permission.ts";
import type { RandomSource } from "../util/random.ts";
import { STORAGES } from "#storages";
import type { ConnectionTarget } from "./connection_url.ts";
import type { Opener, OpenOptions, Scheme, TextFiles } from "./storage_opener.ts";

/** The file that an in-memory storage is saved to. */
export interface SnapshotFile {
  /** The file, which this instance alone replaces. */
  readonly file: HeldFile;
  /** The storage. */
  readonly storage: MemoryStorage;
}

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

/** What has another name than its scheme, as a part of a build (07 §3). */
const FEATURES: { readonly [S in Scheme]?: string } = { unix: "service", memory: "file" };

/** Opens the storage that a connection URL leads to. */
export async function openTarget(
  target: ConnectionTarget,
  options: OpenOptions,
): Promise<OpenedStorage> {
  try {
    if (target.scheme === "memory") return await openMemory(target.path, options);
    // The entry of a scheme takes the targets of that scheme.
    const open = STORAGES[target.scheme] as Opener<typeof target.scheme> | undefined;
    if (open === undefined) throw unavailable(target.scheme);
    const { driver, ...more } = await open(target, options);
    return opened(driver, { random: options.random, ...more });
  } catch (error) {
    throw isUnavailable(error) ? unavailable(target.scheme, error) : error;
  }
}

/** Files, or `BackendUnavailable` where there are none. */
export async function textFiles(): Promise<TextFiles> {
  if (STORAGES.textFiles === undefined) throw unavailable("memory");
  return await STORAGES.textFiles();
}

/** A storage as an instance uses it. */
export function opened(
  driver: StorageDriver,
  { readOnly, random }: { readonly readOnly?: boolean | undefined; readonly random?: RandomSource },
): OpenedStorage {
  const view = readOnly === true ? readOnlyStorage(driver) : driver;
  return { driver: view, backend: new LocalBackend(view, undefined, random) };
}

function mayCreate({ create, readOnly }: OpenOptions): boolean {
  return create && readOnly !== true;
}

function unavailable(scheme: Scheme, cause?: unknown): InstanceError {
  const missingFeature = FEATURES[scheme] ?? scheme;
  const why = cause instanceof StorageError
    ? cause.message
    : `this build has no "${missingFeature}"; use memory:// or hand in a driver of your own`;
  const message = `Cannot connect by the scheme "${scheme}": ${why}`;
  return new InstanceError("BackendUnavailable", message, {
    cause,
    fields: { scheme, missingFeature },
  });
}

function isUnavailable(error: unknown): boolean {
  return error instanceof StorageError && error.code === "Unavailable";
}

async function openMemory(
  path: string | undefined,
  options: OpenOptions,
): Promise<OpenedStorage> {
  if (path === undefined) return opened(new MemoryStorage(), options);
  const files = await textFiles();
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
    if (isUnavailable(cause)) throw cause;
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
