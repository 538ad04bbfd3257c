/**
 * Content identifiers: reading, writing, ordering (01 §2).
 *
 * ```text
 * CIDv1 = varint(1) · varint(codec) · varint(hash) · varint(length) · digest
 * CIDv0 = 12 20 · 32 bytes of digest
 * text  = "b" · base32 lower case without padding (v1) | base58btc (v0)
 * ```
 *
 * @module
 */

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
import { IdError } from "../util/errors.ts";

/** What a binary CID says about itself. */
export interface CidParts {
  /** 0 or 1. */
  readonly version: number;
  /** Codec of the content, for example 0x71 for DAG-CBOR. */
  readonly codec: number;
  /** Multihash code, for example 0x1e for BLAKE3. */
  readonly hash: number;
  /** Where the digest begins. */
  readonly digestStart: number;
  /** Where the digest, and with it the CID, ends. */
  readonly end: number;
}

/** Longest digest that can be represented. */
export const MAX_DIGEST_BYTES = 64;
const V0_CODEC = 0x70;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const BASES = [
  base2,
  base8,
  base10,
  base16,
  base16upper,
  base32,
  base32upper,
  base32pad,
  base32padupper,
  base32hex,
  base32hexupper,
  base32hexpad,
  base32hexpadupper,
  base32z,
  base36,
  base36upper,
  base58btc,
  base58flickr,
  base64,
  base64pad,
  base64url,
  base64urlpad,
  base256emoji,
];

/** The error for something that is no CID. */
export function invalidId(text: string, reason: string, cause?: unknown): IdError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return new IdError("InvalidFormat", `Invalid ID format: "${shown}" ${reason}`, {
    cause,
    fields: { text: shown },
  });
}

/** Reads the head of a binary CID; undefined when it is not one. Bytes after it are ignored. */
export function readCid(bytes: Uint8Array, start = 0): CidParts | undefined {
  if (bytes[start] === 0x12 && bytes[start + 1] === 0x20) {
    const end = start + 34;
    if (bytes.length < end) return undefined;
    return { version: 0, codec: V0_CODEC, hash: 0x12, digestStart: start + 2, end };
  }
  const head: number[] = [];
  let at = start;
  for (let field = 0; field < 4; field++) {
    let value = 0;
    for (let shift = 1;; shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 2 ** 42) return undefined;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) {
        // A last byte of zero is a longer spelling of a shorter number.
        if (byte === 0 && shift > 1) return undefined;
        break;
      }
    }
    head.push(value);
  }
  const [version, codec, hash, length] = head as [number, number, number, number];
  if (version !== 1 || length > MAX_DIGEST_BYTES || at + length > bytes.length) return undefined;
  return { version, codec, hash, digestStart: at, end: at + length };
}

/** Reads the text of a CID (01 §2.3); the result may be followed by bytes that do not belong to it. */
export function parseCidText(input: string): Uint8Array {
  const at = input.indexOf("/ipfs/");
  const text = at < 0 ? input : input.slice(at + 6);
  if (text.length < 2) throw invalidId(input, "is too short");
  if (text.length === 46 && text.startsWith("Qm")) return decodeBase(input, `z${text}`);
  if (text.length === 59 && text.startsWith("b")) {
    const fast = decodeBase32(text);
    if (fast !== undefined) return fast;
  }
  return decodeBase(input, text);
}

function decodeBase(input: string, text: string): Uint8Array {
  const base = BASES.find((candidate) => text.startsWith(candidate.prefix));
  if (base === undefined) throw invalidId(input, "begins with no known multibase prefix");
  try {
    return base.decode(text);
  } catch (cause) {
    throw invalidId(input, `is not ${base.name}`, cause);
  }
}

const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < 32; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/** The bytes of 58 lower-case base32 characters after a prefix; undefined for anything else. */
function decodeBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(36);
  let bits = 0;
  let have = 0;
  let at = 0;
  for (let index = 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const value = code < 128 ? VALUES[code]! : -1;
    if (value < 0) return undefined;
    bits = (bits << 5) | value;
    have += 5;
    if (have >= 8) {
      have -= 8;
      bytes[at++] = bits >> have;
      bits &= (1 << have) - 1;
    }
  }
  return bits === 0 ? bytes : undefined;
}

/** The text of a binary CID. */
export function formatCid(bytes: Uint8Array, version: number): string {
  if (version === 0) return base58btc.baseEncode(bytes);
  let text = "b";
  let bits = 0;
  let have = 0;
  for (let at = 0; at < bytes.length; at++) {
    bits = (bits << 8) | bytes[at]!;
    have += 8;
    while (have >= 5) {
      have -= 5;
      text += ALPHABET[(bits >> have) & 31];
    }
    bits &= (1 << have) - 1;
  }
  return have === 0 ? text : text + ALPHABET[(bits << (5 - have)) & 31];
}

/** The 5-bit group of `bytes` that begins at bit `5 · index`; bits beyond the end are zero. */
function group(bytes: Uint8Array, index: number): number {
  const bit = index * 5;
  const at = bit >> 3;
  const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return (pair >> (11 - (bit & 7))) & 31;
}

/** ASCII puts the digits, which stand for 26 to 31, before the letters. */
function rank(value: number): number {
  return (value + 6) & 31;
}

/** Order of the base32 texts of two binary CIDs of one length, without making the texts. */
export function compareBase32(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! ^ b[at]!;
    if (difference === 0) continue;
    const index = Math.floor((at * 8 + Math.clz32(difference) - 24) / 5);
    return rank(group(a, index)) - rank(group(b, index));
  }
  return 0;
}

/** Bytes whose order is the order of the base32 texts of CIDs of one length. */
export function toFoldKey(bytes: Uint8Array): Uint8Array {
  const groups = Math.ceil(bytes.length * 8 / 5);
  return pack(groups, Math.ceil(groups * 5 / 8), (index) => rank(group(bytes, index)));
}

/** The binary CID of a fold key, followed by zero bits at most. */
export function fromFoldKey(key: Uint8Array): Uint8Array {
  const groups = Math.floor(key.length * 8 / 5);
  return pack(groups, Math.floor(groups * 5 / 8), (index) => (group(key, index) + 26) & 31);
}

function pack(groups: number, length: number, valueAt: (index: number) => number): Uint8Array {
  const out = new Uint8Array(length);
  let bits = 0;
  let have = 0;
  let at = 0;
  for (let index = 0; index < groups && at < length; index++) {
    bits = ((bits << 5) | valueAt(index)) & 0xffff;
    have += 5;
    if (have >= 8) {
      have -= 8;
      out[at++] = bits >> have;
    }
  }
  if (at < length && have > 0) out[at] = bits << (8 - have);
  return out;
}
