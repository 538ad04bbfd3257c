import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { FrontierMark, isFrontierOf } from "../tree/frontier.ts";
import type { FrontierWalk } from "../tree/frontier_walk.ts";
import { storeHeight } from "../tree/walk.ts";
import type { Checkpoint } from "./checkpoints.ts";
import { comparePlaces, type Place, type StoreState, weigh } from "./state_family.ts";

/** Weight of what is walked before checkpoints are asked for: a short way is walked sooner. */
const PATIENCE = 64 * 1024;
/** After this many entries, and then at every doubling, the state on the way is worth keeping. */
const FIRST_STOP = 64;
/** Widest frontier of such a state. */
const WIDEST_STOP = 64;

/** An entry on the way, as far as folding needs it. */
export interface Step extends Place {
  /** Payload in the store. */
  readonly data: Uint8Array | undefined;
}

/** A state on the way that is worth keeping. */
export interface Stop {
  /** How many entries of the path come before it. */
  readonly at: number;
  /** Its tips. */
  readonly tips: readonly ID[];
}

/** How to get to a state: from a base that is known, over entries to be folded onto it. */
export interface Route {
  /** Where it begins; undefined for the empty state. */
  readonly base: StoreState | undefined;
  /** The entries, in fold order. */
  readonly path: readonly Step[];
  /** States on the way that are worth keeping, in order. */
  readonly stops: readonly Stop[];
  /** Whether nothing was missing on the way, so that the state depends on its tips only. */
  readonly isComplete: boolean;
}

/** What a route can begin from. */
export interface KnownStates {
  /** The state in memory with these tips. */
  find(mark: string, frontier: readonly Entry[]): StoreState | undefined;
  /** The checkpoints that storage holds. */
  list(): Promise<readonly Checkpoint[]>;
  /** The state of a checkpoint; undefined when it cannot be read. */
  load(checkpoint: Checkpoint): Promise<StoreState | undefined>;
  /** Told once when the way gets long; `height` is the store height where the walk is. */
  goesFar(height: number): void;
}

/** The walk at one moment. */
interface Passed {
  readonly mark: string;
  readonly frontier: readonly Entry[];
  readonly length: number;
  /** The first of the entries walked so far, in fold order. */
  readonly lowest: Step | undefined;
}

/**
 * Walks back from some tips to the nearest known state that all paths cross. A state serves as base only
 * when everything to be folded comes after it in fold order; else the walk goes on.
 */
export class RouteFinder {
  readonly #walk: FrontierWalk;
  readonly #store: string;
  readonly #known: KnownStates;
  readonly #path: Step[] = [];
  readonly #stops: { readonly left: number; readonly tips: readonly ID[] }[] = [];
  readonly #passed: Passed[] = [];
  #checkpoints: ReadonlyMap<string, Checkpoint> | undefined;
  #weight = 0;
  #lowest: Step | undefined;
  #isSorted = true;

  /** Finds a route from where `walk` stands. */
  constructor(walk: FrontierWalk, store: string, known: KnownStates) {
    this.#walk = walk;
    this.#store = store;
    this.#known = known;
  }

  /** Walks until a base is found, or everything was walked. */
  async find(): Promise<Route> {
    for (;;) {
      const now = this.#now();
      const near = this.#inMemory(now);
      if (near !== undefined) return this.#route(now.length, near);
      const far = this.#asksStorage(now) ? await this.#inStorage(now) : undefined;
      if (far !== undefined) return this.#route(far.length, far.state);
      const entry = await this.#walk.step();
      if (entry === undefined) return this.#route(this.#path.length, undefined);
      this.#take(entry);
    }
  }

  #now(): Passed {
    const { mark, frontier } = this.#walk;
    return { mark, frontier, length: this.#path.length, lowest: this.#lowest };
  }

  #take(entry: Entry): void {
    const data = entry.findData(this.#store);
    const step: Step = { id: entry.id, height: storeHeight(entry, this.#store), data };
    this.#path.push(step);
    this.#weight += weigh(data);
    if (this.#lowest === undefined || comparePlaces(step, this.#lowest) < 0) this.#lowest = step;
    else this.#isSorted = false;
    this.#addStop();
  }

  #addStop(): void {
    const left = this.#path.length;
    const { frontier } = this.#walk;
    if (left < FIRST_STOP || (left & (left - 1)) !== 0 || frontier.length > WIDEST_STOP) return;
    this.#stops.push({ left, tips: frontier.map(({ id }) => id) });
  }

  #inMemory({ mark, frontier, lowest }: Passed): StoreState | undefined {
    const state = frontier.length === 0 ? undefined : this.#known.find(mark, frontier);
    return state !== undefined && isBehind(state, lowest) ? state : undefined;
  }

  #asksStorage(now: Passed): boolean {
    if (this.#checkpoints !== undefined) return this.#checkpoints.has(now.mark);
    this.#passed.push({ ...now, frontier: [...now.frontier] });
    return this.#weight >= PATIENCE;
  }

  /** Looks the frontier up among the checkpoints; all earlier ones, too, when these get known. */
  async #inStorage(now: Passed): Promise<{ length: number; state: StoreState } | undefined> {
    if (this.#checkpoints !== undefined) return await this.#load(now);
    const listed = await this.#known.list();
    this.#checkpoints = new Map(listed.map((one) => [FrontierMark.of(one.tips), one]));
    for (const passed of this.#passed) {
      const found = await this.#load(passed);
      if (found !== undefined) return found;
    }
    this.#known.goesFar(this.#lowest!.height);
    return undefined;
  }

  async #load(passed: Passed): Promise<{ length: number; state: StoreState } | undefined> {
    const one = this.#checkpoints!.get(passed.mark);
    if (one === undefined || !isFrontierOf(one.tips, passed.frontier)) return undefined;
    const state = isBehind(one, passed.lowest) ? await this.#known.load(one) : undefined;
    return state && { length: passed.length, state };
  }

  #route(length: number, base: StoreState | undefined): Route {
    const isComplete = !this.#walk.hasGaps;
    // Where heights go up towards the roots, what was walked last does not come first in fold order.
    const stops = this.#isSorted && isComplete ? this.#stops : [];
    return {
      base,
      path: this.#path.slice(0, length).sort(comparePlaces),
      stops: stops.map(({ left, tips }) => ({ at: length - left, tips })).filter(({ at }) => at > 0)
        .reverse(),
      isComplete,
    };
  }
}

function isBehind(
  { last }: { readonly last: Place | undefined },
  lowest: Step | undefined,
): boolean {
  return lowest === undefined || last === undefined || comparePlaces(lowest, last) > 0;
}
