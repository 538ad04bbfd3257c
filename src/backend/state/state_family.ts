import { ID } from "../../entry/id.ts";
import { FrontierMark, isFrontierOf, sameIds } from "../tree/frontier.ts";
import { spread } from "./spread.ts";

/** Most states that a family keeps. */
const MAX_STATES = 256;
/** How many of them are kept for having been used last. */
const RECENT_STATES = 128;
/** How many states stay when there are too many, so that making room is rare. */
const KEPT_STATES = 192;
/** Most states of the line to the one computed last. */
const MAX_LINE = 64;
/** What a family may weigh beyond twice its newest state. */
const SPARE_WEIGHT = 8 * 1024 * 1024;
/** What an entry weighs besides its payload: about what loading it, or a path of copied nodes, costs. */
const ENTRY_WEIGHT = 1024;

/** Place of an entry in the fold order of a store. */
export interface Place {
  /** Height in the store. */
  readonly height: number;
  /** ID of the entry. */
  readonly id: ID;
}

/** A materialised state of a store: the fold of all that its tips reach, none of it missing. */
export interface StoreState<T = unknown> {
  /** The state itself; it must not be changed. */
  readonly value: T;
  /** The store tips that it is the state of. */
  readonly tips: readonly ID[];
  /** Place of the last entry that was folded in; undefined for the empty state. */
  readonly last: Place | undefined;
  /** How many entries were folded in. */
  readonly entries: number;
  /** Weight of these entries ({@link weigh}). It depends on the tips only, not on how it was computed. */
  readonly weight: number;
}

/** Weight of an entry: bytes of its payload in a store, and something for the entry itself. */
export function weigh(data: Uint8Array | undefined): number {
  return ENTRY_WEIGHT + (data?.length ?? 0);
}

/** Fold order of two places. */
export function comparePlaces(a: Place, b: Place): number {
  return a.height - b.height || ID.compareFold(a.id, b.id);
}

/**
 * The states that are kept of one store in one reading.
 *
 * They share structure, so each costs what was folded since the one before it. Kept are those used last,
 * and of the others fewer the farther back they are: whatever point of history a late branch begins at,
 * some state lies not much farther back, and there are only logarithmically many.
 */
export class StateFamily {
  readonly #states = new Map<string, StoreState>();
  #line: StoreState[] = [];
  #newest: StoreState | undefined;
  /** The state that was used last, which is the last of {@link #states}. */
  #last: StoreState | undefined;
  #older = 0;
  #ground = { weight: 0, bytes: 0 };

  /** The state at exactly these tips, which becomes the one used last. */
  at(tips: readonly ID[]): StoreState | undefined {
    const last = this.#last;
    if (last !== undefined && sameIds(last.tips, tips)) return last;
    return this.find(FrontierMark.of(tips), tips.map((id) => ({ id })));
  }

  /** The state whose tips are exactly `frontier`, which has this mark. */
  find(mark: string, frontier: readonly { readonly id: ID }[]): StoreState | undefined {
    const state = this.#states.get(mark);
    if (state === undefined || !isFrontierOf(state.tips, frontier)) return undefined;
    this.#states.delete(mark);
    this.#states.set(mark, state);
    this.#last = state;
    return state;
  }

  /** Keeps a state, and lets others go when there are too many or they weigh too much. */
  add(state: StoreState): void {
    const mark = FrontierMark.of(state.tips);
    // A key that is there already would keep its place in the order of use.
    this.#states.delete(mark);
    this.#states.set(mark, state);
    this.#last = state;
    const newest = this.#newest ?? state;
    this.#older += Math.min(this.sizeOf(state), Math.abs(state.weight - newest.weight));
    if (state.weight >= newest.weight) this.#newest = state;
    if (this.#states.size > MAX_STATES) this.#thin(KEPT_STATES);
    while (this.#isHeavy() && this.#states.size > 1) this.#thin(this.#states.size >> 1);
  }

  /** Keeps the states that were computed one after the other, beginning with `base`. */
  extend(base: StoreState | undefined, states: readonly StoreState[]): void {
    for (const state of states) this.add(state);
    const from = base === undefined ? 0 : this.#line.lastIndexOf(base) + 1;
    this.#line = [...this.#line.slice(0, from), ...states];
    if (this.#line.length <= MAX_LINE) return;
    const end = this.#line.at(-1)!.entries;
    const distance = ({ entries }: StoreState) => end - entries;
    this.#line = spread(this.#line.reverse(), distance, end, MAX_LINE >> 1).reverse();
  }

  /**
   * The newest state from which the one computed last, `state`, was reached, and which weighs between
   * `least` and `most`; undefined when there is none.
   */
  before(state: StoreState, least: number, most: number): StoreState | undefined {
    if (this.#line.at(-1) !== state) return undefined;
    return this.#line.findLast(({ weight }) => weight >= least && weight <= most);
  }

  /** Whether the older states weigh too much. What was added up may be more than they do. */
  #isHeavy(): boolean {
    const limit = this.#newestWeight + SPARE_WEIGHT;
    if (this.#older > limit) this.#count();
    return this.#older > limit;
  }

  /**
   * Notes what a state is known to take when written, which is less than what was folded into it when
   * later entries have replaced earlier ones.
   */
  measured(weight: number, bytes: number): void {
    this.#ground = { weight, bytes };
    this.#count();
  }

  /** Weight and size of the last state that was measured. */
  get ground(): { readonly weight: number; readonly bytes: number } {
    return this.#ground;
  }

  /** About how large a state is, by what is known of another one. */
  sizeOf(state: StoreState): number {
    const { weight, bytes } = this.#ground;
    return state.weight < weight ? Math.min(state.weight, bytes) : bytes + state.weight - weight;
  }

  /** Bytes of memory that the family takes, roughly. */
  get weight(): number {
    return this.#newestWeight + this.#older;
  }

  get #newestWeight(): number {
    return this.#newest === undefined ? 0 : this.sizeOf(this.#newest);
  }

  /** What the states weigh together: the newest whole, each older one by what it does not share. */
  #count(): void {
    const states = [...this.#states.values()].sort((a, b) => b.weight - a.weight);
    this.#newest = states[0];
    this.#older = 0;
    for (let at = 1; at < states.length; at++) {
      this.#older += Math.min(
        this.sizeOf(states[at]!),
        states[at - 1]!.weight - states[at]!.weight,
      );
    }
  }

  /** Leaves `count` states: the ones used last, and well-spread ones of the others. */
  #thin(count: number): void {
    const recent = Math.max(1, Math.min(RECENT_STATES, count >> 1));
    const old = [...this.#states].slice(0, this.#states.size - recent);
    old.sort((a, b) => b[1].entries - a[1].entries);
    const end = Math.max(...[...this.#states.values()].map(({ entries }) => entries));
    const kept = new Set(spread(old, ([, { entries }]) => end - entries, end, count - recent));
    for (const pair of old) if (!kept.has(pair)) this.#states.delete(pair[0]);
    this.#count();
  }
}
