/**
 * Storage in memory.
 *
 * @module
 */

import { setInspection } from "#inspect";
import { BTree } from "../util/btree.ts";
import { copyOf } from "../util/allocate.ts";
import { compareBytes } from "../util/bytes.ts";
import { StorageError } from "../util/errors.ts";
import { turns } from "../util/turns.ts";
import type {
  Batch,
  Capabilities,
  CommitResult,
  Pair,
  Range,
  StorageDriver,
  Stored,
} from "./driver.ts";

/** How many pairs a page of a listing holds. */
const PAGE = 256;

const CAPABILITIES: Capabilities = Object.freeze({
  durable: false,
  multiWriter: false,
  maxKeyBytes: Infinity,
  maxValueBytes: Infinity,
  maxBatchChanges: Infinity,
});

/** A storage in the memory of this process, gone when it ends. */
export function memoryStorage(): MemoryStorage {
  return new MemoryStorage();
}

/** A storage in memory; use {@link memoryStorage}. */
export class MemoryStorage implements StorageDriver {
  /** See {@link StorageDriver.name}. */
  readonly name: string = "memory";
  /** See {@link StorageDriver.capabilities}. */
  readonly capabilities: Capabilities = CAPABILITIES;
  #pairs: BTree<Uint8Array, Stored> | undefined = new BTree<Uint8Array, Stored>(compareBytes);
  #version = 0;

  get #open(): BTree<Uint8Array, Stored> {
    if (this.#pairs !== undefined) return this.#pairs;
    throw new StorageError("Closed", "Cannot use the memory storage: it was closed");
  }

  /** All pairs in key order, as they are now, without waiting. */
  pairs(): Iterable<Pair> {
    const pairs = this.#open.clone();
    return (function* () {
      for (const [key, stored] of pairs.entries()) yield { key, ...stored };
    })();
  }

  /** See {@link StorageDriver.get}. */
  get(key: Uint8Array): Promise<Stored | undefined> {
    return attempt(() => this.#open.get(key));
  }

  /** See {@link StorageDriver.getMany}. */
  getMany(keys: readonly Uint8Array[]): Promise<(Stored | undefined)[]> {
    return attempt(() => keys.map((key) => this.#open.get(key)));
  }

  /** See {@link StorageDriver.list}. */
  async *list({ start, end, reverse, limit = Infinity }: Range): AsyncIterable<readonly Pair[]> {
    if (turns.isOver) await turns.next();
    // A copy shares its nodes with the original, so a listing sees one moment and costs nothing.
    const pairs = this.#open.clone();
    let page: Pair[] = [];
    let left = limit;
    for (
      const [key, stored] of reverse ? pairs.entriesReversed(end) : pairs.entries(start)
    ) {
      const outside = reverse ? compareBytes(key, start) < 0 : compareBytes(key, end) >= 0;
      if (outside || left-- <= 0) break;
      page.push({ key, ...stored });
      if (page.length < PAGE) continue;
      yield page;
      page = [];
      if (turns.isOver) await turns.next();
    }
    if (page.length > 0) yield page;
  }

  /** See {@link StorageDriver.commit}. */
  commit(batch: Batch): Promise<CommitResult> {
    return attempt(() => this.#apply(batch));
  }

  #apply({ checks = [], set = [], delete: remove = [] }: Batch): CommitResult {
    const pairs = this.#open;
    if (checks.some(({ key, version }) => pairs.get(key)?.version !== version)) {
      return { ok: false };
    }
    const version = ++this.#version;
    for (const key of remove) pairs.delete(key);
    for (const [key, value] of set) pairs.set(copyOf(key), { value: copyOf(value), version });
    return { ok: true, version };
  }

  /** See {@link StorageDriver.close}. */
  close(): Promise<void> {
    this.#pairs = undefined;
    return Promise.resolve();
  }
}

setInspection(MemoryStorage, "MemoryStorage");

/** Does something at once; whoever asks again and again leaves others their turns. */
async function attempt<T>(step: () => T): Promise<T> {
  const result = step();
  if (turns.isOver) await turns.next();
  return result;
}
