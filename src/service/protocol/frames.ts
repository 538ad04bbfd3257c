/**
 * Frames of the service socket, in both directions (11 §2.2).
 *
 * ```text
 * frame = length payload        length: 4 bytes, unsigned, big-endian; at most 64 MiB
 * ```
 *
 * @module
 */

import { ServiceError } from "../../util/errors.ts";

/** Most bytes of a payload. */
export const MAX_FRAME_BYTES: number = 64 * 1024 * 1024;

/** Bytes of the length before a payload. */
export const FRAME_HEADER_BYTES = 4;

/** Room that is made for a payload before any of it has arrived, at most. */
const FIRST_BYTES = 64 * 1024;

const NOTHING = new Uint8Array(0);

/** A payload with its length before it. Throws `ServiceError` `FrameTooLarge` before anything is made. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  requireFrameLength(payload.length);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/**
 * Cuts a stream of bytes into payloads. Pieces may be of any size. Room is made for what has arrived, whatever
 * length a frame claims, and none for a frame that is too large.
 */
export class FrameReader {
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerLength = 0;
  #payload: Uint8Array = NOTHING;
  #length = 0;
  #received = 0;

  /** Whether a payload has begun and is not complete. */
  get isInPayload(): boolean {
    return this.#length > 0;
  }

  /**
   * Takes the next bytes, which may be changed afterwards, and gives the payloads that are complete with them.
   * Throws `ServiceError` `FrameTooLarge` when a length exceeds the limit.
   */
  *push(piece: Uint8Array): Generator<Uint8Array, void> {
    let at = 0;
    while (at < piece.length) {
      if (this.isInPayload) at = this.#fill(piece, at);
      else {
        at = this.#readHeader(piece, at);
        if (this.#headerLength < FRAME_HEADER_BYTES) return;
        this.#begin();
      }
      if (this.#received === this.#length) yield this.#take();
    }
  }

  /** Says that nothing more comes. Throws `ServiceError` `FrameCut` inside a payload. */
  end(): void {
    if (!this.isInPayload) return;
    const missing = this.#length - this.#received;
    throw new ServiceError(
      "FrameCut",
      `Cannot read a frame: the stream ends ${missing} bytes before the end of its payload`,
      { fields: { missing } },
    );
  }

  #readHeader(piece: Uint8Array, from: number): number {
    let at = from;
    while (at < piece.length && this.#headerLength < FRAME_HEADER_BYTES) {
      this.#header[this.#headerLength++] = piece[at++]!;
    }
    return at;
  }

  #begin(): void {
    const length = new DataView(this.#header.buffer).getUint32(0);
    requireFrameLength(length);
    this.#headerLength = 0;
    this.#length = length;
    this.#payload = new Uint8Array(Math.min(length, FIRST_BYTES));
  }

  #fill(piece: Uint8Array, from: number): number {
    const taken = piece.subarray(from, from + this.#length - this.#received);
    this.#reserve(this.#received + taken.length);
    this.#payload.set(taken, this.#received);
    this.#received += taken.length;
    return from + taken.length;
  }

  #reserve(needed: number): void {
    if (needed <= this.#payload.length) return;
    const grown = new Uint8Array(
      Math.min(this.#length, Math.max(needed, this.#payload.length * 2)),
    );
    grown.set(this.#payload.subarray(0, this.#received));
    this.#payload = grown;
  }

  #take(): Uint8Array {
    const payload = this.#payload;
    this.#payload = NOTHING;
    this.#length = this.#received = 0;
    return payload;
  }
}

/** Fails with `ServiceError` `FrameTooLarge` when a payload of this length cannot be passed on. */
export function requireFrameLength(length: number): void {
  if (length <= MAX_FRAME_BYTES) return;
  throw new ServiceError(
    "FrameTooLarge",
    `Cannot pass on a frame of ${length} bytes: at most ${MAX_FRAME_BYTES} are allowed`,
    { fields: { length, limit: MAX_FRAME_BYTES } },
  );
}
