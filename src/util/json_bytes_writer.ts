/**
 * Writes JSON as UTF-8 bytes into a buffer that grows: texts that are UTF-8 already are copied, byte lists become
 * arrays of numbers without a number being made.
 *
 * @module
 */

/** Size of a fresh buffer. */
const INITIAL_BYTES = 4096;
/** A buffer that grew beyond this is not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const ENCODER = new TextEncoder();

/** The decimal digits of each byte value and a comma, the first in the lowest byte. */
const DIGITS: Uint32Array = new Uint32Array(256);
/** How many characters these are. */
const LENGTHS: Uint8Array = new Uint8Array(256);
/** How a byte is escaped in a text, if it is. */
const ESCAPES: Uint8Array[] = [];
/** Whether a byte is escaped in a text. */
const IS_ESCAPED: Uint8Array = new Uint8Array(256);
for (let value = 0; value < 256; value++) {
  const digits = ENCODER.encode(`${value},`);
  LENGTHS[value] = digits.length;
  digits.forEach((code, at) => DIGITS[value]! |= code << 8 * at);
  ESCAPES.push(ENCODER.encode(JSON.stringify(String.fromCharCode(value)).slice(1, -1)));
  IS_ESCAPED[value] = Number(value < SPACE || value === QUOTE || value === BACKSLASH);
}

/** Writes characters for the bytes from `start` to `end` into `out` at `at`; says where they end there. */
export type Encoder = (
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
) => number;

/** A buffer of JSON text in UTF-8. */
export class JsonBytesWriter {
  #bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;

  /** How many bytes were written since the last {@link take}. */
  get length(): number {
    return this.#at;
  }

  /** What was written, as an array of its own; the buffer is empty then. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#at);
    this.#at = 0;
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#replace(new Uint8Array(INITIAL_BYTES));
    return taken;
  }

  /** Forgets what was written. */
  clear(): void {
    this.#at = 0;
  }

  #replace(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#replace(grown);
  }

  /** Bytes as they are, from `start` to `end`. */
  raw(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.#reserve(end - start);
    const out = this.#bytes;
    let at = this.#at;
    for (let from = start; from < end; from++) out[at++] = bytes[from]!;
    this.#at = at;
  }

  /** An integer from 0 to 2^53 − 1. */
  uint(value: number): void {
    const digits = String(value);
    this.#reserve(digits.length);
    for (let at = 0; at < digits.length; at++) this.#bytes[this.#at++] = digits.charCodeAt(at);
  }

  /** Text that is JSON already. */
  json(text: string): void {
    this.#reserve(text.length * 3);
    this.#at += ENCODER.encodeInto(text, this.#bytes.subarray(this.#at)).written;
  }

  /** What another writer has written. */
  append(other: JsonBytesWriter): void {
    this.raw(other.#bytes, 0, other.#at);
  }

  /** A quoted text without escapes: what `encode` makes of bytes, at most `most` characters of ASCII. */
  encoded(encode: Encoder, bytes: Uint8Array, start: number, end: number, most: number): void {
    this.#reserve(most + 2);
    this.#bytes[this.#at] = QUOTE;
    const at = encode(bytes, start, end, this.#bytes, this.#at + 1);
    this.#bytes[at] = QUOTE;
    this.#at = at + 1;
  }

  /** A text, quoted and escaped, whose UTF-8 stands in `bytes` from `start` to `end`. */
  text(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve((end - start) * 6 + 2);
    const out = this.#bytes;
    let at = this.#at;
    out[at++] = QUOTE;
    for (let from = start; from < end; from++) {
      const code = bytes[from]!;
      if (IS_ESCAPED[code] === 0) out[at++] = code;
      else for (const escaped of ESCAPES[code]!) out[at++] = escaped;
    }
    out[at++] = QUOTE;
    this.#at = at;
  }

  /** The bytes from `start` to `end` as an array of numbers. */
  byteList(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve((end - start) * 4 + 8);
    const view = this.#view;
    let at = this.#at;
    view.setUint8(at++, 0x5b);
    for (let from = start; from < end; from++) {
      const value = bytes[from]!;
      view.setUint32(at, DIGITS[value]!, true);
      at += LENGTHS[value]!;
    }
    if (end > start) at--;
    view.setUint8(at++, 0x5d);
    this.#at = at;
  }
}
