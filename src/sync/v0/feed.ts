import { SerializeError, SyncError } from "../../util/errors.ts";
import { JsonBytes } from "../../util/json_bytes.ts";

/** Size of a fresh buffer. */
const INITIAL_BYTES = 64 * 1024;

/** Says that a part cannot be read before more bytes have come. */
export const WAIT: unique symbol = Symbol("wait");

/** What a message broke: JSON itself, the form of messages, or a limit. */
export type Fault = "syntax" | "shape" | "size";

/** The error for a message that is refused; over HTTP the faults are 400, 422 and 413. */
export function badMessage(fault: Fault, reason: string, cause?: unknown): SyncError {
  return new SyncError("SerializationError", `Cannot read a sync message: ${reason}`, {
    fields: { fault, reason },
    cause,
  });
}

/**
 * A message in JSON that comes in pieces and is read in parts: a part is read when it is there as a whole, and
 * only the part at hand is kept. A part that is broken off is tried again when twice as much of it is there, so
 * that the work stays in proportion to what came.
 */
export class Feed {
  #bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  #at = 0;
  #end = 0;
  /** How much must be there before the part at hand is tried again. */
  #wanted = 1;
  #isEnded = false;
  /** Stands where the part at hand begins; undefined when there are other bytes than before. */
  #reader: JsonBytes | undefined;

  /** Whether nothing more comes. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** How many bytes are kept. */
  get held(): number {
    return this.#end - this.#at;
  }

  /** Says that nothing more comes. */
  end(): void {
    this.#reader = undefined;
    this.#isEnded = true;
  }

  /** Takes a piece, which may be changed afterwards. */
  push(piece: Uint8Array): void {
    this.#reader = undefined;
    const held = this.held;
    if (this.#end + piece.length > this.#bytes.length) this.#makeRoom(held + piece.length);
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  #makeRoom(needed: number): void {
    const rest = this.#bytes.subarray(this.#at, this.#end);
    const isLarge = needed > this.#bytes.length;
    if (isLarge) this.#bytes = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.set(rest);
    this.#end = rest.length;
    this.#at = 0;
  }

  /**
   * Reads the part at hand, of at most `limit` bytes, and steps over it; {@link WAIT} when more bytes are needed.
   * Throws `SyncError` `SerializationError`.
   */
  read<T>(part: (reader: JsonBytes) => T, limit: number): T | typeof WAIT {
    if (this.held < this.#wanted && !this.#isEnded) return WAIT;
    const reader = this.#reader ??= new JsonBytes(this.#bytes, this.#at, this.#end, !this.#isEnded);
    try {
      const value = part(reader);
      if (this.#mayGoOn(reader.position)) return this.#wait(limit);
      this.#at = reader.position;
      this.#wanted = 1;
      return value;
    } catch (error) {
      if (!(error instanceof SerializeError)) throw error;
      const fault = error.fields.fault as Fault;
      // A number that goes on may be out of range: then it is no JSON, whatever was expected.
      const isOpen = fault === "syntax" || fault === "shape" && this.#mayGoOn(reader.position);
      if (!this.#isEnded && isOpen) return this.#wait(limit);
      throw badMessage(fault, String(error.fields.reason), error);
    }
  }

  /** Whether what was read up to `position` may be the beginning of a longer number or word. */
  #mayGoOn(position: number): boolean {
    if (this.#isEnded || position < this.#end) return false;
    return !DELIMITERS.includes(this.#bytes[position - 1]!);
  }

  #wait(limit: number): typeof WAIT {
    const { held } = this;
    this.#reader = undefined;
    if (held > limit) throw badMessage("size", `a part of it exceeds ${limit} bytes`);
    this.#wanted = Math.min(2 * held, limit + 1);
    return WAIT;
  }
}

/** Behind these a number or word does not go on. */
const DELIMITERS: readonly number[] = [...'{}[],:" \t\r\n'].map((text) => text.charCodeAt(0));
