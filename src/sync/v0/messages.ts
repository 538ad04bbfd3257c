/**
 * The messages of the sync protocol, version 0: one request, one response, no session (09 §1–7).
 *
 * ```text
 * request  = { "Handshake": … } | { "SyncTree": … } | { "SendEntries": [entry…] }
 * response = { "Handshake": … } | { "Bootstrap": … } | { "Incremental": … }
 *          | { "BootstrapPending": … } | "Ack" | { "Count": n } | { "Error": text }
 * ```
 *
 * `json_out.ts` writes them as JSON, `json_in.ts` reads them.
 *
 * @module
 */

import type { Permission } from "../../auth/permission.ts";
import type { Doc } from "../../crdt/doc.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { RequestProof } from "../access/request_proof.ts";
import type { Address } from "../address.ts";

/** The version of the protocol that a handshake must name. */
export const PROTOCOL_VERSION = 0;

/** An integer from 0 to 2^64 − 1; a `bigint` only beyond 2^53 − 1. */
export type Uint64 = number | bigint;

/** An entry on its way out: its canonical bytes are all that is needed. An `Entry` is one. */
export interface OutgoingEntry {
  /** The canonical bytes. */
  readonly bytes: Uint8Array;
}

/** Entries on their way out: all of them, or one batch after the other as a storage reads them. */
export type OutgoingEntries = Iterable<OutgoingEntry> | AsyncIterable<Iterable<OutgoingEntry>>;

/** That a node understands the native protocol as well; others pass this member over. */
export interface NativeOffer {
  /** Versions of the native protocol. */
  readonly versions: readonly number[];
  /** Path of its address over HTTP. */
  readonly path: string;
}

/** Asks who the other node is. */
export interface HandshakeRequest {
  /** Key of the asking device. */
  readonly deviceId: PublicKey;
  /** The same key again. */
  readonly publicKey: PublicKey;
  /** Name of the asking node, for people. */
  readonly displayName: string | undefined;
  /** Version of the protocol. */
  readonly protocolVersion: number;
  /** 32 random bytes that the other node signs. */
  readonly challenge: Uint8Array;
  /** Where the asking node can be reached. */
  readonly listenAddresses: readonly Address[];
  /** Set when the asking node understands the native protocol. */
  readonly native?: NativeOffer | undefined;
}

/** A database that a node tells of. */
export interface TreeInfo {
  /** Root of the database. */
  readonly treeId: ID;
  /** Its name. */
  readonly name: string | undefined;
  /** How many entries it has. */
  readonly entryCount: Uint64;
  /** When it changed, in milliseconds. */
  readonly lastModified: Uint64;
}

/** Says who the answering node is. */
export interface HandshakeResponse {
  /** Key of the answering device. */
  readonly deviceId: PublicKey;
  /** The same key again. */
  readonly publicKey: PublicKey;
  /** Name of the answering node, for people. */
  readonly displayName: string | undefined;
  /** Version of the protocol. */
  readonly protocolVersion: number;
  /** Signature of the challenge. */
  readonly challengeResponse: Uint8Array;
  /** 32 random bytes; nobody answers them. */
  readonly newChallenge: Uint8Array;
  /** Databases that the node tells of. */
  readonly availableTrees: readonly TreeInfo[];
  /** Set when the answering node understands the native protocol. */
  readonly native?: NativeOffer | undefined;
}

/** Asks for the entries of a database: all of them when no tips are named, else those beyond the tips. */
export interface SyncTreeRequest {
  /** Root of the database. */
  readonly treeId: ID;
  /** Tips that the asking node has. */
  readonly ourTips: Snapshot;
  /** Key of the asking device, a mere claim. */
  readonly peerPubkey: PublicKey | undefined;
  /** Key for which access is asked or claimed. */
  readonly requestingKey: PublicKey | undefined;
  /** Name under which that key is to be listed. */
  readonly requestingKeyName: string | undefined;
  /** What that key wants to do; undefined asks what it may do. */
  readonly requestedPermission: Permission | undefined;
  /** A note for whoever decides. */
  readonly metadata: Doc | undefined;
  /** Proof that the sender has a key. */
  readonly auth: RequestProof | undefined;
}

/** A request. `Entries` is how it lists entries: on their way out, or as they were received. */
export type SyncRequest<Entries = OutgoingEntries> =
  | { readonly type: "Handshake"; readonly body: HandshakeRequest }
  | { readonly type: "SyncTree"; readonly body: SyncTreeRequest }
  | { readonly type: "SendEntries"; readonly body: Entries };

/** A whole database. */
export interface BootstrapResponse<Root = OutgoingEntry, Entries = OutgoingEntries> {
  /** Root of the database. */
  readonly treeId: ID;
  /** The root entry. */
  readonly rootEntry: Root;
  /** All other entries, in any order. */
  readonly allEntries: Entries;
  /** Whether the requesting key has access. */
  readonly keyApproved: boolean;
  /** What it may do. */
  readonly grantedPermission: Permission | undefined;
}

/** What a database has beyond some tips. */
export interface IncrementalResponse<Entries = OutgoingEntries> {
  /** Root of the database. */
  readonly treeId: ID;
  /** Tips of the answering node, in the order in which they were sent. */
  readonly theirTips: readonly ID[];
  /** Entries, in any order; some may be known. */
  readonly missingEntries: Entries;
}

/** That somebody has to decide first. */
export interface PendingResponse {
  /** Names the stored request. */
  readonly requestId: string;
  /** For people. */
  readonly message: string;
}

/** A response. `Root` and `Entries` are entries on their way out, or as they were received. */
export type SyncResponse<Root = OutgoingEntry, Entries = OutgoingEntries> =
  | { readonly type: "Handshake"; readonly body: HandshakeResponse }
  | { readonly type: "Bootstrap"; readonly body: BootstrapResponse<Root, Entries> }
  | { readonly type: "Incremental"; readonly body: IncrementalResponse<Entries> }
  | { readonly type: "BootstrapPending"; readonly body: PendingResponse }
  | { readonly type: "Ack" }
  | { readonly type: "Count"; readonly body: Uint64 }
  | { readonly type: "Error"; readonly body: string };

/** A request as it was received. */
export type ReceivedRequest = SyncRequest<readonly Entry[]>;

/** A response as it was received; a root entry that was refused is undefined. */
export type ReceivedResponse = SyncResponse<Entry | undefined, readonly Entry[]>;

/** Text of a {@link PendingResponse}. */
export const PENDING_MESSAGE = "Bootstrap request pending manual approval";
