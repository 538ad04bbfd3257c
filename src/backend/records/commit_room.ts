/**
 * How much of one storage commit the changes of an update take, and how much is left. Storages bound a
 * commit by its changes, and Deno KV by the bytes of its keys as well. All sizes are upper bounds, made
 * of the key layout in `keys.ts`; what values take is not bounded.
 *
 * @module
 */

import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Capabilities } from "../../storage/driver.ts";
import { KEY_OVERHEAD_BYTES } from "../../storage/driver.ts";
import { utf8 } from "../../util/bytes.ts";
import { ROWS_PER_RECORD } from "./arrivals.ts";
import type { Role } from "./wait_records.ts";

/** How many keys are changed, and how many bytes these have. */
export interface ChangeSize {
  /** Keys that are written or removed. */
  readonly keys: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** A key of a kind and an ID: rows, bytes of entries, roots, heads. */
export const ID_KEY: ChangeSize = Object.freeze({ keys: 1, bytes: 38 });
/** A key of the arrival log. */
const LOG_KEY: ChangeSize = Object.freeze({ keys: 1, bytes: 46 });
/** What the head of a tree carries, once it is written: so many stores at most (`change_buffer.ts`). */
const CARRIED: ChangeSize = sum({ keys: 18, bytes: 18 * 85 + 1024 }, times(LOG_KEY, 2));
/** The part of a record of the arrival log that one entry takes; what is left of the last ones is `CARRIED`. */
const LOGGED: ChangeSize = times(LOG_KEY, 1 / ROWS_PER_RECORD);
/** A verdict on an entry that was stored before: its row, and its part of the arrival log. */
export const VERDICT: ChangeSize = sum(ID_KEY, LOGGED);
/** What every commit of a tree may change besides: its head, what that carries, the marker of its backlog. */
export const HEADS: ChangeSize = sum(times(ID_KEY, 2), CARRIED);
/** A mark on the agenda. */
export const AGENDA_KEY: ChangeSize = Object.freeze({ keys: 1, bytes: 83 });
/** A marker of an entry that waits for another one. */
export const PARKED_KEY: ChangeSize = Object.freeze({ keys: 1, bytes: 120 });
/** A marker of what is awaited of another tree. */
export const ABROAD_KEY: ChangeSize = Object.freeze({ keys: 1, bytes: 111 });
/** The marks of an entry that nobody held when somebody began to wait for it. */
export const AWAITED_KEYS: ChangeSize = Object.freeze({ keys: 2, bytes: 112 });
/** The count of what an entry waits for. */
export const COUNT_KEY: ChangeSize = Object.freeze({ keys: 1, bytes: 75 });
/** A waiter that is woken: its marker goes, its count changes, and it may stay on the agenda. */
export const WOKEN: ChangeSize = sum(PARKED_KEY, COUNT_KEY, AGENDA_KEY);
/** Without so much room a pass does not go on to its next item. */
export const LEAST: ChangeSize = sum(WOKEN, AWAITED_KEYS);

const STORE_INDEX_BYTES = 85;
const STORE_TIPS_BYTES = 40;
const WAITING_BYTES = 113;

/** Several sizes together. */
export function sum(...sizes: readonly ChangeSize[]): ChangeSize {
  let [keys, bytes] = [0, 0];
  for (const size of sizes) {
    keys += size.keys;
    bytes += size.bytes;
  }
  return { keys, bytes };
}

/** A size so many times. */
export function times({ keys, bytes }: ChangeSize, count: number): ChangeSize {
  return { keys: keys * count, bytes: bytes * count };
}

/**
 * The keys that storing an entry writes for itself: row, bytes, root, its place in each store and in the
 * arrival log.
 */
export function insertionSize(entry: Entry): ChangeSize {
  const places = named(entry.subtrees.length === 0 ? [""] : entry.subtrees, STORE_INDEX_BYTES);
  return sum(times(ID_KEY, entry.isRoot ? 3 : 2), places, LOGGED);
}

/** The frontiers of stores. */
export function storesSize(stores: Iterable<string>): ChangeSize {
  return named(stores, STORE_TIPS_BYTES);
}

/** A marker of a child that waits for its parent in a scope. */
export function waitingSize(scope: string): ChangeSize {
  return named([scope], WAITING_BYTES);
}

/** All that storing an entry changes at most, apart from what it waits for or wakes. */
export function storedSize(entry: Entry): ChangeSize {
  return sum(insertionSize(entry), storesSize(entry.subtrees), AGENDA_KEY);
}

/** All that a verdict on a stored entry changes at most, with so many markers of what it waited for. */
export function settledSize(entry: Entry, released: number): ChangeSize {
  const markers = sum(AGENDA_KEY, COUNT_KEY, times(PARKED_KEY, released));
  return sum(VERDICT, storesSize(entry.subtrees), markers);
}

/** What an entry waits for before it can be judged. */
export interface Waits {
  /** Entries that have no verdict yet; the first that gets one may change the answer. */
  readonly ids: readonly ID[];
  /**
   * What each of them is for it, in the same order, when it waits for all of them: unless one turns out to be
   * something else, the answer is the same before the last has its verdict. Absent when any may change it.
   */
  readonly roles?: readonly Role[];
  /** Those of them that nobody holds. */
  readonly missing: readonly ID[];
  /** The other tree that they are of; undefined for the entry's own. */
  readonly abroad?: ID;
}

/** All that waiting for others changes at most. */
export function parkedSize({ ids, missing, abroad }: Waits): ChangeSize {
  const elsewhere = times(ABROAD_KEY, abroad === undefined ? 0 : ids.length);
  return sum(
    COUNT_KEY,
    times(PARKED_KEY, ids.length),
    times(AWAITED_KEYS, missing.length),
    elsewhere,
  );
}

function named(names: Iterable<string>, base: number): ChangeSize {
  let [keys, bytes] = [0, 0];
  for (const name of names) {
    keys++;
    bytes += base + utf8(name).length;
  }
  return { keys, bytes };
}

/** What one storage commit takes. */
export class CommitRoom {
  readonly #keys: number;
  readonly #bytes: number;

  /** What the storage says of itself. */
  constructor({ maxBatchChanges, maxBatchKeyBytes = Infinity }: Capabilities) {
    this.#keys = maxBatchChanges;
    this.#bytes = maxBatchKeyBytes;
  }

  /** Whether there is an end to it at all. */
  get isLimited(): boolean {
    return this.#keys !== Infinity || this.#bytes !== Infinity;
  }

  /** How many changes of a size there is room for besides others. */
  left(used: ChangeSize, each: ChangeSize): number {
    if (!this.isLimited) return Infinity;
    const bytes = this.#bytes - weight(used);
    return Math.floor(Math.min((this.#keys - used.keys) / each.keys, bytes / weight(each)));
  }

  /**
   * The end of the entries from `start` on that one storage commit takes, at least one and at most so
   * many. What they wait for is not known, so it may turn out that they are too many.
   */
  end(entries: readonly Entry[], start: number, most: number): number {
    const last = Math.min(entries.length, start + most);
    if (!this.isLimited) return last;
    let used = HEADS;
    for (let at = start; at < last; at++) {
      const size = storedSize(entries[at]!);
      if (at > start && this.left(used, size) < 1) return at;
      used = sum(used, size);
    }
    return last;
  }
}

function weight({ keys, bytes }: ChangeSize): number {
  return bytes + KEY_OVERHEAD_BYTES * keys;
}
