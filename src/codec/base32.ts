/**
 * Base32 as CIDs are written in it: lower case, without padding (RFC 4648), and its order.
 *
 * The letters a–z stand for 0–25 and the digits 2–7 for 26–31, but ASCII puts digits first: the order of
 * texts is not that of the bytes. {@link toFoldKey} makes bytes that have the order of the texts.
 *
 * @module
 */

import { allocate } from "../util/allocate.ts";
import { fromLatin1 } from "../util/bytes.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const CODES: Uint8Array = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
const VALUES: Int8Array = new Int8Array(256).fill(-1);
for (let value = 0; value < 32; value++) VALUES[CODES[value]!] = value;

/** The bytes of base32 text from a position on; undefined for anything else. */
export function decodeBase32(text: string, from: number): Uint8Array | undefined {
  const bytes = allocate(((text.length - from) * 5) >> 3);
  let bits = 0;
  let have = 0;
  let at = 0;
  for (let index = from; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const value = code < 128 ? VALUES[code]! : -1;
    if (value < 0) return undefined;
    bits = (bits << 5) | value;
    have += 5;
    if (have < 8) continue;
    have -= 8;
    bytes[at++] = bits >> have;
    bits &= (1 << have) - 1;
  }
  return bits === 0 && have < 5 ? bytes : undefined;
}

/** The bytes of base32 characters that stand in `codes` from `start` to `end`; undefined for anything else. */
export function readBase32(codes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const bytes = allocate(((end - start) * 5) >> 3);
  return readBase32Into(codes, start, end, bytes, 0) ? bytes : undefined;
}

/** Writes the bytes of base32 characters into `out` at `at`; says whether they were that. */
export function readBase32Into(
  codes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): boolean {
  let to = at;
  let from = start;
  for (; from + 8 <= end; from += 8) {
    const a = VALUES[codes[from]!]!, b = VALUES[codes[from + 1]!]!;
    const c = VALUES[codes[from + 2]!]!, d = VALUES[codes[from + 3]!]!;
    const e = VALUES[codes[from + 4]!]!, f = VALUES[codes[from + 5]!]!;
    const g = VALUES[codes[from + 6]!]!, h = VALUES[codes[from + 7]!]!;
    if ((a | b | c | d | e | f | g | h) < 0) return false;
    out[to++] = a << 3 | b >> 2;
    out[to++] = b << 6 | c << 1 | d >> 4;
    out[to++] = d << 4 | e >> 1;
    out[to++] = e << 7 | f << 2 | g >> 3;
    out[to++] = g << 5 | h;
  }
  return readRest(codes, from, end, out, to);
}

/** Less than eight characters, the last ones of a text. */
function readRest(
  codes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): boolean {
  let bits = 0;
  let have = 0;
  for (let from = start, to = at; from < end; from++) {
    const value = VALUES[codes[from]!]!;
    if (value < 0) return false;
    bits = (bits << 5) | value;
    have += 5;
    if (have < 8) continue;
    have -= 8;
    out[to++] = bits >> have;
    bits &= (1 << have) - 1;
  }
  return bits === 0 && have < 5;
}

/** Writes the base32 characters of `bytes` from `start` to `end` into `out`; says where they end there. */
export function writeBase32(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let to = at;
  let from = start;
  for (; from + 5 <= end; from += 5) {
    const high = bytes[from]! << 12 | bytes[from + 1]! << 4 | bytes[from + 2]! >> 4;
    const low = (bytes[from + 2]! & 15) << 16 | bytes[from + 3]! << 8 | bytes[from + 4]!;
    out[to++] = CODES[high >> 15]!;
    out[to++] = CODES[high >> 10 & 31]!;
    out[to++] = CODES[high >> 5 & 31]!;
    out[to++] = CODES[high & 31]!;
    out[to++] = CODES[low >> 15]!;
    out[to++] = CODES[low >> 10 & 31]!;
    out[to++] = CODES[low >> 5 & 31]!;
    out[to++] = CODES[low & 31]!;
  }
  return writeRest(bytes, from, end, out, to);
}

/** Less than five bytes, the last ones. */
function writeRest(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let bits = 0;
  let have = 0;
  let to = at;
  for (let from = start; from < end; from++) {
    bits = ((bits << 8) | bytes[from]!) & 0xfff;
    have += 8;
    while (have >= 5) out[to++] = CODES[(bits >> (have -= 5)) & 31]!;
  }
  if (have > 0) out[to++] = CODES[(bits << (5 - have)) & 31]!;
  return to;
}

/** Where the text of an ordinary ID is put together: it is copied at once. */
const SCRATCH = new Uint8Array(59);

/** A character, then the base32 text of bytes. */
export function encodeBase32(prefix: string, bytes: Uint8Array): string {
  const length = 1 + Math.ceil((bytes.length * 8) / 5);
  const text = length === SCRATCH.length ? SCRATCH : new Uint8Array(length);
  text[0] = prefix.charCodeAt(0);
  writeBase32(bytes, 0, bytes.length, text, 1);
  return fromLatin1(text);
}

/** The 5-bit group of `bytes` that begins at bit `5 · index`; bits beyond the end are zero. */
function group(bytes: Uint8Array, index: number): number {
  const bit = index * 5;
  const at = bit >> 3;
  const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return (pair >> (11 - (bit & 7))) & 31;
}

/** Place of a value's character in ASCII: the digits, 26 to 31, come first. */
function rank(value: number): number {
  return (value + 6) & 31;
}

/** Order of the base32 texts of two byte arrays of one length, without making the texts. */
export function compareBase32(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! ^ b[at]!;
    if (difference === 0) continue;
    const index = Math.floor((at * 8 + Math.clz32(difference) - 24) / 5);
    return rank(group(a, index)) - rank(group(b, index));
  }
  return 0;
}

/** Bytes whose order is the order of the base32 texts of byte arrays of one length. */
export function toFoldKey(bytes: Uint8Array): Uint8Array {
  const groups = Math.ceil((bytes.length * 8) / 5);
  return mapGroups(bytes, Math.ceil((groups * 5) / 8), groups, 6);
}

/** The bytes that a fold key was made of; for some lengths one byte more, which is to be ignored. */
export function fromFoldKey(key: Uint8Array): Uint8Array {
  const groups = Math.floor((key.length * 8) / 5);
  return mapGroups(key, Math.floor((groups * 5) / 8), groups, 26);
}

/** The first `length` bytes of the 5-bit groups of `bytes`, `shift` added to each, modulo 32. */
function mapGroups(bytes: Uint8Array, length: number, groups: number, shift: number): Uint8Array {
  const out = allocate(length);
  let bits = 0;
  let have = 0;
  let at = 0;
  for (let index = 0; index < groups; index++) {
    bits = ((bits << 5) | ((group(bytes, index) + shift) & 31)) & 0xfff;
    have += 5;
    if (have < 8) continue;
    have -= 8;
    out[at++] = bits >> have;
  }
  if (at < length && have > 0) out[at] = bits << (8 - have);
  return out;
}
