/**
 * A pull reader of strict JSON (RFC 8259): one pass over the text, integers exact to 64 bits, `5` and
 * `5.0` told apart, lone surrogates refused, nesting limited. Failures have a field `fault`: `"syntax"` for what
 * is no JSON, `"shape"` for JSON of another kind than the one expected.
 *
 * It holds no grammar of its own beyond tokens; `json64.ts` and `crdt/doc_json.ts` build on it.
 *
 * @module
 */
import { SerializeError } from "./errors.ts";

/** Most containers (objects and arrays) a text may nest; one more is refused. */
export const MAX_JSON_DEPTH = 127;

/** Smallest integer that stays an integer: −2^63. */
export const MIN_JSON_INTEGER: bigint = -(2n ** 63n);

/** Largest integer that stays an integer: 2^64 − 1. */
export const MAX_JSON_INTEGER: bigint = 2n ** 64n - 1n;

/** Integers of at most this many digits are below 2^53 and are computed without BigInt. */
const SAFE_DIGITS = 15;
/** 2^64 − 1 has 20 digits; a longer integer is out of range and need not be computed. */
const MAX_INTEGER_DIGITS = 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
/** What a value may begin with. */
const VALUE_STARTS = '{["-0123456789tfn';

/**
 * A JSON number that is not an integer literal (`5.0`, `1e3`, `-0`) or lies outside −2^63 … 2^64−1.
 * Kept apart from integers so that `5` and `5.0` differ.
 */
export class JsonFloat {
  /** The nearest double, always finite. */
  readonly value: number;

  /** Wraps a finite double. */
  constructor(value: number) {
    this.value = value;
  }

  /** The double itself. */
  valueOf(): number {
    return this.value;
  }

  /** The double itself, for `JSON.stringify` (which writes `5.0` as `5`). */
  toJSON(): number {
    return this.value;
  }
}

/** The integer as a `number` when |n| ≤ 2^53 − 1, otherwise unchanged. */
export function normalizeInteger(value: bigint): number | bigint {
  const short = Number(value);
  return Number.isSafeInteger(short) ? short : value;
}

/** Reads JSON tokens from a text, front to back. Every failure is a {@link SerializeError}. */
export class JsonReader {
  readonly #text: string;
  readonly #maxDepth: number;
  #pos = 0;
  #depth = 0;

  /** Starts before the first character; a text with a raw lone surrogate is refused at once. */
  constructor(text: string, maxDepth: number = MAX_JSON_DEPTH) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    if (!text.isWellFormed()) this.fail("the text holds a lone surrogate");
  }

  /** Character code of the next token (whitespace skipped), or `NaN` at the end of the text. */
  peek(): number {
    const text = this.#text;
    let code = text.charCodeAt(this.#pos);
    while (code === SPACE || code === 0x0a || code === 0x0d || code === 0x09) {
      code = text.charCodeAt(++this.#pos);
    }
    return code;
  }

  /** Consumes the next token if it is the one-character token `code`. */
  accept(code: number): boolean {
    if (this.peek() !== code) return false;
    this.#pos++;
    return true;
  }

  /** Consumes the one-character token `code` or fails. */
  expect(code: number): void {
    if (!this.accept(code)) this.fail(`expected "${String.fromCharCode(code)}"`);
  }

  /** Consumes the literal `word` (`null`, `true`, `false`) or fails. */
  literal(word: string): void {
    this.peek();
    if (!this.#text.startsWith(word, this.#pos)) this.#failKind(word, word.charCodeAt(0));
    this.#pos += word.length;
  }

  /** Consumes `true` or `false`. */
  boolean(): boolean {
    const value = this.peek() === 0x74;
    this.literal(value ? "true" : "false");
    return value;
  }

  /** Opens a container: consumes its bracket and counts the nesting. */
  open(bracket: number): void {
    if (!this.accept(bracket)) this.#failKind(`"${String.fromCharCode(bracket)}"`, bracket);
    if (++this.#depth > this.#maxDepth) {
      this.fail(`more than ${this.#maxDepth} nested containers`);
    }
  }

  /** Opens a container; returning false, it was empty and is closed again. */
  begin(opening: number, closing: number): boolean {
    this.open(opening);
    if (this.peek() !== closing) return true;
    this.close(closing);
    return false;
  }

  /** Closes the innermost container: consumes its bracket. */
  close(bracket: number): void {
    this.expect(bracket);
    this.#depth--;
  }

  /** Consumes the comma before another element, or, returning false, the closing bracket. */
  more(bracket: number): boolean {
    if (this.accept(0x2c)) return true;
    this.close(bracket);
    return false;
  }

  /** Consumes a string. With `lenient`, escapes may spell lone surrogates. */
  string(lenient: boolean = false): string {
    if (!this.accept(QUOTE)) this.#failKind('"""', QUOTE);
    return this.#string(lenient);
  }

  /** Consumes the name of a member, which is a string: anything else is no JSON. */
  name(lenient: boolean = false): string {
    this.expect(QUOTE);
    return this.#string(lenient);
  }

  #string(lenient: boolean): string {
    const text = this.#text;
    const start = this.#pos;
    let end = start;
    for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(++end)) {
      if (code === BACKSLASH) return this.#escapedString(start, end, lenient);
      if (!(code >= SPACE)) this.#failInString(end);
    }
    this.#pos = end + 1;
    return text.slice(start, end);
  }

  /** Finishes a string whose first backslash is at `from`; the engine decodes the escapes. */
  #escapedString(start: number, from: number, lenient: boolean): string {
    const text = this.#text;
    let end = from;
    let unicode = false;
    for (let code = BACKSLASH; code !== QUOTE; code = text.charCodeAt(++end)) {
      if (code === BACKSLASH) unicode = text.charCodeAt(++end) === LOWER_U || unicode;
      else if (!(code >= SPACE)) this.#failInString(end);
    }
    this.#pos = end + 1;
    const value = this.#decode(text.slice(start - 1, end + 1));
    if (unicode && !lenient && !value.isWellFormed()) this.fail("a string holds a lone surrogate");
    return value;
  }

  #decode(quoted: string): string {
    try {
      return JSON.parse(quoted) as string;
    } catch (cause) {
      this.fail("a string holds an unknown escape", cause);
    }
  }

  #failInString(at: number): never {
    this.#pos = at;
    this.fail(
      at >= this.#text.length ? "a string has no end" : "a string holds a raw control character",
    );
  }

  /** Consumes a number: integers within −2^63 … 2^64−1 exactly, everything else as {@link JsonFloat}. */
  number(): number | bigint | JsonFloat {
    this.peek();
    const start = this.#pos;
    const negative = this.#text.charCodeAt(start) === MINUS;
    const digits = start + (negative ? 1 : 0);
    const value = this.#digits(digits);
    const end = this.#pos;
    if (this.#text.charCodeAt(digits) === ZERO && end > digits + 1) {
      this.fail("a number starts with 0");
    }
    if (this.#fraction() || (negative && value === 0)) return this.#float(start);
    if (end - digits <= SAFE_DIGITS) return negative ? -value : value;
    return this.#longInteger(start, end, end - digits);
  }

  /** Consumes a number of any size and precision. */
  skipNumber(): void {
    this.peek();
    const digits = this.#pos + (this.#text.charCodeAt(this.#pos) === MINUS ? 1 : 0);
    this.#digits(digits);
    if (this.#text.charCodeAt(digits) === ZERO && this.#pos > digits + 1) {
      this.fail("a number starts with 0");
    }
    this.#fraction();
  }

  /** Consumes one or more digits; the result is exact up to {@link SAFE_DIGITS} of them. */
  #digits(start: number): number {
    const text = this.#text;
    let pos = start;
    let value = 0;
    for (
      let code = text.charCodeAt(pos);
      code >= ZERO && code <= NINE;
      code = text.charCodeAt(++pos)
    ) {
      value = value * 10 + (code - ZERO);
    }
    this.#pos = pos;
    if (pos === start) this.#failDigits(start);
    return value;
  }

  /** A number that was begun is broken; otherwise there is none. */
  #failDigits(start: number): never {
    if (/[-+.eE]/.test(this.#text.charAt(start - 1))) this.fail("expected a digit");
    return this.#failKind("a JSON value", MINUS);
  }

  /** Consumes a fraction and an exponent if there are any. */
  #fraction(): boolean {
    const start = this.#pos;
    if (this.#text.charCodeAt(start) === DOT) this.#digits(start + 1);
    if ((this.#text.charCodeAt(this.#pos) | 0x20) === LOWER_E) {
      const sign = this.#text.charCodeAt(this.#pos + 1);
      this.#digits(this.#pos + (sign === PLUS || sign === MINUS ? 2 : 1));
    }
    return this.#pos > start;
  }

  #float(start: number): JsonFloat {
    const value = Number(this.#text.slice(start, this.#pos));
    if (!Number.isFinite(value)) this.fail("a number is out of range");
    return new JsonFloat(value);
  }

  #longInteger(start: number, end: number, digits: number): number | bigint | JsonFloat {
    if (digits > MAX_INTEGER_DIGITS) return this.#float(start);
    const value = BigInt(this.#text.slice(start, end));
    if (value < MIN_JSON_INTEGER || value > MAX_JSON_INTEGER) return this.#float(start);
    return normalizeInteger(value);
  }

  /** Makes sure that nothing but whitespace is left. */
  end(): void {
    if (!Number.isNaN(this.peek())) this.fail("characters after the JSON value");
  }

  /** Throws a {@link SerializeError} for what is no JSON; it names the position reached. */
  fail(reason: string, cause?: unknown): never {
    throw this.#error("syntax", reason, cause);
  }

  /** Throws a {@link SerializeError} for JSON that is not of the kind, or has not the value, expected. */
  mismatch(reason: string): never {
    throw this.#error("shape", reason);
  }

  /** Fails where something that begins with `first` was expected: another kind of value is no fault of syntax. */
  #failKind(expected: string, first: number): never {
    const code = this.peek();
    const isValue = code !== first && VALUE_STARTS.includes(String.fromCharCode(code));
    throw this.#error(isValue ? "shape" : "syntax", `expected ${expected}`);
  }

  #error(fault: "shape" | "syntax", reason: string, cause?: unknown): SerializeError {
    const position = this.#pos;
    return new SerializeError(
      "DeserializationFailed",
      `Cannot read JSON at character ${position}: ${reason}`,
      { fields: { reason, position, fault }, cause },
    );
  }
}
