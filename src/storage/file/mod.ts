/**
 * EDGE: storage in a directory of plain files, for hosts without SQLite.
 *
 * ```text
 * journal       checksummed batches, one after the other (file_journal.ts)
 * journal-UUID  a smaller journal that is being written to replace it
 * lock          held by the one process that writes (file_lock.ts)
 * owner-UUID    an open handle
 * ```
 *
 * Where each value is in the journal is kept in memory (about 150 bytes and the key for each), so
 * opening reads the whole journal once. Several processes may have the directory open: a writer takes
 * the lock and reads what others have appended before it decides; a reader looks at the length of
 * the journal. When more than half of a journal is out of date, it is replaced by a new one.
 *
 * @module
 */

import { timers } from "#node";
import { requireNotAborted, type Wait } from "../../util/abort.ts";
import type { StorageDriver } from "../driver.ts";
import { driverOptions, requirePlace } from "../shared/options.ts";
import { fileError } from "./errors.ts";
import { FileLock, removeDeadOwners } from "./lock.ts";
import { hasJournal, openJournal, prepareDirectory, replaceJournal } from "./setup.ts";
import { FileStorage } from "./storage.ts";

/** How a file storage is opened. */
export interface FileOptions {
  /** Whether a directory without a storage gets one; true by default. */
  readonly create?: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Whether a commit survives the loss of power (`full`), or only of the process (`normal`). */
  readonly durability?: "full" | "normal";
  /** How long to wait for another process, in milliseconds; 5,000 by default. */
  readonly busyTimeoutMs?: number;
  /** Gives up opening, with the code `Aborted`, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

const OPEN = "open a storage in files";
const DEFAULT_BUSY_TIMEOUT_MS = 5000;
/** How long a reader gives a writer to finish what looks damaged, in milliseconds. */
const SETTLE_MS = 50;

/**
 * Opens a storage in a directory. Throws `StorageError` `NotFound`, `CannotOpen`, `ForeignFile`,
 * `UnsupportedSchema`, `Corrupt`, `PermissionDenied`, `ReadOnly`, `DiskFull`, `Busy` or `Aborted`.
 */
export async function fileStorage(
  directory: string,
  given?: FileOptions,
): Promise<StorageDriver> {
  const options = driverOptions(given, OPEN);
  requirePlace(directory, [], OPEN, "the path of a directory");
  const wait = { signal: options.signal, action: `open the storage in "${directory}"` };
  requireNotAborted(wait);
  let lock: FileLock | undefined;
  try {
    const isReadOnly = options.readOnly === true;
    prepareDirectory(directory, options.create !== false && !isReadOnly);
    if (isReadOnly) return await openForReading(directory, wait);
    lock = new FileLock(directory, options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS);
    return await openForWriting(directory, lock, options.durability === "full", wait);
  } catch (cause) {
    lock?.dispose();
    throw fileError(directory, "open", cause);
  }
}

async function openForWriting(
  directory: string,
  lock: FileLock,
  isFull: boolean,
  wait: Wait,
): Promise<StorageDriver> {
  const journal = await lock.run(() => {
    removeDeadOwners(directory);
    if (!hasJournal(directory)) replaceJournal(directory, []);
    return openJournal(directory, false);
  }, wait.signal);
  // Reading takes long, and others may write meanwhile: what they have added is read under the lock.
  const storage = await FileStorage.open(directory, journal, isFull, lock, wait);
  try {
    await lock.run(() => storage.repair(), wait.signal);
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

async function openForReading(directory: string, wait: Wait): Promise<StorageDriver> {
  const journal = openJournal(directory, true);
  const storage = await FileStorage.open(directory, journal, false, undefined, wait);
  if (storage.isDamaged()) await timers.promises.setTimeout(SETTLE_MS);
  if (!storage.isDamaged()) return storage;
  const damage = storage.damage();
  await storage.close();
  throw damage;
}
