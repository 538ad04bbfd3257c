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
import { SerializeError } from "./errors.ts";
import { JsonReader } from "./json_reader.ts";
import { skipJson } from "./json_skip.ts";
import { ValueEnd } from "./json_value_end.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
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
/** What is skipped may hold bytes that are no text. */
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where byte lists are put together. */
let scratch: Uint8Array = new Uint8Array(SCRATCH_BYTES);

/** Reads JSON tokens from bytes, front to back. */
export class JsonBytes {
  /** What is read from. */
  readonly bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #from = 0;
  #to = 0;
  #isEscaped = false;
  #isAscii = true;

  /** Reads the bytes from `start` to `end`. */
  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Where the next byte is read. */
  get position(): number {
    return this.#at;
  }

  /** The next byte that is no blank; −1 at the end. */
  peek(): number {
    const bytes = this.bytes;
    while (this.#at < this.#end) {
      const code = bytes[this.#at]!;
      if (code > SPACE || (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09)) {
        return code;
      }
      this.#at++;
    }
    return -1;
  }

  /** Steps over a byte if it comes next; says whether it did. */
  accept(code: number): boolean {
    if (this.peek() !== code) return false;
    this.#at++;
    return true;
  }

  /** Steps over a byte that must come next. */
  expect(code: number): void {
    if (!this.accept(code)) this.fail(`expected "${String.fromCharCode(code)}"`);
  }

  /** Steps over the text `quoted`, quotes included, if just that comes next; says whether it did. */
  acceptText(quoted: Uint8Array): boolean {
    const { length } = quoted;
    if (this.#at + length > this.#end) return false;
    for (let at = 0; at < length; at++) {
      if (this.bytes[this.#at + at] !== quoted[at]) return false;
    }
    this.#at += length;
    return true;
  }

  /** Steps over `null` if it comes next; says whether it did. */
  acceptNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.#literal("null");
    return true;
  }

  /** `true` or `false`. */
  boolean(what: string): boolean {
    const code = this.peek();
    if (code !== 0x74 && code !== 0x66) this.mismatch(what);
    this.#literal(code === 0x74 ? "true" : "false");
    return code === 0x74;
  }

  #literal(word: string): void {
    for (let at = 0; at < word.length; at++, this.#at++) {
      if (this.#at >= this.#end || this.bytes[this.#at] !== word.charCodeAt(at)) {
        this.fail(`expected ${word}`);
      }
    }
  }

  // --- texts -----------------------------------------------------------------------------------

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
    const end = this.#end;
    let at = this.#from = this.#at + 1;
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

  #endText(at: number, seen: number): boolean {
    this.#to = at;
    this.#at = at + 1;
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
    const start = this.#at;
    const limit = Math.min(this.#end, start + SAFE_DIGITS);
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
    this.#at = at;
    return value;
  }

  /** Whatever is not just a few digits. */
  #anyUint(what: string): number | bigint {
    const first = this.peek();
    if (first !== MINUS && (first < ZERO || first > ZERO + 9)) this.mismatch(what);
    const start = this.#at;
    while (this.#at < this.#end && isOfNumber(this.bytes[this.#at]!)) this.#at++;
    const reader = new JsonReader(fromLatin1(this.bytes.subarray(start, this.#at)));
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
    if (!this.array(what)) return new Uint8Array(0);
    let count = 0;
    do {
      count = this.#usualBytes(count);
      scratch[count++] = this.smallUint(255, "a byte");
    } while (this.more());
    const bytes = copyOf(scratch, 0, count);
    if (scratch.length > MAX_KEPT_BYTES) scratch = new Uint8Array(SCRATCH_BYTES);
    return bytes;
  }

  /** Reads integers of up to three digits as long as commas follow; leaves room for one more. */
  #usualBytes(from: number): number {
    const bytes = this.bytes;
    const last = this.#end - 4;
    let count = from;
    let at = this.#at;
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
    this.#at = at;
    return count;
  }

  // --- the rest --------------------------------------------------------------------------------

  /** Steps over a value of any kind; only its grammar is checked, and nesting has no limit. */
  skip(): void {
    if (this.peek() < 0) this.fail("a value is missing");
    const start = this.#at;
    const stop = new ValueEnd().find(this.bytes, start, this.#end) ?? this.#end;
    const reader = new JsonReader(LENIENT.decode(this.bytes.subarray(start, stop)));
    skipJson(reader);
    reader.end();
    this.#at = stop;
  }

  /** A value of any kind as text: it must be UTF-8. */
  raw(): string {
    const start = this.#at;
    this.skip();
    return this.#decode(this.bytes.subarray(start, this.#at));
  }

  /** Makes sure that nothing but blanks is left. */
  end(): void {
    if (this.peek() >= 0) this.fail("something follows after the value");
  }

  /** Refuses a value that is not `what`, which was expected. */
  mismatch(what: string): never {
    const code = this.peek();
    if (code !== OPEN_BRACE && code !== OPEN_BRACKET) this.skip();
    return this.unlike(`expected ${what}`);
  }

  /** Throws for JSON of another kind than the one expected. */
  unlike(reason: string): never {
    throw this.#error("shape", reason);
  }

  /** Throws for what is no JSON. */
  fail(reason: string, cause?: unknown): never {
    throw this.#error("syntax", reason, cause);
  }

  #error(fault: "shape" | "syntax", reason: string, cause?: unknown): SerializeError {
    const position = this.#at;
    return new SerializeError(
      "DeserializationFailed",
      `Cannot read JSON at byte ${position}: ${reason}`,
      { fields: { reason, position, fault }, cause },
    );
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
