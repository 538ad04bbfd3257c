import type { ID } from "../entry/id.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { type ChangeSize, sum, times, waitingSize } from "./commit_room.ts";
import { prefixRange, waitingKey, waitingPrefix } from "./keys.ts";

const NOTHING = new Uint8Array(0);
/** Most markers of one parent that are removed when it arrives. */
const MAX_FORGOTTEN = 16;
/** Most of them in one storage commit, as a part of what that takes. */
const FORGOTTEN_SHARE = 8;

/** Pairs of a key and a value to write. */
type Writes = [Uint8Array, Uint8Array][];

/**
 * Children that were stored before their parents: a parent that arrives later must not become a tip
 * (05 §4). A tree without such children, which is the usual one, costs no read.
 */
export class WaitingChildren {
  readonly #driver: StorageDriver;
  readonly #tree: ID;
  /** Children of this update by scope and missing parent. */
  readonly #added = new Map<string, { scope: string; parent: ID; children: ID[] }>();
  readonly #removed: Uint8Array[] = [];
  #count: number;
  #changes: ChangeSize = { keys: 0, bytes: 0 };

  /** The children of `tree`, of which storage holds `count` markers. */
  constructor(driver: StorageDriver, tree: ID, count: number) {
    this.#driver = driver;
    this.#tree = tree;
    this.#count = count;
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
    const key = `${parent} ${scope}`;
    const known = this.#added.get(key) ?? { scope, parent, children: [] };
    known.children.push(child);
    this.#added.set(key, known);
    this.#count++;
    this.#changes = sum(this.#changes, waitingSize(scope));
  }

  /** Whether some held entry lists `id` as parent in `scope`; forgets markers that say so. */
  async take(scope: string, id: ID): Promise<boolean> {
    if (this.#count === 0) return false;
    const key = `${id} ${scope}`;
    let found = this.#added.get(key)?.children.length ?? 0;
    this.#changes = sum(this.#changes, times(waitingSize(scope), -found));
    this.#added.delete(key);
    const range = prefixRange(waitingPrefix(this.#tree, scope, id));
    const most = this.#mostForgotten;
    let isAny = found > 0;
    // One is enough to know; the rest, which nobody asks for again, must not fill the storage commit.
    for await (const page of this.#driver.list({ ...range, limit: Math.max(1, most) })) {
      isAny ||= page.length > 0;
      const forgotten = page.slice(0, most);
      for (const pair of forgotten) this.#removed.push(pair.key);
      this.#changes = sum(this.#changes, times(waitingSize(scope), forgotten.length));
      found += forgotten.length;
    }
    this.#count -= found;
    return isAny;
  }

  get #mostForgotten(): number {
    const most = Math.floor(this.#driver.capabilities.maxBatchChanges / FORGOTTEN_SHARE);
    return Math.max(0, Math.min(MAX_FORGOTTEN, most - this.#removed.length));
  }

  /** Adds what has changed to a storage batch. */
  write(set: Writes, remove: Uint8Array[]): void {
    remove.push(...this.#removed);
    for (const { scope, parent, children } of this.#added.values()) {
      for (const child of children) {
        set.push([waitingKey(this.#tree, scope, parent, child), NOTHING]);
      }
    }
  }
}
