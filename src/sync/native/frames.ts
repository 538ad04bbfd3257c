/**
 * Frames of the native protocol. A WebSocket message, a body of HTTP, or a stream is a sequence of whole frames:
 *
 * ```text
 * frame   type u8 · length integer · payload
 * ```
 *
 * Types below 40 (hexadecimal) that are unknown are an error; from there on they are skipped, so that later
 * versions can say more.
 *
 * @module
 */

import { malformed, Reader, Writer } from "./varint.ts";

/** Types from here on are skipped when they are unknown. */
export const SKIPPED_TYPES = 0x40;

/** One frame. */
export interface Frame {
  /** What the payload is. */
  readonly type: number;
  /** The message. */
  readonly payload: Uint8Array;
}

/** The bytes of a frame. */
export function encodeFrame(type: number, payload: Uint8Array): Uint8Array {
  return new Writer().raw(Uint8Array.of(type)).integer(payload.length).raw(payload).done();
}

/**
 * All frames of a message that holds whole frames only, read one by one: of those that are empty a message may hold
 * half as many as it has bytes.
 */
export function* decodeFrames(message: Uint8Array, most: number): Generator<Frame, void> {
  const reader = new Reader(message);
  while (!reader.isAtEnd) {
    const type = reader.byte();
    yield { type, payload: reader.bytes(most) };
  }
}

/**
 * Finds frames in bytes that come in pieces of any length; holds no more than has come of one frame. Payloads are
 * views of what came.
 */
export class FrameSplitter {
  readonly #most: (type: number) => number;
  #buffer: Uint8Array = NOTHING;
  #length = 0;

  /** A splitter that refuses payloads of more than so many bytes, by their types, before they have come. */
  constructor(most: (type: number) => number) {
    this.#most = most;
  }

  /** Bytes of a frame that has not come whole. */
  get waiting(): number {
    return this.#length;
  }

  /** Takes a piece and gives the frames that it completes. */
  push(piece: Uint8Array): Frame[] {
    const isFirst = this.#length === 0;
    if (!isFirst) this.#append(piece);
    const bytes = isFirst ? piece : this.#buffer.subarray(0, this.#length);
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      const payload = payloadAt(bytes, at, this.#most);
      if (payload === undefined || payload.end > bytes.length) break;
      frames.push({ type: bytes[at]!, payload: bytes.subarray(payload.start, payload.end) });
      at = payload.end;
    }
    if (at > 0) [this.#buffer, this.#length] = [NOTHING, 0];
    if (at > 0 || isFirst) this.#append(bytes.subarray(at));
    return frames;
  }

  /** The room doubles, so that bytes that come one by one are not copied each time. */
  #append(piece: Uint8Array): void {
    if (piece.length === 0) return;
    const needed = this.#length + piece.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 256, 2 * this.#length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = needed;
  }

  /** Fails when a frame was cut. */
  end(): void {
    if (this.#length > 0) throw malformed("a frame is cut");
  }
}

const NOTHING = new Uint8Array(0);
const MAX_HEAD_BYTES = 9;

/** Where the payload of the frame at `at` begins and ends; undefined when its head has not come whole. */
function payloadAt(
  bytes: Uint8Array,
  at: number,
  most: (type: number) => number,
): { readonly start: number; readonly end: number } | undefined {
  if (at >= bytes.length) return undefined;
  const head = bytes.subarray(at + 1, at + MAX_HEAD_BYTES);
  const isWhole = head.some((byte) => byte < 0x80);
  if (!isWhole && head.length < MAX_HEAD_BYTES - 1) return undefined;
  const reader = new Reader(head);
  const length = reader.integer(most(bytes[at]!));
  const start = at + 1 + head.length - reader.left;
  return { start, end: start + length };
}
