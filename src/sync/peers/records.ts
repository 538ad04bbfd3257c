/**
 * Peers and their trees as documents of `_sync` hold them:
 *
 * ```text
 * peers   public key → pubkey, display_name?, first_seen, last_seen, status, addresses?,
 *                      connection_state?, connection_attempts?, last_successful_sync?, last_error?
 * trees   root id → tree_id, peer_pubkeys, readers?: { public key → keys }
 * ```
 *
 * All members are texts but `connection_attempts`, an integer. `addresses`, `peer_pubkeys` and the keys of readers are
 * JSON texts of arrays; a peer is among the `readers`, which only this package writes, when a tree is kept in step with
 * it only because it has read it. `status` is `active`, `inactive` or `blocked`; `connection_state` is `disconnected`, `connecting`,
 * `connected` or `failed:` with a message; times are RFC 3339. What is missing or unknown reads as active,
 * disconnected, no attempts, no addresses; without key and times a record cannot be read.
 *
 * @module
 */

import type { Doc } from "../../crdt/doc.ts";
import { PublicKey } from "../../keys/public_key.ts";
import { SyncError } from "../../util/errors.ts";
import { type Address, readAddresses, writeAddresses } from "../address.ts";

/** Whether a peer takes part: an inactive one is not asked by itself, a blocked one is as if unknown. */
export type PeerStatus = "Active" | "Inactive" | "Blocked";

/** How the connection with a peer stands. */
export type ConnectionState =
  | "Disconnected"
  | "Connecting"
  | "Connected"
  | {
    /** Why the last attempt failed. */
    readonly failed: string;
  };

/** What is known of a peer. */
export interface PeerInfo {
  /** Device key of the peer, which identifies it. */
  readonly id: PublicKey;
  /** Name that it gave itself, or was given here. */
  readonly displayName: string | undefined;
  /** When it was first met, RFC 3339. */
  readonly firstSeen: string;
  /** When its record was last changed, RFC 3339. */
  readonly lastSeen: string;
  /** Whether it takes part. */
  readonly status: PeerStatus;
  /** Where it can be reached, in the order in which the addresses were learned. */
  readonly addresses: readonly Address[];
  /** How the connection stands. */
  readonly connectionState: ConnectionState;
  /** Attempts to connect since it last succeeded. */
  readonly connectionAttempts: number;
  /** When it was last in step, RFC 3339. */
  readonly lastSuccessfulSync: string | undefined;
  /** What went wrong last. */
  readonly lastError: string | undefined;
}

const STATUSES: readonly PeerStatus[] = ["Active", "Inactive", "Blocked"];
const STATES = ["Disconnected", "Connecting", "Connected"] as const;
const FAILED = "failed:";

/** The stored text of a status. */
export function statusText(status: PeerStatus): string {
  if (STATUSES.includes(status)) return status.toLowerCase();
  throw invalid("status", `"${status}" is none; choose from ${STATUSES.join(", ")}`);
}

/** The stored text of a connection state. */
export function stateText(state: ConnectionState): string {
  if (typeof state === "object") return FAILED + state.failed;
  if (STATES.includes(state)) return state.toLowerCase();
  throw invalid(
    "connection state",
    `"${state}" is none; choose from ${STATES.join(", ")}, { failed }`,
  );
}

function stateOf(text: string | undefined): ConnectionState {
  if (text?.startsWith(FAILED)) return { failed: text.slice(FAILED.length) };
  return STATES.find((state) => state.toLowerCase() === text) ?? "Disconnected";
}

/** The text at a key of a document; undefined for anything else. */
export function textAt(record: Doc, key: string): string | undefined {
  const value = record.get([key]);
  return typeof value === "string" ? value : undefined;
}

/** Reads a record of `peers`; `SerializationError` when its key or times are missing. */
export function readPeer(key: string, record: Doc): PeerInfo {
  const need = (name: string) => textAt(record, name) ?? missing(key, name);
  const attempts = record.get(["connection_attempts"]);
  return {
    id: PublicKey.parse(need("pubkey")),
    displayName: textAt(record, "display_name"),
    firstSeen: need("first_seen"),
    lastSeen: need("last_seen"),
    status: statusOf(record),
    addresses: readAddresses(textAt(record, "addresses")),
    connectionState: stateOf(textAt(record, "connection_state")),
    connectionAttempts: typeof attempts === "number" ? attempts : 0,
    lastSuccessfulSync: textAt(record, "last_successful_sync"),
    lastError: textAt(record, "last_error"),
  };
}

/** The status in a record of `peers`. */
export function statusOf(record: Doc): PeerStatus {
  const text = textAt(record, "status");
  return STATUSES.find((status) => status.toLowerCase() === text) ?? "Active";
}

/** The members of a whole record, as they are written. */
export function peerMembers(peer: PeerInfo): Record<string, string | number> {
  const members: Record<string, string | number | undefined> = {
    pubkey: peer.id.toString(),
    display_name: peer.displayName,
    first_seen: peer.firstSeen,
    last_seen: peer.lastSeen,
    status: statusText(peer.status),
    addresses: peer.addresses.length === 0 ? undefined : writeAddresses(peer.addresses),
    connection_state: stateText(peer.connectionState),
    connection_attempts: peer.connectionAttempts,
    last_successful_sync: peer.lastSuccessfulSync,
    last_error: peer.lastError,
  };
  const present = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as Record<string, string | number>;
}

/** Reads a JSON text of an array of texts; none of what is not one. */
export function readTexts(text: string | undefined): string[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

function missing(peer: string, member: string): never {
  const message = `Cannot read the record of peer "${peer}": it has no "${member}"`;
  throw new SyncError("SerializationError", message, { fields: { peer, member } });
}

function invalid(what: string, reason: string): SyncError {
  return new SyncError("InvalidData", `Cannot write the ${what} of a peer: ${reason}`, {
    fields: { reason },
  });
}
