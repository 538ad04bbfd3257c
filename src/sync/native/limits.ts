/**
 * What a stranger may ask of a session, and how much is sent at once. Each limit is one name here; those of
 * {@link SessionLimits} can be set for each session.
 *
 * @module
 */

import { MAX_ENTRY_BYTES } from "../../entry/constants.ts";

/** What a session takes of the other side. */
export interface SessionLimits {
  /** Bytes that are taken before the other side has proved its key. */
  readonly bytesBeforeProof: number;
  /** Frames that are taken before the other side has proved its key. */
  readonly framesBeforeProof: number;
  /** Milliseconds in which the other side must prove its key. */
  readonly proofMs: number;
  /** Channels that a stranger may have open at a time. */
  readonly channels: number;
  /** Channels that a registered peer may have open at a time. */
  readonly knownChannels: number;
  /** Proofs by other keys that are checked in one session. */
  readonly proofs: number;
  /** Tips that the other side may have told of the channels that it has open. */
  readonly tips: number;
  /** Bytes of a frame's payload, but for one entry that is larger alone. */
  readonly frameBytes: number;
  /** Bytes of entries that may be on their way, not stored yet. */
  readonly credit: number;
  /** Messages about ranges that one channel may take. */
  readonly rangeRounds: number;
  /** IDs that one channel may ask for and that were not sent yet. */
  readonly wanted: number;
  /** Entries that are refused before the session is. */
  readonly invalid: number;
  /** Milliseconds without a byte after which a sign of life is sent. */
  readonly pingMs: number;
  /** Milliseconds without a byte after which the other side is taken for gone. */
  readonly silentMs: number;
}

/** The limits that hold unless others are set. */
export const SESSION_LIMITS: SessionLimits = Object.freeze({
  bytesBeforeProof: 64 * 1024,
  framesBeforeProof: 8,
  proofMs: 10_000,
  channels: 256,
  knownChannels: 4096,
  proofs: 1024,
  tips: 32_768,
  frameBytes: 1024 * 1024,
  credit: 768 * 1024,
  rangeRounds: 24,
  wanted: 4096,
  invalid: 64,
  pingMs: 25_000,
  silentMs: 60_000,
});

/** Most bytes of the payload of a frame with one entry that is larger than other frames may be. */
export const LARGEST_ENTRY_FRAME: number = MAX_ENTRY_BYTES + 64;
/** Fewest bytes that a side must take in one frame. */
export const MIN_FRAME_BYTES: number = 256 * 1024;
/** Most bytes of entries that are put into one message, unless one is larger alone. */
export const BLOCK_BYTES: number = 192 * 1024;
/** Bytes after which a message about ranges says no more. */
export const RANGES_BYTES: number = 128 * 1024;
/** Most bytes of credit that are taken from the other side. */
export const MOST_CREDIT: number = 8 * 1024 * 1024;
/** IDs of entries that came from the other side, so that they are not sent back. */
export const RECENT_IDS = 4096;
/** Channels of a session on which this side begins to compare ranges at a time. */
export const COMPARISONS = 4;
/**
 * Those on which it compares because the other side has begun. More than that begins, since both sides do not learn at
 * the same moment that one has ended: two who keep to the limits never refuse each other.
 */
export const ANSWERED_COMPARISONS: number = 2 * COMPARISONS;
/** Entries that are known to be lacking, on all channels, from which on no more are looked for. */
export const ITEMS_DUE = 65_536;
/** Most bytes of the payload of a frame without entries. */
export const MESSAGE_BYTES: number = MIN_FRAME_BYTES;
/** Most bytes that a deflated block may have. */
export const INFLATED_BYTES: number = 4 * BLOCK_BYTES;
/** Bytes of blocks that are stored at once, as if each deflated one had the most that it may. */
export const STORED_AT_ONCE: number = 4 * INFLATED_BYTES;
/** Messages about a channel that wait until it is decided whether it may be read. */
export const EARLY_MESSAGES = 2;
/** How long somebody who has sent too much that is invalid had better stay away, in milliseconds. */
export const INVALID_RETRY_MS: number = 3_600_000;
