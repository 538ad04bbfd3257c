/**
 * React Native has no web workers, and its engine does not read a script that says `import.meta`.
 *
 * @module
 */

import type { Thread, ThreadEvents } from "./threads.ts";

/** Throws: there are no threads here. */
export function startThread(_events: ThreadEvents): Thread {
  throw new Error("Cannot start a thread: this place has none");
}
