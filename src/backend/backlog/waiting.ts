import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type ChangeSize, sum, times, waitingSize } from "../records/commit_room.ts";
import { prefixRange, waitingKey, waitingPrefix } from "../records/keys.ts";

const NOTHING = new Uint8Array(0);
/** Most markers of one parent that are removed when it arrives. */
const MAX_FORGOTTEN = 16;
/** Most of them in one storage commit, as a part of what that takes. */
const FORGOTTEN_SHARE = 8;

/** Pairs of a key and a value to write. */
type Writes = [Uint8Array, Uint8Array][];

/**
 * Children that were stored before their parents: a parent that arrives later must not become a tip.
 * A tree without such children, which is the usual one, costs no read.
 */
export class WaitingChildren {
  readonly #driver: StorageDriver;
  readonly #tree: ID;
  /** Children of this update by scope and missing parent. */
  #added: Map<string, { scope: string; parent: ID; children: ID[] }> | undefined;
  /** Markers in storage that were read, by scope and missing parent. */
  #stored: Map<string, readonly Uint8Array[]> | undefined;
  readonly #removed: Uint8Array[] = [];
  readonly #isAnyStored: boolean;
  #count: number;
  #changes: ChangeSize = { keys: 0, bytes: 0 };

  /** The children of `tree`, of which storage holds `count` markers. */
  constructor(driver: StorageDriver, tree: ID, count: number) {
    this.#driver = driver;
    this.#tree = tree;
    this.#count = count;
    this.#isAnyStored = count > 0;
  }

  /** How many markers there are, this update included. */
  get count(): number {
    return this.#count;
  }

  /** How much storing it changes. */
  get changes(): ChangeSize {
    return this.#changes;
  }

  /** Notes that `child` lists `parent`, which is not held, in `scope`. */
  add(scope: string, parent: ID, child: ID): void {
    const key = nameOf(scope, parent);
    const added = this.#added ??= new Map();
    const known = added.get(key) ?? { scope, parent, children: [] };
    known.children.push(child);
    added.set(key, known);
    this.#count++;
    this.#changes = sum(this.#changes, waitingSize(scope));
  }

  /** Whether {@link take} can tell who waits for `id`. */
  knows(scope: string, id: ID): boolean {
    return !this.#isAnyStored || this.#stored?.has(nameOf(scope, id)) === true;
  }

  /** Reads who waits for `id`. */
  async load(scope: string, id: ID): Promise<void> {
    const found: Uint8Array[] = [];
    const range = prefixRange(waitingPrefix(this.#tree, scope, id));
    // One is enough to know; the rest, which nobody asks for again, must not fill the storage commit.
    for await (const page of this.#driver.list({ ...range, limit: MAX_FORGOTTEN })) {
      for (const { key } of page) found.push(key);
    }
    this.#stored ??= new Map();
    this.#stored.set(nameOf(scope, id), found);
  }

  /** Whether some held entry lists `id` as parent in `scope`; forgets markers that say so. */
  take(scope: string, id: ID): boolean {
    if (this.#count === 0) return false;
    const name = nameOf(scope, id);
    const stored = this.#stored?.get(name) ?? [];
    const forgotten = stored.slice(0, this.#mostForgotten);
    const added = this.#added?.get(name)?.children.length ?? 0;
    this.#removed.push(...forgotten);
    this.#stored?.set(name, []);
    this.#added?.delete(name);
    this.#count -= forgotten.length + added;
    this.#changes = sum(this.#changes, times(waitingSize(scope), forgotten.length - added));
    return stored.length + added > 0;
  }

  get #mostForgotten(): number {
    const most = Math.floor(this.#driver.capabilities.maxBatchChanges / FORGOTTEN_SHARE);
    return Math.max(0, Math.min(MAX_FORGOTTEN, most - this.#removed.length));
  }

  /** Adds what has changed to a storage batch. */
  write(set: Writes, remove: Uint8Array[]): void {
    remove.push(...this.#removed);
    for (const { scope, parent, children } of this.#added?.values() ?? []) {
      for (const child of children) {
        set.push([waitingKey(this.#tree, scope, parent, child), NOTHING]);
      }
    }
  }
}

function nameOf(scope: string, parent: ID): string {
  return `${parent} ${scope}`;
}
