/**
 * Bytes of the native protocol: what messages are made of.
 *
 * ```text
 * integer   LEB128: 7 bits a byte, low ones first, minimal form only, at most 2^53 − 1
 * bytes     length as integer · so many bytes
 * text      bytes, UTF-8
 * id        00 · 32 bytes, the digest of a DAG-CBOR entry named by BLAKE3; or 01 · bytes, any other CID
 * ```
 *
 * @module
 */

import { ID } from "../../entry/id.ts";
import { concat, fromUtf8, utf8 } from "../../util/bytes.ts";
import { SyncError } from "../../util/errors.ts";

/** Most bytes of an integer: 8 × 7 bits hold 2^53 − 1. */
const MAX_INTEGER_BYTES = 8;
/** What stands before the digest in the ID of a DAG-CBOR entry. */
const ENTRY_PREFIX = Uint8Array.of(0x01, 0x71, 0x1e, 0x20);
const DIGEST_BYTES = 32;

/** The error of bytes that are no message. */
export function malformed(reason: string): SyncError {
  return new SyncError("Malformed", `Cannot read a message of the native protocol: ${reason}`, {
    fields: { reason },
  });
}

/** Collects the bytes of a message. */
export class Writer {
  readonly #parts: Uint8Array[] = [];
  #small: number[] = [];

  /** Appends an integer. */
  integer(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`an integer from 0 to 2^53 - 1 is needed, got ${value}`);
    }
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#small.push((rest % 128) | 0x80);
    this.#small.push(rest);
    return this;
  }

  /** Appends bytes as they are. */
  raw(bytes: Uint8Array): this {
    if (bytes.length <= 16) this.#small.push(...bytes);
    else {
      this.#flush();
      this.#parts.push(bytes);
    }
    return this;
  }

  /** Appends bytes with their length before them. */
  bytes(bytes: Uint8Array): this {
    return this.integer(bytes.length).raw(bytes);
  }

  /** Appends a text. */
  text(text: string): this {
    return this.bytes(utf8(text));
  }

  /** Appends an ID. */
  id(id: ID): this {
    const cid = id.bytes;
    const isEntry = cid.length === ENTRY_PREFIX.length + DIGEST_BYTES &&
      ENTRY_PREFIX.every((byte, at) => cid[at] === byte);
    if (!isEntry) return this.integer(1).bytes(cid);
    return this.integer(0).raw(cid.subarray(ENTRY_PREFIX.length));
  }

  /** Appends how many items there are, and each of them. */
  list<T>(items: readonly T[], write: (item: T) => void): this {
    this.integer(items.length);
    for (const item of items) write(item);
    return this;
  }

  #flush(): void {
    if (this.#small.length === 0) return;
    this.#parts.push(Uint8Array.from(this.#small));
    this.#small = [];
  }

  /** All that was appended. */
  done(): Uint8Array {
    this.#flush();
    return this.#parts.length === 1 ? this.#parts[0]! : concat(...this.#parts);
  }
}

/** Reads the bytes of a message; what is not there, or not minimal, is an error. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** A reader at the beginning of `bytes`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether everything was read. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Bytes that were not read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** One byte. */
  byte(): number {
    if (this.#at >= this.#bytes.length) throw malformed("it ends too early");
    return this.#bytes[this.#at++]!;
  }

  /** An integer, of at most `most`. */
  integer(most: number = Number.MAX_SAFE_INTEGER): number {
    let [value, factor] = [0, 1];
    for (let count = 1;; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (byte === 0 && count > 1) throw malformed("an integer is longer than it need be");
        if (value > most) throw malformed(`an integer is ${value}, at most ${most} is taken`);
        return value;
      }
      if (count === MAX_INTEGER_BYTES) throw malformed("an integer is too long");
      factor *= 128;
    }
  }

  /** So many bytes: a view of what is read. */
  raw(length: number): Uint8Array {
    if (length > this.left) throw malformed("it ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Bytes behind their length, of at most so many. */
  bytes(most: number): Uint8Array {
    const length = this.integer();
    if (length > most) throw malformed(`${length} bytes where at most ${most} are taken`);
    return this.raw(length);
  }

  /** A text of at most so many bytes. */
  text(most: number): string {
    try {
      return fromUtf8(this.bytes(most));
    } catch (error) {
      if (error instanceof SyncError) throw error;
      throw malformed("a text is not UTF-8");
    }
  }

  /** An ID. */
  id(): ID {
    const kind = this.integer(1);
    if (kind === 0) return ID.fromBytes(concat(ENTRY_PREFIX, this.raw(DIGEST_BYTES)));
    try {
      return ID.fromBytes(this.bytes(MAX_CID_BYTES).slice());
    } catch (error) {
      if (error instanceof SyncError) throw error;
      throw malformed("a CID cannot be read");
    }
  }

  /** Items behind their number, of at most so many, each of at least so many bytes. */
  list<T>(most: number, leastBytes: number, read: () => T): T[] {
    const count = this.integer();
    if (count > most) throw malformed(`${count} items where at most ${most} are taken`);
    // Before anything is allocated: so many items cannot stand in what is left.
    if (count * leastBytes > this.left) throw malformed("it ends too early");
    return Array.from({ length: count }, read);
  }

  /** Fails unless everything was read. */
  end(): void {
    if (!this.isAtEnd) throw malformed(`${this.left} bytes are left over`);
  }
}

/** Longest CID that is read. */
const MAX_CID_BYTES = 128;
