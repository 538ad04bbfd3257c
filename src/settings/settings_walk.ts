import {
  compareInTree,
  type EntryReader,
  inStore,
  inTree,
  storeParents,
} from "../backend/tree/walk.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { Heap } from "../util/heap.ts";

/**
 * The `_settings` entries below some tips, highest first. Parents in a store may be higher than their
 * children, since they need not be main parents, so no height ends the walk early.
 */
export class SettingsWalk {
  readonly #reader: EntryReader;
  readonly #tree: ID;
  readonly #queue = new Heap<Entry>((a, b) => compareInTree(a, b) > 0);
  readonly #seen = new Set<string>();

  /** Walks in `tree`. */
  constructor(reader: EntryReader, tree: ID) {
    this.#reader = reader;
    this.#tree = tree;
  }

  /** Adds a tip to begin with. */
  async add(id: ID): Promise<void> {
    const key = id.toString();
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const entry = await this.#reader.find(id);
    if (entry === undefined || !inTree(entry, this.#tree) || !inStore(entry, SETTINGS)) return;
    this.#queue.push(entry);
  }

  /** The highest entry that is left, unless there is none. */
  async next(): Promise<Entry | undefined> {
    const entry = this.#queue.pop();
    if (entry === undefined) return undefined;
    for (const parent of storeParents(entry, SETTINGS)) await this.add(parent);
    return entry;
  }
}
