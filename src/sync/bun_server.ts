import { type BunHandlers, bunHandlers } from "../transport/bun_server.ts";
import { requireMethod } from "../util/arguments.ts";
import type { HandlerOptions } from "./options.ts";
import type { Sync } from "./sync.ts";

/**
 * What `Bun.serve` takes to answer other instances, also over WebSockets: `Bun.serve({ port: 4000, ...bunServer(sync) })`.
 * The options are those of `sync.fetchHandler`.
 */
export function bunServer(sync: Sync, options: HandlerOptions = {}): BunHandlers {
  requireMethod(sync, "fetchHandler", "make a server", "`sync`");
  return bunHandlers(sync.fetchHandler(options));
}
