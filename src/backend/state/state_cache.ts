import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { isLost } from "../../util/lost.ts";
import { LruMap } from "../../util/lru.ts";
import type { ListingSource } from "../records/stored_entries.ts";
import { FrontierWalk } from "../tree/frontier_walk.ts";
import { type EntryReader, storeHeight } from "../tree/walk.ts";
import { AheadReader } from "./ahead_reader.ts";
import { CheckpointKeeper, type LoadCheckpoints, MIN_WEIGHT } from "./checkpoint_keeper.ts";
import type { Scope } from "./checkpoints.ts";
import { StateFamily, type StoreState, weigh } from "./state_family.ts";
import { foldRoute } from "./state_fold.ts";
import { type KnownStates, type Route, RouteFinder } from "./state_route.ts";
import type { StateType } from "./state_type.ts";

export type { CheckpointFormat, StateType } from "./state_type.ts";

/** Most that all states in memory weigh together, in bytes of what was folded into them. */
const MAX_WEIGHT = 256 * 1024 * 1024;

/** Most stores for which it is counted what is written and not read. */
const MAX_UNREAD = 1024;

/** A state that is being computed. */
interface Folding {
  readonly reader: EntryReader;
  readonly state: Promise<StoreState>;
  readonly begun: number;
}

/**
 * Materialised states of stores.
 *
 * The state at some store tips is the fold of all deltas reachable from them over store parents, in
 * fold order. It is computed from the nearest known state that all paths cross, so that a commit on
 * top costs one delta and a merge costs the branches. Known are the states in memory and, beyond a short
 * walk, the checkpoints in storage; only where neither helps, the whole history is folded.
 */
export class StateCache {
  readonly #source: ListingSource;
  readonly #checkpoints: CheckpointKeeper;
  readonly #families = new Map<string, StateFamily>();
  readonly #foldings = new Map<string, Folding>();
  /** Weight of what this process has written to a store since it was last read. */
  readonly #unread = new LruMap<number>(MAX_UNREAD);
  #weight = 0;

  /** States of the stores that `source` holds. */
  constructor(source: ListingSource, load: LoadCheckpoints) {
    this.#source = source;
    this.#checkpoints = new CheckpointKeeper(source.driver, load);
  }

  /** Forgets all states in memory; losing them is always safe. */
  clear(): void {
    this.#families.clear();
    this.#weight = 0;
  }

  /** Writes the checkpoints that are due, and no more afterwards. */
  async close(): Promise<void> {
    await this.#checkpoints.close();
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
    const key = keyOf(tree, store, type);
    const known = this.#families.get(key)?.at(tips.tips);
    const state = known ?? await this.#foldOnce(key, reader, tree, store, tips, type);
    return state.value as T;
  }

  /** As {@link stateAt}, if the state is in memory. */
  peek<T>(tree: ID, store: string, tips: Snapshot, type: StateType<T>): T | undefined {
    if (tips.tips.length === 0) return type.empty();
    return this.#families.get(keyOf(tree, store, type))?.at(tips.tips)?.value as T | undefined;
  }

  /**
   * Notes a payload that this process has written. A store that is written and never read gets
   * checkpoints, too: now and then `read` is called in the background.
   */
  wrote(
    tree: ID,
    store: string,
    type: StateType<unknown>,
    data: Uint8Array,
    read: () => Promise<void>,
  ): void {
    if (type.checkpoint === undefined) return;
    const key = keyOf(tree, store, type);
    const weight = (this.#unread.get(key) ?? 0) + weigh(data);
    this.#unread.set(key, weight);
    if (weight < MIN_WEIGHT) return;
    this.#unread.delete(key);
    this.#checkpoints.request(key, read);
  }

  /** Computes a state. Who asks for one that is being computed already waits for it. */
  #foldOnce<T>(
    family: string,
    reader: EntryReader,
    tree: ID,
    store: string,
    tips: Snapshot,
    type: StateType<T>,
  ): Promise<StoreState> {
    // Tips go first: a store may have any name, and must never be taken for another store.
    const key = `${tips.tips.join(" ")}|${family}`;
    const running = this.#foldings.get(key);
    // Another reader may know entries that this one does not.
    if (running?.reader === reader && !isLost(running.begun)) return running.state;
    const scope = { tree, store, reading: type.name, version: type.checkpoint?.version ?? 0 };
    const state = this.#fold(family, scope, reader, tips, type as StateType<unknown>);
    this.#foldings.set(key, { reader, state, begun: performance.now() });
    const done = () => {
      if (this.#foldings.get(key)?.state === state) this.#foldings.delete(key);
    };
    state.then(done, done);
    return state;
  }

  async #fold(
    key: string,
    scope: Scope,
    reader: EntryReader,
    tips: Snapshot,
    type: StateType<unknown>,
  ): Promise<StoreState> {
    const family = this.#family(key);
    const route = await this.#findRoute(family, scope, reader, tips, type);
    const states = await foldRoute(route, tips.tips, type);
    const state = states.at(-1)!;
    if (!route.isComplete) return state;
    this.#keep(key, family, route.base, states);
    this.#unread.delete(key);
    this.#checkpoints.offer(key, { scope, family, state, type });
    return state;
  }

  async #findRoute(
    family: StateFamily,
    scope: Scope,
    reader: EntryReader,
    tips: Snapshot,
    type: StateType<unknown>,
  ): Promise<Route> {
    const ahead = new AheadReader(reader, this.#source);
    const known: KnownStates = {
      find: (mark, frontier) => family.find(mark, frontier),
      list: () => this.#checkpoints.list(scope, family, type),
      load: (checkpoint) => this.#checkpoints.load(scope, family, checkpoint, type),
      goesFar: (height) => ahead.begin(scope.tree, scope.store, height),
    };
    try {
      const walk = new FrontierWalk(ahead, scope.store);
      for (const tip of tips.tips) await walk.add(tip);
      if (this.#source.driver.capabilities.isFar && walk.frontier.length > 0) {
        ahead.begin(scope.tree, scope.store, highest(walk.frontier, scope.store));
      }
      return await new RouteFinder(walk, scope.store, known).find();
    } finally {
      await ahead.close();
    }
  }

  /** The family of a store in one reading, which becomes the one used last. */
  #family(key: string): StateFamily {
    const family = this.#families.get(key) ?? new StateFamily();
    this.#families.delete(key);
    this.#families.set(key, family);
    return family;
  }

  /** Keeps states; the families used least recently go when all weigh too much. */
  #keep(
    key: string,
    family: StateFamily,
    base: StoreState | undefined,
    states: readonly StoreState[],
  ): void {
    const before = family.weight;
    family.extend(base, states);
    if (this.#families.get(key) !== family) return;
    this.#weight += family.weight - before;
    if (this.#weight <= MAX_WEIGHT) return;
    this.#weight = 0;
    for (const one of this.#families.values()) this.#weight += one.weight;
    for (const [oldest, one] of this.#families) {
      if (this.#weight <= MAX_WEIGHT || one === family) return;
      this.#families.delete(oldest);
      this.#weight -= one.weight;
    }
  }
}

function highest(entries: readonly Entry[], store: string): number {
  return entries.reduce((most, entry) => Math.max(most, storeHeight(entry, store)), 0);
}

function keyOf(tree: ID, store: string, type: { readonly name: string }): string {
  return `${tree}|${type.name.length}|${type.name}${store}`;
}
