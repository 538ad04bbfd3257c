import { base10 } from "multiformats/bases/base10";
import { base16, base16upper } from "multiformats/bases/base16";
import { base2 } from "multiformats/bases/base2";
import { base256emoji } from "multiformats/bases/base256emoji";
import {
  base32,
  base32hex,
  base32hexpad,
  base32hexpadupper,
  base32hexupper,
  base32pad,
  base32padupper,
  base32upper,
  base32z,
} from "multiformats/bases/base32";
import { base36, base36upper } from "multiformats/bases/base36";
import { base58btc, base58flickr } from "multiformats/bases/base58";
import { base64, base64pad, base64url, base64urlpad } from "multiformats/bases/base64";
import { base8 } from "multiformats/bases/base8";
import { identity } from "multiformats/bases/identity";

/** Every base that the reference reads: its prefix, a character, comes before the text. */
const BASES = [
  ...[base2, base8, base10, base16, base16upper, base32, base32upper, base32pad, base32padupper],
  ...[base32hex, base32hexupper, base32hexpad, base32hexpadupper, base32z, base36, base36upper],
  ...[base58btc, base58flickr, base64, base64pad, base64url, base64urlpad, base256emoji, identity],
];

/** Prefixes of the bases that pad their texts, and to a multiple of how many characters. */
const PADDED: Readonly<Record<string, number>> = { c: 8, C: 8, t: 8, T: 8, M: 4, U: 4 };

/** The bytes of a multibase text; undefined when it begins with no known prefix. Throws for other faults. */
export function decodeMultibase(text: string): Uint8Array | undefined {
  checkPadding(text);
  return BASES.find((base) => text.startsWith(base.prefix))?.decode(text);
}

/** The decoders take any padding, or none; the reference does not. */
function checkPadding(text: string): void {
  const width = PADDED[text.charAt(0)];
  const isWrong = width === undefined ? text.endsWith("=") : (text.length - 1) % width !== 0;
  if (isWrong) throw new SyntaxError("the padding is not that of the base");
}

/** The base58btc text of bytes, without a prefix. */
export function encodeBase58(bytes: Uint8Array): string {
  return base58btc.baseEncode(bytes);
}
