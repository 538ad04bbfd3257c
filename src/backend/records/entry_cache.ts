import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { IdRow } from "./tree_records.ts";

/** Bytes of memory that a backend keeps decoded entries in, as estimated. */
export const ENTRY_CACHE_BYTES: number = 64 * 1024 * 1024;
/** What a decoded entry takes beyond its encoded bytes: objects, lists, texts of IDs, as measured. */
const OVERHEAD_BYTES = 1536;

/** An entry with what storage says about it. */
export interface Held {
  /** The entry. */
  readonly entry: Entry;
  /** Its row; the status may be out of date unless it is `Verified`. */
  readonly row: IdRow;
}

/** The entries used last, bounded by the memory that they take. */
export class EntryCache {
  readonly #held = new Map<string, Held>();
  readonly #limit: number;
  #bytes = 0;
  #newest: Held | undefined;

  /** Makes an empty cache of at most `limit` bytes. */
  constructor(limit: number = ENTRY_CACHE_BYTES) {
    this.#limit = limit;
  }

  /** The entry with this ID, which becomes the most recently used one. */
  get(id: ID): Held | undefined {
    const key = id.toString();
    const held = this.#held.get(key);
    if (held === undefined || held === this.#newest) return held;
    this.#held.delete(key);
    this.#held.set(key, held);
    this.#newest = held;
    return held;
  }

  /** Remembers an entry and forgets the least recently used ones beyond the limit. */
  set(held: Held): void {
    const key = held.entry.id.toString();
    this.delete(held.entry.id);
    this.#held.set(key, held);
    this.#newest = held;
    this.#bytes += weightOf(held);
    for (const oldest of this.#held.values()) {
      if (this.#bytes <= this.#limit || oldest === held) break;
      this.delete(oldest.entry.id);
    }
  }

  /** Remembers an entry if there is room for it: no other one is forgotten. */
  offer(held: Held): void {
    if (this.#bytes + weightOf(held) <= this.#limit) this.set(held);
  }

  /** Forgets an entry. */
  delete(id: ID): void {
    const key = id.toString();
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    this.#bytes -= weightOf(held);
  }
}

function weightOf({ entry }: Held): number {
  return entry.bytes.length + OVERHEAD_BYTES;
}
