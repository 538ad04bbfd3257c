import { copyOf } from "../util/allocate.ts";
import { utf8 } from "../util/bytes.ts";
import {
  ARRAY,
  BYTES,
  CID_TAG_0,
  CID_TAG_1,
  MAP,
  NULL,
  TEXT,
  UINT,
  unencodable,
} from "./dag_cbor.ts";

/** Size of a fresh buffer: most entries fit. */
const INITIAL_BYTES = 4096;
/** A buffer that grew beyond this is not kept for the next value. */
const MAX_KEPT_BYTES = 1024 * 1024;
/** Longest head. */
const MAX_HEAD_BYTES = 9;
/** Up to here a loop is faster than a call into the engine. */
const SHORT = 40;
const ENCODER = new TextEncoder();

/** Writes canonical DAG-CBOR into a buffer that serves one value after the other. */
export class DagCborWriter {
  /** The buffer. */
  protected buffer: Uint8Array = new Uint8Array(INITIAL_BYTES);
  /** Where the next byte is written. */
  protected at = 0;

  /** How many bytes were written. */
  get position(): number {
    return this.at;
  }

  /** Forgets what was written. */
  reset(): void {
    this.at = 0;
    if (this.buffer.length > MAX_KEPT_BYTES) this.buffer = new Uint8Array(INITIAL_BYTES);
  }

  /** A copy of what was written. */
  done(): Uint8Array {
    return copyOf(this.buffer, 0, this.at);
  }

  /** Makes room for `count` bytes. */
  protected reserve(count: number): void {
    const needed = this.at + count;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.at));
    this.buffer = grown;
  }

  /** A head; `value` is an integer from 0 to 2^53 − 1. */
  protected head(major: number, value: number): void {
    this.reserve(MAX_HEAD_BYTES);
    const type = major << 5;
    if (value < 24) this.buffer[this.at++] = type | value;
    else if (value < 0x100) this.#longHead(type | 24, value, 1);
    else if (value < 0x10000) this.#longHead(type | 25, value, 2);
    else this.#longHead(type | (value < 2 ** 32 ? 26 : 27), value, value < 2 ** 32 ? 4 : 8);
  }

  #longHead(first: number, value: number, width: number): void {
    this.buffer[this.at] = first;
    let rest = value;
    for (let at = this.at + width; at > this.at; at--) {
      this.buffer[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.at += 1 + width;
  }

  /** Bytes as they are, for example a key that was encoded before. */
  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length);
    if (length > SHORT) this.buffer.set(bytes, this.at);
    else for (let at = 0; at < length; at++) this.buffer[this.at + at] = bytes[at]!;
    this.at += length;
  }

  /** An integer from 0 to 2^53 − 1. */
  uint(value: number): void {
    this.head(UINT, value);
  }

  /** A byte string. */
  bytes(value: Uint8Array): void {
    this.head(BYTES, value.length);
    this.raw(value);
  }

  /** A text of at most `limit` bytes. Throws {@link EntryError} for more, or for no Unicode text. */
  text(value: string, limit: number, what: string): void {
    const { length } = value;
    if (length > limit) throw tooLong(what, limit);
    const start = this.at;
    this.head(TEXT, length);
    this.reserve(length * 3);
    if (this.#ascii(value)) return;
    this.at = start;
    this.#unicode(value, limit, what);
  }

  /** Writes the characters of a text if all are ASCII. */
  #ascii(value: string): boolean {
    const { length } = value;
    const bytes = this.buffer;
    if (length > SHORT) {
      if (ENCODER.encodeInto(value, bytes.subarray(this.at)).written !== length) return false;
    } else {
      for (let at = 0; at < length; at++) {
        const code = value.charCodeAt(at);
        if (code > 0x7f) return false;
        bytes[this.at + at] = code;
      }
    }
    this.at += length;
    return true;
  }

  #unicode(value: string, limit: number, what: string): void {
    if (!value.isWellFormed()) throw unencodable(`${what} holds half of a surrogate pair`);
    const bytes = utf8(value);
    if (bytes.length > limit) throw tooLong(what, limit);
    this.head(TEXT, bytes.length);
    this.raw(bytes);
  }

  /** The head of an array of at most `limit` items. */
  array(length: number, limit: number, what: string): void {
    if (length > limit) {
      throw unencodable(`${what} has ${length} items, at most ${limit} can be read`);
    }
    this.head(ARRAY, length);
  }

  /** The head of a map. */
  map(size: number): void {
    this.head(MAP, size);
  }

  /** A binary CID; no bytes are the empty ID. */
  cid(bytes: Uint8Array): void {
    this.reserve(3);
    if (bytes.length === 0) {
      this.buffer[this.at++] = NULL;
      return;
    }
    this.buffer[this.at++] = CID_TAG_0;
    this.buffer[this.at++] = CID_TAG_1;
    this.head(BYTES, bytes.length + 1);
    this.buffer[this.at++] = 0;
    this.raw(bytes);
  }
}

function tooLong(what: string, limit: number): Error {
  return unencodable(`${what} is longer than ${limit} bytes`);
}

/** The bytes of a text with its head, to be compared or written as a whole. */
export function textBytes(text: string): Uint8Array {
  const writer = new DagCborWriter();
  writer.text(text, text.length, "a key");
  return writer.done();
}
