/**
 * Base64 with the standard alphabet (`+`, `/`), read strictly: padding is required, unused trailing
 * bits are zero, nothing else may occur (02 §2.1).
 *
 * @module
 */

import { fromLatin1 } from "./bytes.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const INVALID = 0xff;

const VALUES: Uint8Array = new Uint8Array(128).fill(INVALID);
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/** What newer runtimes have built in (ES2026). */
const { toBase64 } = Uint8Array.prototype as { toBase64?: (this: Uint8Array) => string };
const { fromBase64 } = Uint8Array as {
  fromBase64?: (text: string, options: object) => Uint8Array;
};

/** The standard base64 text of `bytes`, padded with `=`. */
export function encodeBase64(bytes: Uint8Array): string {
  return toBase64 === undefined ? btoa(fromLatin1(bytes)) : toBase64.call(bytes);
}

/** The standard base64 text of `bytes` without padding. */
export function encodeBase64NoPad(bytes: Uint8Array): string {
  const text = encodeBase64(bytes);
  return text.slice(0, Math.ceil((bytes.length * 4) / 3));
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
  const length = Math.floor((letters * 3) / 4);
  return decodeBuiltIn(text, length) ?? decodeLetters(text, letters, new Uint8Array(length));
}

/** What the runtime reads; undefined when it refuses the text, or passed over white space in it. */
function decodeBuiltIn(text: string, length: number): Uint8Array | undefined {
  try {
    const bytes = fromBase64?.(text, { lastChunkHandling: "strict" });
    return bytes?.length === length ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function decodeLetters(text: string, letters: number, out: Uint8Array): Uint8Array {
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
