import type { ID } from "../../entry/id.ts";
import { turns } from "../../util/turns.ts";
import { type StoreState, weigh } from "./state_family.ts";
import type { Route, Step } from "./state_route.ts";
import type { StateType } from "./state_type.ts";

/** A fold in progress. */
class Fold {
  readonly #type: StateType<unknown>;
  #value: unknown;
  #last: StoreState["last"];
  #entries: number;
  #weight: number;
  #isOwned = false;

  constructor(base: StoreState | undefined, type: StateType<unknown>) {
    this.#type = type;
    this.#value = base === undefined ? type.empty() : base.value;
    this.#last = base?.last;
    this.#entries = base?.entries ?? 0;
    this.#weight = base?.weight ?? 0;
  }

  add({ height, id, data }: Step): void {
    this.#last = { height, id };
    this.#entries++;
    this.#weight += weigh(data);
    if (data === undefined) return;
    const type = this.#type;
    const delta = type.parse(data);
    // The first merge makes a value of our own, which the next ones may change in place.
    this.#value = this.#isOwned && type.apply !== undefined
      ? type.apply(this.#value, delta)
      : type.merge(this.#value, delta);
    this.#isOwned = true;
  }

  /** The state so far, which stays as it is. */
  at(tips: readonly ID[]): StoreState {
    this.#isOwned = false;
    const [last, entries, weight] = [this.#last, this.#entries, this.#weight];
    return { value: this.#value, tips, last, entries, weight };
  }
}

/** The states along a route: those on the way that are worth keeping, and at the end that of `tips`. */
export async function foldRoute(
  { base, path, stops }: Route,
  tips: readonly ID[],
  type: StateType<unknown>,
): Promise<StoreState[]> {
  const fold = new Fold(base, type);
  const states: StoreState[] = [];
  let next = 0;
  for (let at = 0; at < path.length; at++) {
    if (stops[next]?.at === at) states.push(fold.at(stops[next++]!.tips));
    fold.add(path[at]!);
    if (turns.isOver) await turns.next();
  }
  return [...states, fold.at(tips)];
}

/** The state whose payloads are `pieces`. */
export async function foldPieces(
  pieces: readonly Uint8Array[],
  type: StateType<unknown>,
): Promise<unknown> {
  let value = type.empty();
  for (const piece of pieces) {
    const part = type.parse(piece);
    value = type.apply === undefined ? type.merge(value, part) : type.apply(value, part);
    if (turns.isOver) await turns.next();
  }
  return value;
}

/** The payloads of the pieces of a state; undefined when they take more than `limit` bytes. */
export async function serializePieces(
  state: unknown,
  type: StateType<unknown>,
  limit: number,
): Promise<Uint8Array[] | undefined> {
  const payloads: Uint8Array[] = [];
  let left = limit;
  for (const piece of type.checkpoint?.pieces?.(state) ?? [state]) {
    const payload = type.serialize(piece);
    payloads.push(payload);
    left -= payload.length;
    if (left < 0) return undefined;
    if (turns.isOver) await turns.next();
  }
  return payloads;
}
