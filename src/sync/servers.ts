/**
 * Which server this runtime has, and how it comes to Iroh. `#servers` leads here, and to `servers_elsewhere.ts` where bundlers build for
 * pages and isolates.
 *
 * @module
 */

import type { IrohOptions } from "../transport/iroh_options.ts";
import type { Listen, Transport, Upgrade } from "../transport/port.ts";

/** The server of the runtime that this runs on; undefined where there is none. */
export async function serverHere(): Promise<Listen | undefined> {
  if ("Deno" in globalThis) return (await import("../transport/edge/listen_deno.ts")).listen;
  if ("Bun" in globalThis) return (await import("../transport/edge/listen_bun.ts")).listen;
  if ("process" in globalThis) return (await import("../transport/edge/listen_node.ts")).listen;
  return undefined;
}

/** How requests become live connections on this runtime; undefined where only its server can do that. */
export async function upgradeHere(): Promise<Upgrade | undefined> {
  if ("Deno" in globalThis) return (await import("../transport/edge/upgrade_deno.ts")).upgrade;
  if (!("WebSocketPair" in globalThis)) return undefined;
  return (await import("../transport/edge/upgrade_workerd.ts")).upgrade;
}

/** Makes a transport over Iroh, with this secret key. */
export type OpenIroh = (options: IrohOptions, secret: Uint8Array) => Promise<Transport>;

/** How Iroh is loaded on this runtime; undefined where it cannot be. */
export async function irohHere(): Promise<OpenIroh | undefined> {
  return (await import("../transport/edge/iroh.ts")).openIroh;
}
