/**
 * The parts of DAG-CBOR that entries are made of: definite lengths, shortest heads (01 §3).
 *
 * @module
 */

import { fromUtf8, utf8 } from "../util/bytes.ts";
import { EntryError } from "../util/errors.ts";

/** Major types. */
const UINT = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;

/** Tag 42 over a byte string. */
const CID_TAG_0 = 0xd8;
const CID_TAG_1 = 0x2a;
const NULL = 0xf6;

/** The error for bytes that are not what they must be. */
export function malformed(reason: string): EntryError {
  return new EntryError("InvalidStructure", `Cannot decode an entry: ${reason}`, {
    fields: { reason },
  });
}

/** Appends canonical DAG-CBOR to a growing buffer. */
export class CborWriter {
  #bytes: Uint8Array = new Uint8Array(1024);
  #length = 0;

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  #head(major: number, value: number): void {
    this.#reserve(9);
    const bytes = this.#bytes;
    const type = major << 5;
    if (value < 24) bytes[this.#length++] = type | value;
    else if (value < 0x100) {
      bytes[this.#length++] = type | 24;
      bytes[this.#length++] = value;
    } else if (value < 0x10000) {
      bytes[this.#length++] = type | 25;
      this.#bigEndian(value, 2);
    } else if (value < 2 ** 32) {
      bytes[this.#length++] = type | 26;
      this.#bigEndian(value, 4);
    } else {
      bytes[this.#length++] = type | 27;
      this.#bigEndian(value, 8);
    }
  }

  #bigEndian(value: number, width: number): void {
    let rest = value;
    for (let at = this.#length + width - 1; at >= this.#length; at--) {
      this.#bytes[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#length += width;
  }

  /** Bytes as they are, for example a head that was made before. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** An integer from 0 to 2^53 − 1. */
  uint(value: number): void {
    this.#head(UINT, value);
  }

  /** A byte string. */
  bytes(value: Uint8Array): void {
    this.#head(BYTES, value.length);
    this.raw(value);
  }

  /** A text. */
  text(value: string): void {
    const bytes = utf8(value);
    this.#head(TEXT, bytes.length);
    this.raw(bytes);
  }

  /** The head of an array. */
  array(length: number): void {
    this.#head(ARRAY, length);
  }

  /** The head of a map. */
  map(size: number): void {
    this.#head(MAP, size);
  }

  /** A binary CID; no bytes are the empty ID. */
  cid(bytes: Uint8Array): void {
    this.#reserve(bytes.length + 16);
    if (bytes.length === 0) {
      this.#bytes[this.#length++] = NULL;
      return;
    }
    this.#bytes[this.#length++] = CID_TAG_0;
    this.#bytes[this.#length++] = CID_TAG_1;
    this.#head(BYTES, bytes.length + 1);
    this.#bytes[this.#length++] = 0;
    this.raw(bytes);
  }

  /** A copy of what was written. */
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** The bytes of a text with its head, to be compared or written as a whole. */
export function textBytes(text: string): Uint8Array {
  const writer = new CborWriter();
  writer.text(text);
  return writer.done();
}

/** Reads canonical DAG-CBOR, step by step, and refuses anything else. */
export class CborReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** Reads from the first byte. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where the next byte is read. */
  get position(): number {
    return this.#at;
  }

  #head(major: number, what: string): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw malformed(`it ends where ${what} must be`);
    if (byte >> 5 !== major) throw malformed(`${what} is missing`);
    const info = byte & 31;
    if (info < 24) return info;
    if (info > 27) throw malformed(`${what} has a length that is not definite`);
    const width = 1 << (info - 24);
    const value = this.#bigEndian(width);
    if (value < (width === 1 ? 24 : 2 ** (4 * width))) {
      throw malformed(`${what} has a head that is longer than needed`);
    }
    return value;
  }

  #bigEndian(width: number): number {
    if (this.#at + width > this.#bytes.length) throw malformed("it ends inside a head");
    let value = 0;
    for (let index = 0; index < width; index++) value = value * 256 + this.#bytes[this.#at++]!;
    if (!Number.isSafeInteger(value)) throw malformed("an integer exceeds 2^53 - 1");
    return value;
  }

  #take(length: number, what: string): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed(`${what} is longer than the entry`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** Steps over `expected` if it comes next; says whether it did. */
  accept(expected: Uint8Array): boolean {
    for (let at = 0; at < expected.length; at++) {
      if (this.#bytes[this.#at + at] !== expected[at]) return false;
    }
    this.#at += expected.length;
    return true;
  }

  /** Steps over `expected`, which must come next. */
  expect(expected: Uint8Array, what: string): void {
    if (!this.accept(expected)) throw malformed(`${what} is missing`);
  }

  /** An integer from 0 to 2^53 − 1. */
  uint(what: string): number {
    return this.#head(UINT, what);
  }

  /** A byte string; a view of the bytes that are read from. */
  bytes(what: string): Uint8Array {
    return this.#take(this.#head(BYTES, what), what);
  }

  /** A text of at most `limit` bytes. */
  text(what: string, limit: number): string {
    const bytes = this.#take(this.#head(TEXT, what), what);
    if (bytes.length > limit) throw malformed(`${what} is longer than ${limit} bytes`);
    try {
      return fromUtf8(bytes);
    } catch {
      throw malformed(`${what} is not UTF-8`);
    }
  }

  /** The length of an array of at most `limit` items. */
  array(what: string, limit: number): number {
    const length = this.#head(ARRAY, what);
    if (length > limit) throw malformed(`${what} has more than ${limit} items`);
    return length;
  }

  /** The size of a map. */
  map(what: string): number {
    return this.#head(MAP, what);
  }

  /** A binary CID; no bytes for the empty ID. */
  cid(what: string): Uint8Array {
    if (this.#bytes[this.#at] === NULL) {
      this.#at++;
      return new Uint8Array(0);
    }
    if (this.#bytes[this.#at] !== CID_TAG_0 || this.#bytes[this.#at + 1] !== CID_TAG_1) {
      throw malformed(`${what} is not a CID`);
    }
    this.#at += 2;
    const bytes = this.bytes(what);
    if (bytes[0] !== 0 || bytes.length === 1) throw malformed(`${what} is not a CID`);
    return bytes.subarray(1);
  }

  /** Refuses bytes that are left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed("bytes follow after its end");
  }
}
