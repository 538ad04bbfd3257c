/**
 * Fair turns: work that goes on in promises alone lets timers, sockets, input and aborts of the process have
 * theirs, every few milliseconds. A look at the clock tells when; nothing is spent on it before.
 *
 * @module
 */

import { tasksEndWithRequests } from "./isolate.ts";

/** How long work goes on before everything else gets its turn, in milliseconds. */
export const TURN_MS = 10;
/** How many that wait go on in one turn: they share what costs the same for many, such as storage commits. */
export const SHARED_TURN = 16;
/** After so many milliseconds a task that was to run is lost, with the request that it belonged to. */
export const LOST_MS = 1000;

/** What turns need of the host; the tests replace it. */
export interface TurnHost {
  /** A clock in milliseconds that is never set back. */
  now(): number;
  /** Has a task run after all that is due already; undefined where tasks may never run. */
  readonly schedule: ((task: () => void) => void) | undefined;
}

/** Work that waits for its next turn. */
interface Waiting {
  readonly resume: () => void;
  next: Waiting | undefined;
}

/**
 * The turns of all work of one process. Where much waits for its next turn, it goes on a few at a time, in the
 * order in which it began to wait; everything else has its turn in between.
 */
export class Turns {
  readonly #now: () => number;
  readonly #schedule: (task: () => void) => void;
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  /** When the turn began, and when the task was asked for that begins the next. */
  #since: number;
  #asked = 0;

  /** Turns on a host. */
  constructor({ now, schedule }: TurnHost) {
    this.#now = now;
    this.#schedule = schedule ?? (() => {});
    this.#since = schedule === undefined ? Infinity : now();
  }

  /** Whether work has gone on for long enough: `if (turns.isOver) await turns.next();`. */
  get isOver(): boolean {
    return this.#now() - this.#since >= TURN_MS;
  }

  /** Resolves at the next turn of the caller. */
  next(): Promise<void> {
    return new Promise((resume) => {
      const waiting: Waiting = { resume, next: undefined };
      if (this.#first !== undefined) this.#last!.next = waiting;
      if (this.#first === undefined || this.#now() - this.#asked > LOST_MS) this.#ask();
      this.#first ??= waiting;
      this.#last = waiting;
    });
  }

  #ask(): void {
    this.#asked = this.#now();
    this.#schedule(() => this.#begin());
  }

  #begin(): void {
    this.#since = this.#now();
    for (let left = SHARED_TURN; left > 0 && this.#first !== undefined; left--) {
      const { resume, next } = this.#first;
      this.#first = next;
      resume();
    }
    if (this.#first !== undefined) this.#ask();
  }
}

/** The turns of this process. */
export const turns: Turns = new Turns({
  now: () => performance.now(),
  schedule: tasksEndWithRequests ? undefined : scheduler(),
});

/** Gives what `items` has, and others their turn in between. */
export async function* inTurns<T>(items: Iterable<T>): AsyncIterable<T> {
  for (const item of items) {
    if (turns.isOver) await turns.next();
    yield item;
  }
}

/** The host's quickest way to a task of its own: timers take a millisecond, and a second in hidden tabs. */
function scheduler(): (task: () => void) => void {
  const { setImmediate } = globalThis as { setImmediate?: (task: () => void) => void };
  if (setImmediate !== undefined) return (task) => void setImmediate(task);
  if (typeof MessageChannel === "undefined") return (task) => void setTimeout(task);
  return (task) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      task();
    };
    port2.postMessage(undefined);
  };
}
