/** What a stranger may ask of a session of the native protocol. All can be set for each instance. */
export interface SessionLimits {
  /** Bytes that are taken before the other side has proved its key. */
  readonly bytesBeforeProof: number;
  /** Frames that are taken before the other side has proved its key. */
  readonly framesBeforeProof: number;
  /** Milliseconds in which the other side must prove its key. */
  readonly proofMs: number;
  /** Channels that are open at a time. */
  readonly channels: number;
  /** Bytes of a frame's payload, but for one entry that is larger alone. */
  readonly frameBytes: number;
  /** Bytes of entries that may be on their way, not stored yet, when a session begins. */
  readonly credit: number;
  /** Messages about ranges that one channel may take. */
  readonly rangeRounds: number;
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
  channels: 4096,
  frameBytes: 1024 * 1024,
  credit: 1024 * 1024,
  rangeRounds: 24,
  pingMs: 25_000,
  silentMs: 60_000,
});

/** Most bytes of one entry that is larger than a frame. */
export const LARGEST_ENTRY_FRAME: number = 32 * 1024 * 1024;
/** Most bytes of entries that are put into one message. */
export const BLOCK_BYTES: number = 256 * 1024;
/** IDs of entries that came from the other side, so that they are not sent back. */
export const RECENT_IDS = 4096;
