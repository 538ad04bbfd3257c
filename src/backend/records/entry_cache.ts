import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { IdRow } from "./tree_records.ts";

/** Bytes of memory that a backend keeps decoded entries in, as estimated. */
export const ENTRY_CACHE_BYTES: number = 64 * 1024 * 1024;
/** The bytes more for those that came by the dozen: of a long history that arrives the newest alone are read soon. */
export const PASSING_CACHE_BYTES: number = 2 * 1024 * 1024;
/** What a decoded entry takes beyond its encoded bytes: objects, lists, texts of IDs, as measured. */
const OVERHEAD_BYTES = 1536;

/** An entry with what storage says about it. */
export interface Held {
  /** The entry. */
  readonly entry: Entry;
  /** Its row; the status may be out of date unless it is `Verified`. */
  readonly row: IdRow;
}

/** Entries by the texts of their IDs, in the order in which they came, bounded by the memory that they take. */
class BoundedEntries {
  readonly #held = new Map<string, Held>();
  readonly #limit: number;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Held | undefined {
    return this.#held.get(key);
  }

  hasRoomFor(held: Held): boolean {
    return this.#bytes + weightOf(held) <= this.#limit;
  }

  /** Has one that is held be the last to be forgotten. */
  touch(key: string, held: Held): void {
    this.#held.delete(key);
    this.#held.set(key, held);
  }

  /** Adds one that is not held, which stays even where it exceeds the limit by itself. */
  add(key: string, added: Held): void {
    this.#held.set(key, added);
    this.#bytes += weightOf(added);
    for (const [oldest, held] of this.#held) {
      if (this.#bytes <= this.#limit || held === added) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    this.#bytes -= weightOf(held);
  }
}

/**
 * Entries in the order in which they came, in two halves: when the younger one is full, it becomes the older one, and
 * what that had is forgotten. Each has a map of its own: V8 would else take what was deleted for alive, and move it to
 * where it collects seldom, since each table that a map has outgrown leads to the next.
 */
class PassingEntries {
  readonly #half: number;
  #young = new BoundedEntries(Infinity);
  #old = new BoundedEntries(Infinity);

  constructor(limit: number) {
    this.#half = limit / 2;
  }

  get bytes(): number {
    return this.#young.bytes + this.#old.bytes;
  }

  get(key: string): Held | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  add(key: string, held: Held): void {
    if (this.#young.bytes + weightOf(held) > this.#half) {
      this.#old = this.#young;
      this.#young = new BoundedEntries(Infinity);
    }
    this.#young.add(key, held);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}

/**
 * The entries used last, and besides them those that came last by the dozen: these pass through, so that a history
 * that arrives neither fills the memory nor takes the place of what is in use.
 */
export class EntryCache {
  readonly #used: BoundedEntries;
  readonly #passing: PassingEntries;
  #newest: Held | undefined;

  /** Makes an empty cache of at most `limit` bytes, and `passing` more for what passes through. */
  constructor(limit: number = ENTRY_CACHE_BYTES, passing: number = PASSING_CACHE_BYTES) {
    this.#used = new BoundedEntries(limit);
    this.#passing = new PassingEntries(passing);
  }

  /** Bytes of memory that the entries take, as estimated. */
  get bytes(): number {
    return this.#used.bytes + this.#passing.bytes;
  }

  /** The entry with this ID, which becomes the most recently used one unless it passes through. */
  get(id: ID): Held | undefined {
    const key = id.toString();
    const held = this.#used.get(key);
    if (held === undefined) return this.#passing.get(key);
    if (held === this.#newest) return held;
    this.#used.touch(key, held);
    this.#newest = held;
    return held;
  }

  /** Remembers an entry and forgets the least recently used ones beyond the limit. */
  set(held: Held): void {
    const key = this.#forget(held);
    this.#used.add(key, held);
    this.#newest = held;
  }

  /** Remembers an entry until as much has passed after it as there is room for. */
  pass(held: Held): void {
    const key = this.#forget(held);
    this.#passing.add(key, held);
  }

  /** Remembers an entry if there is room for it: no other one is forgotten. */
  offer(held: Held): void {
    if (this.#used.hasRoomFor(held)) this.set(held);
  }

  /** Forgets what is held under the ID of an entry, which it gives as text. */
  #forget({ entry: { id } }: Held): string {
    this.delete(id);
    return id.toString();
  }

  /** Forgets an entry. */
  delete(id: ID): void {
    const key = id.toString();
    this.#used.delete(key);
    this.#passing.delete(key);
  }
}

function weightOf({ entry }: Held): number {
  return entry.bytes.length + OVERHEAD_BYTES;
}
