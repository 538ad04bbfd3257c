import type { Items } from "./actions.ts";
import type { Budget } from "./budget.ts";

interface Part {
  readonly items: Items;
  readonly isWanted: boolean;
  /** How many of them were dealt with. */
  at: number;
}

/** Entries that one channel is to send, in the order in which it was found out, within the budget of the session. */
export class DueItems {
  readonly #budget: Budget;
  readonly #parts: Part[] = [];
  #size = 0;

  /** Nothing is due. */
  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Whether nothing is due. */
  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** How many the other side has asked for by their IDs. */
  get wanted(): number {
    return this.#parts.reduce((sum, it) => it.isWanted ? sum + it.items.length - it.at : sum, 0);
  }

  /** Adds some, behind the others; whether the other side has asked for them by their IDs. */
  add(items: Items, isWanted: boolean): void {
    if (items.length === 0) return;
    this.#parts.push({ items, isWanted, at: 0 });
    this.#count(items.length);
  }

  /** The first ones, so many at most. There must be some. */
  first(most: number): Items {
    const { items, at } = this.#parts[0]!;
    return items.slice(at, at + most);
  }

  /** So many of the first ones were dealt with. */
  done(count: number): void {
    const first = this.#parts[0]!;
    first.at += count;
    this.#count(-count);
    if (first.at >= first.items.length) this.#parts.shift();
  }

  /** Forgets all of them. */
  clear(): void {
    this.#count(-this.#size);
    this.#parts.length = 0;
  }

  #count(items: number): void {
    this.#size += items;
    this.#budget.due(items);
  }
}
