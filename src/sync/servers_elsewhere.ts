/**
 * Pages and isolates have no server of their own.
 *
 * @module
 */

import type { Listen } from "../transport/port.ts";

/** None. */
export function serverHere(): Promise<Listen | undefined> {
  return Promise.resolve(undefined);
}
