import { aborted, requireNotAborted } from "../util/abort.ts";

/** How long one work may keep others from their turn, in milliseconds. Then they go on beside it. */
export const PATIENCE = 10_000;

/** What is waited for, as it follows "Cannot". */
const ACTION = "have a turn";

/** Somebody in a lane. */
interface Place {
  /** When its turn has come; undefined while it waits. */
  since: number | undefined;
  /** Gives it its turn. */
  wake: () => void;
}

/**
 * Work that takes turns: in each lane one after another, in the order in which they came.
 *
 * Turns are for speed alone, whoever takes them must also be right without: in an edge isolate work ends
 * with its request and never leaves its lane, and work that enters its own lane again waits for itself. So
 * whoever has waited for too long for one and the same work goes on beside it.
 */
export class Lanes {
  readonly #lanes = new Map<string, Place[]>();
  readonly #patience: number;

  /** Lanes in which one work keeps the others waiting for `patience` milliseconds at most. */
  constructor(patience: number = PATIENCE) {
    this.#patience = patience;
  }

  /** Runs `work` when its turn has come. The next begins when it ends, or calls `leave` before. */
  async run<T>(
    lane: string,
    work: (leave: () => void) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    requireNotAborted({ signal, action: ACTION });
    const place: Place = { since: undefined, wake: () => {} };
    const leave = () => this.#leave(lane, place);
    try {
      if (!this.#enter(lane, place)) await this.#turn(lane, place, signal);
      return await work(leave);
    } finally {
      leave();
    }
  }

  /** Takes a place; whether its turn has come at once. */
  #enter(lane: string, place: Place): boolean {
    const queue = this.#lanes.get(lane);
    if (queue === undefined) this.#lanes.set(lane, [place]);
    else queue.push(place);
    if (queue === undefined) place.since = performance.now();
    return queue === undefined;
  }

  #leave(lane: string, place: Place): void {
    const queue = this.#lanes.get(lane) ?? [];
    const at = queue.indexOf(place);
    if (at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) this.#lanes.delete(lane);
    if (at === 0 && queue[0] !== undefined) this.#wake(queue[0]);
  }

  #wake(place: Place): void {
    place.since = performance.now();
    place.wake();
  }

  /** Resolves when the turn of `place` has come. */
  async #turn(lane: string, place: Place, signal: AbortSignal | undefined): Promise<void> {
    let abort = () => {};
    const begun = performance.now();
    const timer = setInterval(() => this.#passOver(lane), this.#patience);
    try {
      await new Promise<void>((resolve, reject) => {
        place.wake = resolve;
        abort = () => reject(aborted(signal!, ACTION, performance.now() - begun));
        signal?.addEventListener("abort", abort);
      });
    } finally {
      clearInterval(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Passes over the first of a lane if it has had its turn for too long. */
  #passOver(lane: string): void {
    const first = this.#lanes.get(lane)?.[0];
    if (first?.since === undefined) return;
    if (performance.now() - first.since >= this.#patience) this.#leave(lane, first);
  }
}
