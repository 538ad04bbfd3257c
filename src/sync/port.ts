/**
 * Synchronisation as rooms below it see it: types alone.
 *
 * @module
 */

export type { BootstrapRequest, BootstrapStatus } from "./peers/bootstrap_requests.ts";
export type { SyncOptions } from "./options.ts";
export type { Sync } from "./sync.ts";
export type { DatabaseTicket } from "./ticket.ts";
export type { TreeReport } from "./worker/tree_sync.ts";
