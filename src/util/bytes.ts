/**
 * Small operations on byte arrays.
 *
 * @module
 */

import { allocate } from "./allocate.ts";

const ENCODER = new TextEncoder();
// `ignoreBOM: true` keeps a leading U+FEFF, which is an ordinary character of a document.
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One new array that holds all `parts` after each other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return joined(parts);
}

/** As {@link concat}, of as many parts as there are: functions take some ten thousand arguments at most. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = allocate(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Compares bytewise as unsigned numbers, a prefix first: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

/** Whether both hold the same bytes. The time taken depends on the contents: not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** Longest text that is worth a try: for short ones the way into the encoder costs more than it does. */
const SHORT = 128;

/** The UTF-8 bytes of `text`; an unpaired surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  if (text.length > SHORT) return ENCODER.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return ENCODER.encode(text);
    bytes[at] = code;
  }
  return bytes;
}

/** The text of UTF-8 `bytes`, a leading U+FEFF kept. Throws a `TypeError` for anything not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}

/** Characters turned into text at once: `apply` takes no unlimited number of arguments. */
const CHUNK = 8192;

/** The text whose characters are the bytes (ISO 8859-1, and so ASCII): for short ones faster than a decoder. */
export function fromLatin1(codes: Uint8Array): string {
  if (codes.length <= CHUNK) return fromCodes(codes);
  let text = "";
  for (let start = 0; start < codes.length; start += CHUNK) {
    text += fromCodes(codes.subarray(start, start + CHUNK));
  }
  return text;
}

function fromCodes(codes: Uint8Array): string {
  return String.fromCharCode.apply(null, codes as unknown as number[]);
}
