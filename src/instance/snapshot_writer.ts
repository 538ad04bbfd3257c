import type { LocalBackend } from "../backend/local.ts";
import { snapshotText, stringifySnapshot } from "../backend/snapshot_file.ts";
import type { MemoryStorage } from "../storage/memory.ts";
import type { HeldFile } from "../storage/shared/text_file.ts";
import { InstanceError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import { textFiles } from "./text_files.ts";

const log = new Logger("instance");

/** The file that an in-memory storage is saved to. */
export interface SnapshotFile {
  /** The file, which this instance alone replaces. */
  readonly file: HeldFile;
  /** The storage. */
  readonly storage: MemoryStorage;
}

/**
 * Writes the snapshot file of an in-memory instance: on demand, on close, and when the
 * process ends with the instance still open.
 */
export class SnapshotWriter {
  readonly #backend: LocalBackend;
  readonly #file: SnapshotFile | undefined;
  #last: Promise<void> = Promise.resolve();
  #disarm: (() => void) | undefined;
  #closed = false;

  /** Saves `backend` to `file`; without one only on demand. */
  constructor(backend: LocalBackend, file: SnapshotFile | undefined) {
    this.#backend = backend;
    this.#file = file;
    if (file !== undefined) void this.#arm(file);
  }

  async #arm({ file, storage }: SnapshotFile): Promise<void> {
    const { onProcessExit } = await textFiles();
    if (this.#closed) return;
    this.#disarm = onProcessExit(() => {
      try {
        file.replaceNow(snapshotText(storage.pairs(), this.#backend.entries));
      } catch (error) {
        log.error("The snapshot was not saved", { error }, this);
      }
      file.release();
    });
  }

  /** Writes to the path that the instance was opened with; does nothing when there is none. */
  async flush(): Promise<void> {
    const file = this.#file?.file;
    if (file !== undefined) await this.#write((text) => file.replace(text));
  }

  /** Writes to any path; `SnapshotNotSupported` when the storage is not in memory. */
  async writeTo(path: string): Promise<void> {
    this.#requireMemory();
    const file = this.#file?.file;
    // It has its place at once, before that of a `close` that follows.
    await this.#write(async (text) => {
      const { replaceTextFile } = await textFiles();
      if (file?.isAt(path)) await file.replace(text, { forced: true });
      else await replaceTextFile(path, text);
    });
  }

  /** The snapshot as text; `SnapshotNotSupported` when the storage is not in memory. */
  async text(): Promise<string> {
    this.#requireMemory();
    return await stringifySnapshot(this.#backend);
  }

  #requireMemory(): void {
    const { name } = this.#backend.driver;
    if (name === "memory") return;
    const why = `the storage is "${name}", which keeps its data itself`;
    throw new InstanceError("SnapshotNotSupported", `Cannot write a snapshot: ${why}`);
  }

  /** Writes for the last time. */
  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      // A process that ends before has not saved it yet.
      this.#disarm?.();
    }
  }

  /** Snapshots are written one after another; each holds what was there when its turn came. */
  #write(save: (text: string) => Promise<void>): Promise<void> {
    const turn = this.#last.then(async () => await save(await stringifySnapshot(this.#backend)));
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
