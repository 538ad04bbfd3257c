/**
 * Pages and isolates have no server of their own.
 *
 * @module
 */

import type { Listen, Upgrade } from "../transport/port.ts";

/** None. */
export function serverHere(): Promise<Listen | undefined> {
  return Promise.resolve(undefined);
}

/** How requests become live connections here; undefined where that cannot be, as in pages. */
export async function upgradeHere(): Promise<Upgrade | undefined> {
  if (!("WebSocketPair" in globalThis)) return undefined;
  return (await import("../transport/edge/upgrade_workerd.ts")).upgrade;
}

/** None: Iroh is an add-on. */
export function irohHere(): Promise<undefined> {
  return Promise.resolve(undefined);
}
