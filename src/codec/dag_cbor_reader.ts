import { fromUtf8 } from "../util/bytes.ts";
import {
  ARRAY,
  BYTES,
  CID_TAG_0,
  CID_TAG_1,
  malformed,
  MAP,
  NULL,
  TEXT,
  UINT,
} from "./dag_cbor.ts";
import { TextCache } from "./text_cache.ts";

/** Up to here a loop is faster than a call into the engine. */
const SHORT = 16;
const KNOWN = new TextCache();

/** Reads canonical DAG-CBOR, step by step, and refuses anything else with an {@link EntryError}. */
export class DagCborReader {
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
    return info < 24 ? info : this.#longHead(info, what);
  }

  #longHead(info: number, what: string): number {
    if (info > 27) throw malformed(`${what} has a length that is not definite`);
    const width = 1 << (info - 24);
    const end = this.#at + width;
    if (end > this.#bytes.length) throw malformed("it ends inside a head");
    let value = 0;
    while (this.#at < end) value = value * 256 + this.#bytes[this.#at++]!;
    const isMinimal = value >= (width === 1 ? 24 : 2 ** (4 * width));
    if (!isMinimal) throw malformed(`${what} has a head that is longer than needed`);
    if (value > Number.MAX_SAFE_INTEGER) throw malformed(`${what} exceeds 2^53 - 1`);
    return value;
  }

  /** Steps over `length` bytes; says where they begin. */
  #skip(length: number, what: string): number {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw malformed(`${what} is longer than the entry`);
    return start;
  }

  /** Steps over `expected` if it comes next; says whether it did. */
  accept(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    const { length } = expected;
    for (let at = 0; at < length; at++) {
      if (bytes[start + at] !== expected[at]) return false;
    }
    this.#at = start + length;
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
    const start = this.#skip(this.#head(BYTES, what), what);
    return this.#bytes.subarray(start, this.#at);
  }

  /** A text of at most `limit` bytes: these, as a view of what is read from, if all are ASCII. */
  lazyText(what: string, limit: number): string | Uint8Array {
    const start = this.#shortText(what, limit);
    const bytes = this.#bytes.subarray(start, this.#at);
    let seen = 0;
    for (let at = 0; at < bytes.length; at++) seen |= bytes[at]!;
    return seen > 0x7f ? this.#unicode(start, what) : bytes;
  }

  /** Goes to another position. */
  seek(position: number): void {
    this.#at = position;
  }

  /** Steps over a byte string; says where it begins. It ends at the {@link position}. */
  skipBytes(what: string): number {
    return this.#skip(this.#head(BYTES, what), what);
  }

  /** Steps over a text; says where it begins. It ends at the {@link position}. */
  skipText(what: string): number {
    return this.#skip(this.#head(TEXT, what), what);
  }

  /** Steps over a CID; says where its bytes begin. They end at the {@link position}; there are none for the empty ID. */
  skipCid(what: string): number {
    const bytes = this.#bytes;
    if (bytes[this.#at] === NULL) return ++this.#at;
    if (bytes[this.#at] !== CID_TAG_0 || bytes[this.#at + 1] !== CID_TAG_1) {
      throw malformed(`${what} is not a CID`);
    }
    this.#at += 2;
    const start = this.#skip(this.#head(BYTES, what), what);
    if (bytes[start] !== 0 || this.#at - start < 2) throw malformed(`${what} is not a CID`);
    return start + 1;
  }

  #shortText(what: string, limit: number): number {
    const length = this.#head(TEXT, what);
    if (length > limit) throw malformed(`${what} is longer than ${limit} bytes`);
    return this.#skip(length, what);
  }

  /** A text of at most `limit` bytes. */
  text(what: string, limit: number): string {
    const start = this.#shortText(what, limit);
    const known = KNOWN.get(this.#bytes, start, this.#at);
    if (known !== undefined) return known;
    const text = this.#text(start, what);
    KNOWN.set(this.#bytes, start, this.#at, text);
    return text;
  }

  #text(start: number, what: string): string {
    return (this.#at - start > SHORT ? undefined : this.#ascii(start)) ??
      this.#unicode(start, what);
  }

  /** The text from `start` to here if all of it is ASCII. */
  #ascii(start: number): string | undefined {
    let text = "";
    for (let at = start; at < this.#at; at++) {
      const code = this.#bytes[at]!;
      if (code > 0x7f) return undefined;
      text += String.fromCharCode(code);
    }
    return text;
  }

  #unicode(start: number, what: string): string {
    try {
      return fromUtf8(this.#bytes.subarray(start, this.#at));
    } catch (cause) {
      throw malformed(`${what} is not UTF-8`, cause);
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

  /** The bytes from `from` to the {@link position}, as a view. */
  since(from: number): Uint8Array {
    return this.#bytes.subarray(from, this.#at);
  }

  /** Whether the bytes from `from` to the {@link position} are these. */
  isSince(from: number, bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (this.#at - from !== length) return false;
    // IDs differ in their last bytes, if at all.
    for (let at = length - 1; at >= 0; at--) if (this.#bytes[from + at] !== bytes[at]) return false;
    return true;
  }

  /** Refuses bytes that are left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed("bytes follow after its end");
  }
}
