import type { LocalBackend } from "../backend/local.ts";
import { type CheckedBlock, inCheckedBlocks } from "../database/checked_blocks.ts";
import type { Entry } from "../entry/entry.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { requireNotAborted } from "../util/abort.ts";
import { StorageError } from "../util/errors.ts";
import { requireTips } from "./instance_errors.ts";
import type { RemoteWork } from "./port.ts";
import { added, type PartReport, type TreeJudge } from "./tree_judge.ts";
import type { TreeWriter } from "./tree_writer.ts";

/** Entries of a remote batch that are checked together, and stored by one storage commit if that takes so many. */
export const REMOTE_BLOCK = 512;

/** What one storage commit is to take, and whether there is more of the batch. */
interface Part extends CheckedBlock {
  readonly goesOn: boolean;
  /** Verified tips that the tree must have when it is stored. */
  readonly tips?: Snapshot | undefined;
}

/** A batch of entries from elsewhere, stored and judged a storage commit at a time. */
export class RemoteBatch {
  readonly #backend: LocalBackend;
  readonly #judge: TreeJudge;
  readonly #writer: () => TreeWriter;

  /** Batches of one tree that are judged by `judge` and written through what `writer` gives at the time. */
  constructor(backend: LocalBackend, judge: TreeJudge, writer: () => TreeWriter) {
    this.#backend = backend;
    this.#judge = judge;
    this.#writer = writer;
  }

  /** Stores and judges entries that are sorted parents first, and tells what became of each part of them. */
  async *put(
    sorted: readonly Entry[],
    { signal, onProgress, alone }: RemoteWork,
  ): AsyncGenerator<PartReport, void> {
    let done = 0;
    for await (const { entries, signatures } of inCheckedBlocks(sorted, this.#blockSize)) {
      for (const part of this.#parts(entries)) {
        requireNotAborted({ signal, action: "take entries in" });
        done += part.length;
        const tips = done === part.length ? alone : undefined;
        yield await this.#put({ entries: part, signatures, goesOn: done < sorted.length, tips });
        onProgress?.({ done, total: sorted.length });
      }
    }
  }

  /** How many entries are checked together: as many as fill storage commits. */
  get #blockSize(): number {
    const most = Math.min(REMOTE_BLOCK, this.#backend.maxEntriesPerCommit);
    return REMOTE_BLOCK - REMOTE_BLOCK % most;
  }

  /** A block in parts that one storage commit takes each, as far as that is known. */
  *#parts(block: readonly Entry[]): Generator<readonly Entry[], void> {
    const { room, maxEntriesPerCommit } = this.#backend;
    for (let [at, end] = [0, 0]; at < block.length; at = end) {
      end = room.end(block, at, maxEntriesPerCommit);
      yield block.slice(at, end);
    }
  }

  /** Stores and judges a part; halves it when it is more than one storage commit takes. */
  async #put(part: Part): Promise<PartReport> {
    const { entries, signatures, goesOn, tips } = part;
    try {
      return await this.#putAtOnce(part);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      if (entries.length === 1) return await this.#refuse(part, error);
    }
    const middle = entries.length >> 1;
    const first = { entries: entries.slice(0, middle), signatures, goesOn: true, tips };
    const second = { entries: entries.slice(middle), signatures, goesOn };
    return added(await this.#put(first), await this.#put(second));
  }

  /** Reports an entry that no storage commit takes, as a part of a batch like any other. */
  async #refuse({ entries, ...part }: Part, error: StorageError): Promise<PartReport> {
    const nothing = await this.#putAtOnce({ ...part, entries: [] });
    return { ...nothing, rejected: [{ entry: entries[0]!, error }] };
  }

  async #putAtOnce({ entries, signatures, goesOn, tips }: Part): Promise<PartReport> {
    return await this.#writer().writePart(
      async (update) => {
        if (tips !== undefined) requireTips(update, tips);
        return await this.#judge.ingest(update, entries, signatures);
      },
      { size: entries.length, goesOn: (report) => goesOn || report.goesOn },
    );
  }
}

function isTooLarge(error: unknown): error is StorageError {
  return error instanceof StorageError && error.code === "TooLarge";
}
