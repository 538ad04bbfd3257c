/**
 * The messages of the service socket (11 §3), and what {@link Feature} adds to them.
 *
 * ```text
 * handshake     client → server → client, once, bare
 * client frame  request | { "Request": { id, deadline_ms?, request } } | { "Cancel": { id } }
 * server frame  { "Response": response } | { "Notification": notification }
 *             | { "Reply": { id, response } } | { "Closing": error }
 * ```
 *
 * `client_frames.ts` and `server_frames.ts` write and read them.
 *
 * @module
 */

import type { InstanceMetadata, VerificationStatus, WriteSource } from "../../backend/backend.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { SigKey } from "../../entry/sig_info.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { EntryError } from "../../util/errors.ts";
import type { Features } from "./features.ts";

/** The version of the protocol. */
export const PROTOCOL_VERSION = 0;

/** The first message of each end. */
export interface Handshake {
  /** The version that the end speaks. */
  readonly version: number;
  /** What it offers, or, as an answer, what was agreed on. */
  readonly features: Features;
}

/** Whether entries without a verdict are read as well. */
export type ReadScope = "Verified" | "AllowUnverified";

/** An entry on its way out: its canonical bytes are all that is needed. An `Entry` is one. */
export interface OutgoingEntry {
  /** The canonical bytes. */
  readonly bytes: Uint8Array;
}

/** An operation on a database. `Incoming` is how it holds an entry: on its way out, or as it was received. */
export type DatabaseOp<Incoming = OutgoingEntry> =
  | {
    readonly type: "BeginTransaction";
    readonly stores: readonly string[];
    readonly scope: ReadScope;
  }
  | {
    readonly type: "SubmitSignedEntry";
    readonly entry: Incoming;
    /** Feature `verdicts`: Verified tips that the database must have when it is stored, else it is refused. */
    readonly alone?: Snapshot | undefined;
  }
  | { readonly type: "GetVerifiedTips" }
  | { readonly type: "GetStoreState"; readonly store: string }
  | {
    readonly type: "GetStoreEntries";
    readonly store: string;
    readonly tips: readonly ID[];
    readonly scope: ReadScope;
  }
  | { readonly type: "GetStoreTipsUpToEntries"; readonly store: string; readonly upTo: Snapshot }
  | {
    readonly type: "ComputeMergeState";
    readonly store: string;
    readonly entryIds: readonly ID[];
  }
  | { readonly type: "GetEntry"; readonly id: ID }
  | { readonly type: "GetCachedCrdtState"; readonly store: string; readonly key: ID }
  | {
    readonly type: "CacheCrdtState";
    readonly store: string;
    readonly key: ID;
    readonly blob: Uint8Array;
  }
  | { readonly type: "SetInstanceMetadata"; readonly metadata: InstanceMetadata }
  | { readonly type: "SubscribeWrites"; readonly tips: Snapshot }
  | { readonly type: "UnsubscribeWrites" }
  /** Feature `batches`: those of the entries that are held, in the order asked for. */
  | { readonly type: "GetEntries"; readonly ids: readonly ID[] };

/** A request. */
export type ServiceRequest<Incoming = OutgoingEntry> =
  | { readonly type: "TrustedLoginUser"; readonly username: string }
  | { readonly type: "TrustedLoginProve"; readonly signature: Uint8Array }
  | { readonly type: "GetInstanceMetadata" }
  | { readonly type: "SessionKeyChallenge"; readonly pubkey: PublicKey }
  | {
    readonly type: "SessionKeyRegister";
    readonly pubkey: PublicKey;
    readonly signature: Uint8Array;
  }
  | {
    readonly type: "AuthenticatedDb";
    readonly rootId: ID;
    readonly identity: SigKey;
    readonly op: DatabaseOp<Incoming>;
  };

/** An entry as it was received, or why it can have no canonical bytes. */
export type ReceivedEntry = Entry | EntryError;

/** A request as it was received. */
export type ReceivedRequest = ServiceRequest<ReceivedEntry>;

/** What a client sends. */
export type ClientFrame<Request = ServiceRequest> =
  /** A request that is answered with a `Response`. */
  | { readonly type: "Plain"; readonly request: Request }
  /**
   * Feature `requests`: a request that is answered with a `Reply`. The server gives up when `deadlineMs` have
   * passed since it was received: the answer then is an error with the code `DeadlineExceeded`.
   */
  | {
    readonly type: "Request";
    readonly id: number;
    readonly deadlineMs: number | undefined;
    readonly request: Request;
  }
  /** Feature `requests`: gives a request up. Its answer is an error with the code `Aborted`, unless it was made. */
  | { readonly type: "Cancel"; readonly id: number };

/** A parent with its height. */
export type ParentHeight = readonly [id: ID, height: number];

/** What a transaction needs to begin. */
export interface TransactionContext {
  /** Tips of the database. */
  readonly mainParents: readonly ParentHeight[];
  /** Tips of each store that was asked for. */
  readonly subtreeParents: ReadonlyMap<string, readonly ParentHeight[]>;
  /** Tips of the settings. */
  readonly settingsTips: readonly ID[];
  /** The merged settings, as the JSON of a document. */
  readonly settingsValue: string;
}

/** A challenge, with all that is needed to log in. */
export interface LoginChallenge {
  /** 32 random bytes to sign with the root key. */
  readonly challenge: Uint8Array;
  /** Row key of the user. */
  readonly userUuid: string;
  /** The row of the user as JSON, which `userInfoRow` reads and writes. */
  readonly userInfo: string;
}

/** What became of a submitted entry. */
export interface Submitted {
  /** The verdict. */
  readonly status: VerificationStatus;
  /** Why the entry is not Verified, for people. */
  readonly reason: string | undefined;
  /** Verified tips of the database afterwards. */
  readonly verifiedTips: Snapshot;
}

/** An error as it stands on the wire. */
export interface WireError {
  /** The part that failed. */
  readonly module: string;
  /** Name of the failure. */
  readonly kind: string;
  /** For people. */
  readonly message: string;
  /** Feature `errors`: all that is needed to make the same error again, as JSON. */
  readonly error?: string | undefined;
}

/** A response. `Incoming` is how it holds entries. */
export type ServiceResponse<Incoming = OutgoingEntry> =
  | { readonly type: "Entry"; readonly entry: Incoming }
  | { readonly type: "Entries"; readonly entries: readonly Incoming[] }
  | { readonly type: "Ids"; readonly ids: readonly ID[] }
  | { readonly type: "Ok" }
  | { readonly type: "TransactionContext"; readonly context: TransactionContext }
  /** `json` is any JSON value: the state of a store. */
  | { readonly type: "CrdtValue"; readonly json: string }
  | { readonly type: "MergeState"; readonly mergeBase: ID; readonly path: readonly ID[] }
  | { readonly type: "InstanceMetadata"; readonly metadata: InstanceMetadata | undefined }
  | { readonly type: "CachedCrdtState"; readonly blob: Uint8Array | undefined }
  | { readonly type: "Error"; readonly error: WireError }
  | { readonly type: "TrustedLoginChallenge"; readonly login: LoginChallenge }
  | { readonly type: "TrustedLoginOk" }
  | { readonly type: "SessionKeyChallenge"; readonly challenge: Uint8Array }
  /** Feature `verdicts`: the answer to a submit. */
  | { readonly type: "Submitted"; readonly submitted: Submitted };

/** That a database was written. */
export interface DatabaseWrite<Incoming = OutgoingEntry> {
  /** Root of the database. */
  readonly rootId: ID;
  /** Where the subscription stood before. */
  readonly previousTips: Snapshot;
  /** Where it stands now. */
  readonly postTips: Snapshot;
  /** Where the write came from; there may be more sources one day. */
  readonly source: WriteSource;
  /** Feature `contents`: Verified tips of the database after the write. */
  readonly verifiedTips?: Snapshot | undefined;
  /** Feature `contents`: what was added between the tips, parents first; undefined when it is too large. */
  readonly entries?: readonly Incoming[] | undefined;
}

/** What a server sends. */
export type ServerFrame<Incoming = OutgoingEntry> =
  | { readonly type: "Response"; readonly response: ServiceResponse<Incoming> }
  | { readonly type: "Notification"; readonly write: DatabaseWrite<Incoming> }
  /** Feature `requests`: the answer to the request with this ID. */
  | { readonly type: "Reply"; readonly id: number; readonly response: ServiceResponse<Incoming> }
  /** Feature `errors`: why the server ends the connection right after this. */
  | { readonly type: "Closing"; readonly error: WireError };

/** A response as it was received. */
export type ReceivedResponse = ServiceResponse<Entry>;

/** A server frame as it was received. */
export type ReceivedServerFrame = ServerFrame<Entry>;
