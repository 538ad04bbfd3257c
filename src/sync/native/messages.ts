/**
 * Messages of the native protocol, each the payload of one frame (`varint.ts` says what the parts are made of):
 *
 * ```text
 * 01 HELLO    versions list of integer · key 32 · nonce 16 · time integer · wanted key 32 or zeros ·
 *             features integer · frame limit integer · credit integer
 * 02 PROOF    signature 64
 * 03 OPEN     channel integer · tree id · flags integer (32: live) · proofs list of (key 32 · signature 64) ·
 *             vouched by integer if flag 1 · tips list of id · cursor if flag 2
 * 04 STATE    channel integer · flags integer (4: sends, 8: may read, 16: may write) · log if flag 1 · cursor if flag 2 ·
 *             unless flag 64: tips list of id · held bytes · count integer
 * 05 RANGES   channel integer · ranges
 * 06 WANT     channel integer · list of id
 * 07 ENTRIES  channel integer · flags integer · count integer · count × bytes, deflated together if flag 1
 * 08 MARK     channel integer · cursor · left integer
 * 09 STORED   channel integer · flags integer · cursor if flag 2 · verified integer · waiting integer ·
 *             failed integer · refused integer · code text
 * 0a CREDIT   bytes integer
 * 0b TIPS     channel integer · flags integer · tips list of id · log if flag 1
 * 0c DENY     channel integer · code text · message text · retry integer
 * 0d CLOSE    code text · message text · retry integer
 * 0e PING     flags integer · 8 bytes
 * 0f ACCESS   channel integer · state integer · id text · permission text · message text
 * ```
 *
 * A channel is one tree in one session. The side that sends OPEN numbers it: whoever connected with even numbers,
 * the other one with odd ones. `log` is the cursor at the end of the sender's log, `cursor` the place up to which
 * it has the other's. A cursor is the ID of the log, 8 bytes · position integer · sum of all before it, 8 bytes. `held`
 * has one bit for each tip of OPEN, low bits first: whether the sender holds it. Flag 64 says that the tips are those of
 * OPEN, flag 4 that everything which the other side lacks is coming without more being said. `left` is how much of the log is still to be sent. The states of ACCESS are 0 request, 1 pending, 2 approved,
 * 3 rejected. Times are milliseconds, `retry` those to wait before the next attempt, 0 when nothing is said of that.
 *
 * @module
 */

import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { Range } from "./range_codec.ts";

/** Most tips of a tree that are told. */
export const MAX_TIPS = 1024;
/** Most IDs that one message asks for. */
export const MAX_WANTED = 4096;
/** Most entries of one message. */
export const MAX_ENTRIES = 4096;
/** Most proofs by other keys. */
export const MAX_PROOFS = 4;
/** Most bytes of a code, or a permission as text. */
export const MAX_CODE_BYTES = 64;
/** Most bytes of a text for people. */
export const MAX_TEXT_BYTES = 1024;
/** Most versions that a side offers. */
export const MAX_VERSIONS = 8;
/** Bytes of a public key. */
export const KEY_BYTES = 32;
/** Bytes of a nonce of HELLO. */
export const NONCE_BYTES = 16;
/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;
/** Bytes that a sign of life carries. */
export const PING_BYTES = 8;

/** What a side is able and willing to do, as bits. */
export const FEATURES: { readonly deflate: 1; readonly push: 2; readonly relay: 4 } = Object.freeze(
  {
    deflate: 1,
    push: 2,
    relay: 4,
  },
);
/** The first message of each side. */
export interface Hello {
  readonly type: "hello";
  readonly versions: readonly number[];
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly time: number;
  /** The key that the other side must have; undefined for any. */
  readonly wantedKey: Uint8Array | undefined;
  readonly features: number;
  readonly frameLimit: number;
  readonly credit: number;
}

/** Proves that a side has the key of its HELLO. */
export interface Proof {
  readonly type: "proof";
  readonly signature: Uint8Array;
}

/** A key other than the session's that vouches for reading a tree. */
export interface OpenProof {
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

/** Opens a channel. */
export interface Open {
  readonly type: "open";
  readonly channel: number;
  readonly tree: ID;
  /** Whether what becomes Verified from now on shall be sent at once. */
  readonly live: boolean;
  readonly proofs: readonly OpenProof[];
  /** A channel that was opened before with proofs: the keys of these vouch for this tree as well. */
  readonly vouchedBy: number | undefined;
  readonly tips: readonly ID[];
  readonly cursor: LogCursor | undefined;
}

/** The answer to OPEN. */
export interface State {
  readonly type: "state";
  readonly channel: number;
  readonly mayRead: boolean;
  readonly mayWrite: boolean;
  /** Whether all that the other side lacks is coming, without more being said. */
  readonly sends: boolean;
  /** Whether the tips are those of OPEN; then neither these nor the count are told. */
  readonly isSame: boolean;
  readonly tips: readonly ID[];
  /** For each tip of OPEN whether it is held. */
  readonly held: readonly boolean[];
  readonly count: number;
  readonly log: LogCursor | undefined;
  readonly cursor: LogCursor | undefined;
}

/** What is known of an order of entries, so that both sides find where they differ. */
export interface Ranges {
  readonly type: "ranges";
  readonly channel: number;
  readonly ranges: readonly Range[];
}

/** Asks for entries by their IDs. */
export interface Want {
  readonly type: "want";
  readonly channel: number;
  readonly ids: readonly ID[];
}

/** Entries as their owner stores them. `body` holds them as they are, or deflated. */
export interface Entries {
  readonly type: "entries";
  readonly channel: number;
  readonly deflated: boolean;
  readonly count: number;
  readonly body: Uint8Array;
}

/** Everything of the sender's log up to a place was sent, or was there before. */
export interface Mark {
  readonly type: "mark";
  readonly channel: number;
  readonly cursor: LogCursor;
  /** How many rows of the log are still to be sent. */
  readonly left: number;
}

/** What became of entries, which are durable now. */
export interface Stored {
  readonly type: "stored";
  readonly channel: number;
  readonly cursor: LogCursor | undefined;
  readonly verified: number;
  readonly waiting: number;
  readonly failed: number;
  readonly refused: number;
  /** Code of the first refusal. */
  readonly code: string;
}

/** So many bytes more may be sent. */
export interface Credit {
  readonly type: "credit";
  readonly bytes: number;
}

/** The frontier, without entries. */
export interface Tips {
  readonly type: "tips";
  readonly channel: number;
  readonly tips: readonly ID[];
  readonly log: LogCursor | undefined;
}

/** A channel is refused or ended. */
export interface Deny {
  readonly type: "deny";
  readonly channel: number;
  readonly code: string;
  readonly message: string;
  readonly retryMs: number;
}

/** The session ends. */
export interface Close {
  readonly type: "close";
  readonly code: string;
  readonly message: string;
  readonly retryMs: number;
}

/** A sign of life. */
export interface Ping {
  readonly type: "ping";
  readonly isAnswer: boolean;
  readonly token: Uint8Array;
}

/** What has become of a request for access. */
export interface Access {
  readonly type: "access";
  readonly channel: number;
  readonly state: "request" | "pending" | "approved" | "rejected";
  /** ID of the request; in a request the name that the key shall have. */
  readonly id: string;
  /** What is asked for or granted, as text. */
  readonly permission: string;
  readonly message: string;
}

/** Any message. */
export type Message =
  | Hello
  | Proof
  | Open
  | State
  | Ranges
  | Want
  | Entries
  | Mark
  | Stored
  | Credit
  | Tips
  | Deny
  | Close
  | Ping
  | Access;
