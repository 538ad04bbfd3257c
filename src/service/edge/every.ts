/**
 * EDGE: work that is done again and again.
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
