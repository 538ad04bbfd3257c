import type { Listen, Listening, ListenOptions } from "../transport/port.ts";
import { SyncError } from "../util/errors.ts";

/** The server of the runtime that this runs on; `TransportInit` where there is none, as in a browser. */
export async function listenHere(options: ListenOptions): Promise<Listening> {
  return await (await server())(options);
}

async function server(): Promise<Listen> {
  if ("Deno" in globalThis) return (await import("../transport/edge/listen_deno.ts")).listen;
  if ("Bun" in globalThis) return (await import("../transport/edge/listen_bun.ts")).listen;
  if ("process" in globalThis) return (await import("../transport/edge/listen_node.ts")).listen;
  const message =
    "Cannot listen here: this runtime has no servers; give `sync.fetchHandler()` to the one that calls you";
  throw new SyncError("TransportInit", message);
}
