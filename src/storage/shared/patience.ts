/**
 * EDGE: waiting for others, never without an end.
 *
 * @module
 */

import { timers } from "#node";
import { aborted } from "../../util/abort.ts";

/** Longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 16;

/** How others are waited for. */
export interface Patience {
  /** How long, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether a failure only means that somebody else is at it, so that nothing was done. */
  readonly isBusy: (error: unknown) => boolean;
  /** The action, as it follows "Cannot". */
  readonly action: string;
  /** Ends the wait when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tries a step again while somebody else is at it. When the time is over, the step's failure is
 * passed on; an abort is heard before each attempt.
 */
export async function retryWhileBusy<T>(
  step: () => T | Promise<T>,
  { timeoutMs, isBusy, action, signal }: Patience,
): Promise<T> {
  const begun = performance.now();
  for (let pause = 1;; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    if (signal?.aborted) throw aborted(signal, action, performance.now() - begun);
    try {
      return await step();
    } catch (error) {
      if (!isBusy(error) || performance.now() - begun >= timeoutMs) throw error;
    }
    await sleep(Math.random() * pause);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => timers.setTimeout(resolve, Math.ceil(ms)));
}

/**
 * Settles as `answer` does, or fails with what `late` makes when that takes too long. The answer itself
 * cannot be taken back: what it is waiting for must be ended by whoever asked.
 */
export function answerWithin<T>(
  ms: number,
  answer: PromiseLike<T>,
  late: () => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = timers.setTimeout(() => reject(late()), ms);
    answer.then(resolve, reject).then(() => timers.clearTimeout(timer));
  });
}
