/**
 * How two instances agree: addresses, tickets, the messages of the sync protocol, and who may read what.
 *
 * @module
 */

export * from "./access/can_read.ts";
export * from "./access/gate.ts";
export * from "./access/limits.ts";
export * from "./access/node_access.ts";
export * from "./access/nonces.ts";
export type * from "./access/port.ts";
export * from "./access/request_proof.ts";
export type { Address } from "./address.ts";
export * from "./ticket.ts";
export * from "./v0/json_in.ts";
export * from "./v0/json_out.ts";
export * from "./v0/messages.ts";
