import { type BunHandlers, bunHandlers } from "../transport/bun_server.ts";
import type { Sync } from "./sync.ts";

/** What `Bun.serve` takes to answer other instances, also over WebSockets: `Bun.serve({ port: 4000, ...bunServer(sync) })`. */
export function bunServer(sync: Sync): BunHandlers {
  return bunHandlers(sync.fetchHandler());
}
