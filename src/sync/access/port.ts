/**
 * What decisions on access ask of the node.
 *
 * @module
 */

import type { Permission } from "../../auth/permission.ts";
import type { AuthSettings } from "../../auth/settings.ts";
import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";

/** Whether a nonce was new, spent before, or can not be told because too many came at that time. */
export type NonceVerdict = "fresh" | "spent" | "crowded";

/** Remembers which nonces were spent; a storage that several processes share may be behind it. */
export interface NonceLedger {
  /** Spends the nonce of a valid request with a fresh time, unless it was spent before; in one step. */
  spend(
    key: PublicKey,
    nonce: Uint8Array,
    timestampMs: number,
  ): NonceVerdict | Promise<NonceVerdict>;
}

/** Tells which databases others may know of. */
export interface GatePort {
  /** Whether a database is known and shared by somebody here. */
  isShared(tree: ID): Promise<boolean>;
}

/** The node, as seen by decisions on reading. */
export interface AccessPort extends GatePort {
  /** Key of this device, to which proofs are addressed. */
  readonly device: PublicKey;
  /** The access rules of a database as this node knows them; undefined while its root is not held. */
  accessRules(tree: ID): Promise<AuthSettings | undefined>;
  /** The most that a key may do on a database, delegations included; undefined for nothing. */
  strongestPermission(tree: ID, key: PublicKey): Promise<Permission | undefined>;
}
