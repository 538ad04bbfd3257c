import { LocalBackend } from "../backend/local.ts";
import { loadSnapshot } from "../backend/snapshot_load.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { MemoryStorage } from "../storage/memory.ts";
import type { HeldFile } from "../storage/shared/text_file.ts";
import { isAborted, requireNotAborted } from "../util/abort.ts";
import { requireText } from "../util/arguments.ts";
import { BackendError, EideticaError, InstanceError } from "../util/errors.ts";
import { permissionProblem } from "../util/permission.ts";
import { opened, type OpenedStorage } from "./opened_storage.ts";
import { SnapshotWriter } from "./snapshot_writer.ts";
import type { OpenOptions, TextFiles } from "./storage_opener.ts";

/** A storage in memory with what a file holds, to which it is saved. */
export async function openSnapshotFile(
  path: string,
  files: TextFiles,
  options: OpenOptions,
): Promise<OpenedStorage> {
  const isHeld = options.readOnly !== true;
  if (!mayCreate(options)) requireThere(path, files);
  requireNotAborted({ signal: options.signal, action: `open the snapshot "${path}"` });
  const file = isHeld ? hold(path, files) : undefined;
  // Who has aborted may open it again at once, while what was begun here comes to its end.
  const release = () => file?.release();
  options.signal?.addEventListener("abort", release);
  try {
    const text = await readSnapshot(path, () => file?.read() ?? files.readTextFile(path));
    return await openSnapshot({ path, file, text }, options);
  } catch (error) {
    release();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", release);
  }
}

function mayCreate({ create, readOnly }: OpenOptions): boolean {
  return create && readOnly !== true;
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
  if (text !== undefined) await fill(storage, text, options, path);
  const storageOpened = opened(storage, options);
  const isForeign = text !== undefined &&
    await storageOpened.backend.getInstanceMetadata() === undefined;
  return {
    ...storageOpened,
    save: file && (() => new SnapshotWriter(storageOpened.backend, { file, storage })),
    foreignSnapshot: isForeign ? path : undefined,
  };
}

/** A storage in memory with what the text of a snapshot holds. */
export async function openSnapshotText(
  text: string,
  options: Omit<OpenOptions, "create">,
): Promise<OpenedStorage> {
  requireText(text, "open a snapshot", "the text");
  const storage = new MemoryStorage();
  await fill(storage, text, options);
  return opened(storage, options);
}

async function fill(
  storage: StorageDriver,
  text: string,
  { random, signal, onProgress }: Omit<OpenOptions, "create">,
  path?: string,
): Promise<void> {
  const work = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  try {
    await loadSnapshot(new LocalBackend(storage, undefined, random), text, work);
  } catch (cause) {
    // What the caller has thrown, or asked for, says nothing about the snapshot.
    if (!(cause instanceof EideticaError) || isAborted(cause)) throw cause;
    throw invalidSnapshot(path, cause.message, cause);
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

function invalidSnapshot(
  path: string | undefined,
  reason: string,
  cause?: unknown,
): InstanceError {
  const what = path === undefined ? "the text of a snapshot" : `the snapshot "${path}"`;
  return new InstanceError("InvalidSnapshot", `Cannot open ${what}: ${reason}`, {
    cause,
    fields: { path, reason },
  });
}
