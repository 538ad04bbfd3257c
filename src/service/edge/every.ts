/**
 * EDGE: times that keep no process alive.
 *
 * @module
 */

import { timers } from "#node";

/** Does something every so many milliseconds, which keeps no process alive; what it returns ends that. */
export function every(milliseconds: number, work: () => void): () => void {
  const timer = timers.setInterval(work, milliseconds);
  timer.unref();
  return () => timers.clearInterval(timer);
}

/** Waits for so many milliseconds, which keeps no process alive. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void timers.setTimeout(resolve, milliseconds).unref());
}
