import type { Crdt } from "../crdt/crdt.ts";
import type { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { LruMap } from "../util/lru.ts";
import { FrontierWalk } from "./frontier_walk.ts";
import { compareInStore, type EntryReader, storeHeight } from "./walk.ts";

/** How many materialised store states a backend keeps; states of one store share structure. */
const CACHED_STATES = 4096;
/** Widest frontier that is looked up in the cache while walking back. */
const WIDEST_CACHED_FRONTIER = 8;

/** Place of an entry in the fold order of a store. */
interface Place {
  readonly height: number;
  readonly id: ID;
}

interface CachedState {
  readonly value: unknown;
  /** Place of the last entry that was folded in; undefined for the empty state. */
  readonly last: Place | undefined;
}

/** How to read the payload of an entry: plainly, or through a decryptor. */
export interface StateType<T> extends Crdt<T> {
  /** Name of this reading; states of different readings are never mixed up. */
  readonly name: string;
}

/**
 * Materialised states of stores (05 §6, 06 §5.4).
 *
 * The state at some store tips is the fold of all deltas reachable from them over store parents, in
 * fold order. It is computed from the nearest cached state that all paths cross, so that a commit on
 * top costs one delta and a merge costs the branches. A cached state is used only when everything to
 * be folded comes after it in fold order; else the whole history is folded.
 */
export class StateCache {
  readonly #states = new LruMap<CachedState>(CACHED_STATES);

  /** Forgets all states; losing them is always safe. */
  clear(): void {
    this.#states.clear();
  }

  /** The state of a store at `tips`. The value is shared: callers must not change it. */
  async stateAt<T>(
    reader: EntryReader,
    tree: ID,
    store: string,
    tips: Snapshot,
    type: StateType<T>,
  ): Promise<T> {
    if (tips.tips.length === 0) return type.empty();
    const scope = `${tree}|${type.name.length}|${type.name}${store}`;
    const known = this.#get<T>(scope, tips.tips);
    if (known !== undefined) return known.value;
    const { path, base } = await this.#walk<T>(reader, scope, store, tips);
    const state = fold(path, store, type, base ?? { value: type.empty(), last: undefined });
    this.#states.set(key(scope, tips.tips), state);
    return state.value;
  }

  #get<T>(scope: string, tips: readonly ID[]): (CachedState & { value: T }) | undefined {
    return this.#states.get(key(scope, tips)) as (CachedState & { value: T }) | undefined;
  }

  /** Entries to fold, in fold order, and the cached state to fold them onto. */
  async #walk<T>(
    reader: EntryReader,
    scope: string,
    store: string,
    tips: Snapshot,
  ): Promise<{ path: Entry[]; base: (CachedState & { value: T }) | undefined }> {
    const walk = new FrontierWalk(reader, store);
    for (const tip of tips.tips) await walk.add(tip);
    const path: Entry[] = [];
    let first: Entry | undefined;
    const compare = compareInStore(store);
    for (let entry = await walk.step(); entry !== undefined; entry = await walk.step()) {
      path.push(entry);
      if (first === undefined || compare(entry, first) < 0) first = entry;
      const base = this.#lookUp<T>(scope, walk.frontier);
      if (base !== undefined && isAfter(first, store, base.last)) {
        return { path: path.sort(compare), base };
      }
    }
    return { path: path.sort(compare), base: undefined };
  }

  #lookUp<T>(
    scope: string,
    frontier: readonly Entry[],
  ): (CachedState & { value: T }) | undefined {
    if (frontier.length === 0 || frontier.length > WIDEST_CACHED_FRONTIER) return undefined;
    return this.#get<T>(scope, frontier.map((entry) => entry.id).sort(ID.compare));
  }
}

/** Tips go first: a store may have any name, and must never be taken for another store. */
function key(scope: string, tips: readonly ID[]): string {
  return tips.length === 1 ? `${tips[0]}|${scope}` : `${tips.join(" ")}|${scope}`;
}

function isAfter(entry: Entry, store: string, last: Place | undefined): boolean {
  if (last === undefined) return true;
  const height = storeHeight(entry, store);
  return height > last.height || (height === last.height && ID.compareFold(entry.id, last.id) > 0);
}

function fold<T>(
  path: readonly Entry[],
  store: string,
  type: StateType<T>,
  base: CachedState & { value: T },
): CachedState & { value: T } {
  let value = base.value;
  let owned = false;
  for (const entry of path) {
    const data = entry.findData(store);
    if (data === undefined) continue;
    // The first merge makes a value of our own, which the next ones may change in place.
    const merge = owned && type.apply !== undefined ? type.apply : type.merge;
    value = merge(value, type.parse(data));
    owned = true;
  }
  const last = path.at(-1);
  if (last === undefined) return { value, last: base.last };
  return { value, last: { height: storeHeight(last, store), id: last.id } };
}
