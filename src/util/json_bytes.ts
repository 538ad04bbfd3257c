/**
 * A pull reader of strict JSON in UTF-8 (RFC 8259), for what comes over a wire: texts are made only of what is
 * asked for, arrays of byte values become bytes at once, and what nobody asks for is skipped unread.
 *
 * Every failure is a {@link SerializeError} whose field `fault` is `"syntax"` for what is no JSON, and `"shape"`
 * for JSON of another kind than the one expected. `json_reader.ts` is its sibling for texts, `json_struct.ts`
 * reads objects and enumerations with it.
 *
 * @module
 */

import { copyOf } from "./allocate.ts";
import { fromLatin1, fromUtf8 } from "./bytes.ts";
import { JsonCursor } from "./json_cursor.ts";
import { JsonReader } from "./json_reader.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
/** Integers of at most this many digits are below 2^53 and are computed digit by digit. */
const SAFE_DIGITS = 15;
/** Size of a fresh scratch. */
const SCRATCH_BYTES = 4096;
/** A scratch that grew beyond this is not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;
/** Up to here a text is made faster without a decoder. */
const SHORT = 128;

/** Where byte lists are put together. */
let scratch: Uint8Array = new Uint8Array(SCRATCH_BYTES);

/** Reads texts, numbers and arrays from JSON bytes, front to back. */
export class JsonBytes extends JsonCursor {
  #from = 0;
  #to = 0;
  #isEscaped = false;
  #isAscii = true;

  /** A text. */
  string(what: string): string {
    this.scanText(what);
    return this.text();
  }

  /**
   * Steps over a text. Says whether it is plain: ASCII without escapes, so that the bytes from {@link textStart}
   * to {@link textEnd} are its characters.
   */
  scanText(what: string): boolean {
    if (this.peek() !== QUOTE) this.mismatch(what);
    const bytes = this.bytes;
    const end = this.stop;
    let at = this.#from = this.at + 1;
    let seen = 0;
    this.#isEscaped = false;
    for (; at < end; at++) {
      const code = bytes[at]!;
      if (code === QUOTE) return this.#endText(at, seen);
      if (code < SPACE) this.fail("a text holds a raw control character");
      if (code === BACKSLASH) {
        this.#isEscaped = true;
        at++;
      }
      seen |= code;
    }
    return this.fail("a text has no end");
  }

  /**
   * Where the characters of a text begin if it has `length` bytes, whatever these are, and no blank comes before it;
   * −1 otherwise. {@link acceptTextOf} steps over it.
   */
  textOf(length: number): number {
    const { at, bytes } = this;
    const end = at + length + 1;
    return end < this.stop && bytes[at] === QUOTE && bytes[end] === QUOTE ? at + 1 : -1;
  }

  /** Steps over a text that {@link textOf} has found, and whose characters were found to be plain. */
  acceptTextOf(length: number): void {
    this.at += length + 2;
  }

  #endText(at: number, seen: number): boolean {
    this.#to = at;
    this.at = at + 1;
    this.#isAscii = seen < 0x80;
    return this.#isAscii && !this.#isEscaped;
  }

  /** Where the text that was stepped over last begins, behind its quote. */
  get textStart(): number {
    return this.#from;
  }

  /** Where the text that was stepped over last ends, before its quote. */
  get textEnd(): number {
    return this.#to;
  }

  /** The text that was stepped over last. */
  text(): string {
    if (this.#isEscaped) return this.#escapedText();
    const bytes = this.bytes.subarray(this.#from, this.#to);
    return this.#isAscii && bytes.length <= SHORT ? fromLatin1(bytes) : this.#decode(bytes);
  }

  #escapedText(): string {
    const quoted = this.#decode(this.bytes.subarray(this.#from - 1, this.#to + 1));
    let text: string;
    try {
      text = JSON.parse(quoted);
    } catch (cause) {
      return this.fail("a text holds an unknown escape", cause);
    }
    return text.isWellFormed() ? text : this.fail("a text holds a lone surrogate");
  }

  #decode(bytes: Uint8Array): string {
    try {
      return fromUtf8(bytes);
    } catch (cause) {
      return this.fail("a text is not UTF-8", cause);
    }
  }

  // --- numbers ---------------------------------------------------------------------------------

  /** An integer from 0 to 2^64 − 1. */
  uint(what: string): number | bigint {
    const code = this.peek();
    const bytes = this.bytes;
    const start = this.at;
    const limit = Math.min(this.stop, start + SAFE_DIGITS);
    let value = 0;
    let at = start;
    for (; at < limit; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const isUsual = at > start && at < limit && !isOfNumber(bytes[at]!) &&
      (code !== ZERO || at === start + 1);
    if (!isUsual) return this.#anyUint(what);
    this.at = at;
    return value;
  }

  /** Whatever is not just a few digits. */
  #anyUint(what: string): number | bigint {
    const first = this.peek();
    if (first !== MINUS && (first < ZERO || first > ZERO + 9)) this.mismatch(what);
    const start = this.at;
    while (this.at < this.stop && isOfNumber(this.bytes[this.at]!)) this.at++;
    const reader = new JsonReader(fromLatin1(this.bytes.subarray(start, this.at)));
    const value = reader.number();
    reader.end();
    return typeof value === "object" || value < 0 ? this.unlike(`expected ${what}`) : value;
  }

  /** An integer from 0 to `max`. */
  smallUint(max: number, what: string): number {
    const value = this.uint(what);
    return value <= max ? Number(value) : this.unlike(`expected ${what}`);
  }

  // --- arrays ----------------------------------------------------------------------------------

  /** Steps into an array; false when it is empty, which is stepped over. */
  array(what: string): boolean {
    if (!this.accept(OPEN_BRACKET)) this.mismatch(what);
    if (this.peek() < 0) this.fail("an array has no end");
    return !this.accept(CLOSE_BRACKET);
  }

  /** Steps over the comma before another value, or, returning false, over the closing bracket. */
  more(closing: number = CLOSE_BRACKET): boolean {
    if (this.accept(COMMA)) return true;
    this.expect(closing);
    return false;
  }

  /** An array of integers from 0 to 255, as bytes. */
  byteList(what: string): Uint8Array {
    const length = this.scanByteList(what);
    return copyOf(scratch, 0, length);
  }

  /**
   * Steps over an array of integers from 0 to 255 and says how many they are. They stand at the beginning of
   * {@link scannedBytes} until another array is read.
   */
  scanByteList(what: string): number {
    if (scratch.length > MAX_KEPT_BYTES) scratch = new Uint8Array(SCRATCH_BYTES);
    if (!this.array(what)) return 0;
    let count = 0;
    do {
      count = this.#usualBytes(count);
      scratch[count++] = this.smallUint(255, "a byte");
    } while (this.more());
    return count;
  }

  /** See {@link scanByteList}. */
  get scannedBytes(): Uint8Array {
    return scratch;
  }

  /** Reads integers of up to three digits as long as commas follow; leaves room for one more. */
  #usualBytes(from: number): number {
    const bytes = this.bytes;
    const last = this.stop - 4;
    let count = from;
    let at = this.at;
    for (;;) {
      if (count === scratch.length) growScratch();
      if (at > last) break;
      let value = bytes[at]! - ZERO;
      if (value < 0 || value > 9) break;
      let next = at + 1;
      let digit = bytes[next]! - ZERO;
      if (value > 0 && digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        digit = bytes[++next]! - ZERO;
        if (digit >= 0 && digit <= 9) {
          value = value * 10 + digit;
          next++;
        }
      }
      if (value > 255 || bytes[next] !== COMMA) break;
      scratch[count++] = value;
      at = next + 1;
    }
    this.at = at;
    return count;
  }

  /** Refuses a value that is not `what`. A scalar is read whole first: what is no text is no JSON. */
  override mismatch(what: string): never {
    if (this.peek() !== QUOTE) return super.mismatch(what);
    this.raw();
    return this.unlike(`expected ${what}`);
  }

  /** A value of any kind as text: it must be UTF-8. */
  raw(): string {
    const start = this.at;
    this.skip();
    return this.#decode(this.bytes.subarray(start, this.at));
  }
}

/** Whether a byte may go on a number. */
function isOfNumber(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9 || code === MINUS || code === 0x2b || code === 0x2e ||
    (code | SPACE) === 0x65;
}

function growScratch(): void {
  const grown = new Uint8Array(scratch.length * 2);
  grown.set(scratch);
  scratch = grown;
}
