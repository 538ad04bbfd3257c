/**
 * Base64 with the standard alphabet (`+`, `/`), read strictly: padding is required, unused trailing
 * bits are zero, nothing else may occur (02 §2.1).
 *
 * @module
 */

import { fromAscii } from "./bytes.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 61; // "="
const INVALID = 0xff;

const CODES: Uint8Array = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
const VALUES: Uint8Array = new Uint8Array(128).fill(INVALID);
for (let value = 0; value < CODES.length; value++) VALUES[CODES[value]] = value;

/** The standard base64 text of `bytes`, padded with `=`. */
export function encodeBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  out.fill(PADDING, encodeInto(bytes, out));
  return fromAscii(out);
}

/** The standard base64 text of `bytes` without padding. */
export function encodeBase64NoPad(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  encodeInto(bytes, out);
  return fromAscii(out);
}

/**
 * The bytes of a padded standard base64 text.
 *
 * Throws a `SyntaxError` for a wrong length, a foreign character (white space and the URL-safe letters
 * included), missing padding or trailing bits that are not zero.
 */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new SyntaxError(`base64 text has ${text.length} characters`);
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const letters = text.length - padding;
  const out = new Uint8Array(Math.floor((letters * 3) / 4));
  let pending = 0;
  let bits = 0;
  let length = 0;
  for (let i = 0; i < letters; i++) {
    pending = ((pending << 6) | valueAt(text, i)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[length++] = pending >> bits;
  }
  if ((pending & ((1 << bits) - 1)) !== 0) throw new SyntaxError("base64 text has stray bits");
  return out;
}

function valueAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  const value = code < 128 ? VALUES[code] : INVALID;
  // The character is not quoted: the text may be a private key.
  if (value === INVALID) throw new SyntaxError(`base64 text has a foreign character at ${index}`);
  return value;
}

/** Writes the letters of `bytes` to `out` and returns how many they are. */
function encodeInto(bytes: Uint8Array, out: Uint8Array): number {
  let pending = 0;
  let bits = 0;
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    pending = ((pending << 8) | bytes[i]) & 0xffff;
    for (bits += 8; bits >= 6;) {
      bits -= 6;
      out[length++] = CODES[(pending >> bits) & 63];
    }
  }
  if (bits > 0) out[length++] = CODES[(pending << (6 - bits)) & 63];
  return length;
}
