import { setInspection } from "#inspect";
import { fs } from "#node";
import type {
  Batch,
  Capabilities,
  CommitResult,
  Pair,
  Range,
  StorageDriver,
  Stored,
} from "../driver.ts";
import { GroupCommit } from "../group_commit.ts";
import { requireNotAborted, type Wait } from "../../util/abort.ts";
import { turns } from "../../util/turns.ts";
import { requireFits } from "../shared/limits.ts";
import { listByPage } from "../shared/pages.ts";
import { PollingWatch } from "../shared/poll.ts";
import { fileError, storageError } from "./errors.ts";
import { FrameGroup } from "./group.ts";
import { FileIndex } from "./index.ts";
import { encodeFrame, type Journal, visitFrames } from "./journal.ts";
import type { FileLock } from "./lock.ts";
import { journalPath, openJournal, replaceJournal } from "./setup.ts";

/** A journal below this size is not worth replacing, in bytes. */
const MIN_COMPACTION_BYTES = 1 << 20;
const MAX_BATCH_BYTES = 1 << 30;

const CAPABILITIES: Capabilities = Object.freeze({
  durable: true,
  multiWriter: true,
  maxKeyBytes: 1 << 16,
  maxValueBytes: 1 << 29,
  maxBatchChanges: 1 << 20,
});

/** The driver on an open journal; without a lock it only reads. */
export class FileStorage implements StorageDriver {
  /** Kind of storage. */
  readonly name: string = "file";
  /** What it can do and bear. */
  readonly capabilities: Capabilities = CAPABILITIES;
  readonly #directory: string;
  readonly #isFull: boolean;
  readonly #lock: FileLock | undefined;
  readonly #group = new GroupCommit((batches) => this.#apply(batches));
  readonly #watch = new PollingWatch("file", {
    token: () => this.changeToken(),
    read: (keys) => keys.map((key) => this.#read(key)),
  });
  #journal: Journal | undefined;
  #index = new FileIndex();
  /** How often something was found that others have written. */
  #foreign = 0;
  #minCompaction = MIN_COMPACTION_BYTES;
  #isClosing = false;

  /** A driver on `journal`, of which nothing is read yet. */
  private constructor(directory: string, journal: Journal, isFull: boolean, lock?: FileLock) {
    this.#directory = directory;
    this.#journal = journal;
    this.#isFull = isFull;
    this.#lock = lock;
  }

  /** The driver on `journal`, once all of it is read; closes it when that fails. */
  static async open(
    directory: string,
    journal: Journal,
    isFull: boolean,
    lock: FileLock | undefined,
    wait: Wait,
  ): Promise<FileStorage> {
    try {
      const storage = new FileStorage(directory, journal, isFull, lock);
      await journal.readFramesInTurns(storage.#index, () => requireNotAborted(wait));
      requireNotAborted(wait);
      return storage;
    } catch (error) {
      journal.close();
      throw error;
    }
  }

  get #open(): Journal {
    if (this.#journal !== undefined) return this.#journal;
    throw this.#closed();
  }

  #attempt<T>(action: string, step: () => T): T {
    try {
      return step();
    } catch (cause) {
      throw fileError(this.#directory, action, cause);
    }
  }

  /** The journal, with all that other processes have written before now. */
  #current(): Journal {
    const journal = this.#open;
    const { ino, size } = fs.statSync(journalPath(this.#directory));
    if (ino !== journal.inode) return this.#reload();
    if (size === journal.end) return journal;
    if (size < journal.end) throw this.#shortened(size);
    const before = journal.end;
    journal.readFrames(this.#index);
    if (journal.end !== before) this.#foreign++;
    return journal;
  }

  #reload(): Journal {
    const fresh = openJournal(this.#directory, this.#lock === undefined);
    this.#journal?.close();
    this.#journal = fresh;
    this.#index = new FileIndex();
    this.#foreign++;
    fresh.readFrames(this.#index);
    return fresh;
  }

  #read(key: Uint8Array): Stored | undefined {
    const found = this.#index.get(key);
    if (found === undefined) return undefined;
    return { value: this.#open.read(found), version: found.version };
  }

  /** See {@link StorageDriver.get}. */
  async get(key: Uint8Array): Promise<Stored | undefined> {
    const stored = this.#attempt("read", () => (this.#current(), this.#read(key)));
    if (turns.isOver) await turns.next();
    return stored;
  }

  /** See {@link StorageDriver.getMany}. */
  async getMany(keys: readonly Uint8Array[]): Promise<(Stored | undefined)[]> {
    const stored = this.#attempt(
      "read",
      () => (this.#current(), keys.map((key) => this.#read(key))),
    );
    if (turns.isOver) await turns.next();
    return stored;
  }

  /** See {@link StorageDriver.changeToken}. */
  changeToken(): unknown {
    if (this.#journal === undefined) return undefined;
    return this.#attempt("read", () => (this.#current(), this.#foreign));
  }

  /** See {@link StorageDriver.list}. */
  list(range: Range): AsyncIterable<readonly Pair[]> {
    return listByPage(range, (rest, limit) =>
      this.#attempt("read", () => {
        const journal = this.#current();
        return this.#index.range(rest, limit).map(([key, at]): Pair => {
          return { key, value: journal.read(at), version: at.version };
        });
      }));
  }

  /** See {@link StorageDriver.commit}. */
  async commit(batch: Batch): Promise<CommitResult> {
    if (this.#isClosing) throw this.#closed();
    if (this.#lock === undefined) {
      const what = "it was opened for reading only; open it without `readOnly`";
      throw storageError("ReadOnly", this.#directory, "write", what);
    }
    requireFits(batch, this.capabilities, MAX_BATCH_BYTES);
    return await this.#group.commit(batch);
  }

  async #apply(batches: readonly Batch[]): Promise<CommitResult[]> {
    try {
      return await this.#lock!.run(() => this.#applyLocked(batches));
    } catch (cause) {
      throw fileError(this.#directory, "write", cause);
    }
  }

  #applyLocked(batches: readonly Batch[]): CommitResult[] {
    const journal = this.repair();
    const group = new FrameGroup(this.#index);
    const results = batches.map((batch) => group.add(batch));
    if (group.changes.length === 0) return results;
    const frame = encodeFrame(group.highestVersion, group.changes);
    const position = journal.append(frame, this.#isFull);
    visitFrames(frame, position, this.#index);
    this.#compactIfWorth(journal);
    return results;
  }

  #compactIfWorth(journal: Journal): void {
    if (journal.end < Math.max(this.#minCompaction, 2 * this.#index.liveBytes)) return;
    const foreign = this.#foreign;
    try {
      replaceJournal(this.#directory, this.#index.frames(journal));
      this.#reload();
      this.#foreign = foreign;
    } catch {
      // The batches are written; a disk too full for a second journal is asked again much later.
      this.#minCompaction = 2 * journal.end;
    }
  }

  /** Reads to the end and cuts off what a crash has torn there. Only under the lock. */
  repair(): Journal {
    const journal = this.#current();
    if (journal.size === journal.end) return journal;
    if (this.isDamaged()) throw this.damage();
    journal.truncate();
    return journal;
  }

  /** Whether something unreadable has batches behind it. */
  isDamaged(): boolean {
    const journal = this.#current();
    return journal.size !== journal.end && journal.hasFrameBehindDamage();
  }

  /** What is thrown then. */
  damage(): Error {
    const offset = this.#open.end;
    const what =
      `its journal is damaged at byte ${offset}, with batches behind that; restore it from a copy, or cut it there to keep all before`;
    return storageError("Corrupt", this.#directory, "read", what, { offset });
  }

  #shortened(size: number): Error {
    const what =
      `its journal was cut at byte ${size} while it was in use; restore it from a copy, or open it again to keep what is left`;
    return storageError("Corrupt", this.#directory, "read", what, { offset: size });
  }

  /** See {@link StorageDriver.watch}. */
  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    return this.#attempt("read", () => (this.#current(), this.#watch.watch(keys, changed)));
  }

  #closed(): Error {
    return storageError("Closed", this.#directory, "use", "it was closed; open it again");
  }

  /** See {@link StorageDriver.close}. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#group.idle();
    this.#watch.stop();
    const journal = this.#journal;
    this.#journal = undefined;
    this.#lock?.dispose();
    journal?.close();
  }
}

setInspection(FileStorage, "FileStorage");
