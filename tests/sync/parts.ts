/**
 * The parts of synchronisation that tests look into, in one place.
 *
 * @module
 */

export * from "../../src/sync/access/can_read.ts";
export * from "../../src/sync/access/gate.ts";
export * from "../../src/sync/access/limits.ts";
export * from "../../src/sync/access/node_access.ts";
export * from "../../src/sync/access/nonces.ts";
export type * from "../../src/sync/access/port.ts";
export * from "../../src/sync/access/request_proof.ts";
export type { Address } from "../../src/sync/address.ts";
export * from "../../src/sync/ticket.ts";
export * from "../../src/sync/v0/json_in.ts";
export * from "../../src/sync/v0/json_out.ts";
export * from "../../src/sync/v0/messages.ts";
