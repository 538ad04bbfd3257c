/**
 * Checks of what callers of synchronisation pass. What is not what it must be would be written to `_sync`, and spoil
 * what is read from there.
 *
 * @module
 */

import { ID } from "../entry/id.ts";
import { PrivateKey } from "../keys/private_key.ts";
import { PublicKey } from "../keys/public_key.ts";
import type { Address } from "../transport/port.ts";
import {
  optionsOf,
  requireFunction,
  requireInstance,
  requireText,
  wrongArgument,
} from "../util/arguments.ts";
import { requireSignal } from "../util/work.ts";
import type { RoundOptions } from "./worker/tree_sync.ts";

/** What a round may be told besides. */
export type RoundControls = Pick<RoundOptions, "signal" | "onProgress" | "pull" | "push">;

/** A database, or its root. */
export type DatabaseLike = ID | { readonly rootId: ID };

/** Fails unless `value` is the key of a peer. */
export function requirePeer(value: unknown, action: string): asserts value is PublicKey {
  requireInstance(value, PublicKey, action, "the key of the peer");
}

/** Fails unless `value` is the root of a database. */
export function requireTree(value: unknown, action: string): asserts value is ID {
  requireInstance(value, ID, action, "the root of the database");
}

/** Fails unless `value` is a private key. */
export function requireKey(value: unknown, action: string): asserts value is PrivateKey {
  requireInstance(value, PrivateKey, action, "the key");
}

/** Fails unless `value` is an address: one that is not would make all addresses of a peer unreadable. */
export function requireAddress(value: unknown, action: string): asserts value is Address {
  const { transportType, address } = optionsOf(value as Address | undefined, action);
  requireText(transportType, action, "the address's `transportType`");
  requireText(address, action, "the address's `address`");
}

/** Fails unless `values` is a list of addresses. */
export function requireAddresses(
  values: unknown,
  action: string,
): asserts values is readonly Address[] {
  if (!Array.isArray(values)) throw wrongArgument(action, "the addresses", "a list", values);
  for (const value of values) requireAddress(value, action);
}

/** Fails unless `value` is a text, or none. */
export function requireOptionalText(value: unknown, action: string, argument: string): void {
  if (value !== undefined) requireText(value, action, argument);
}

/** Root of a database that is given, or named by its root. */
export function rootOf(database: DatabaseLike, action: string): ID {
  const root = database instanceof ID
    ? database
    : (database as Partial<{ rootId: ID }> | undefined)?.rootId;
  if (root instanceof ID) return root;
  throw wrongArgument(action, "the database", "a database or the ID of its root", database);
}

/** What a round is told besides, checked. */
export function roundControls(controls: RoundControls | undefined, action: string): RoundControls {
  const { signal, onProgress, pull, push } = optionsOf(controls, action);
  requireSignal(signal, action);
  if (onProgress !== undefined) requireFunction(onProgress, action, "`onProgress`");
  return { signal, onProgress, pull, push };
}
