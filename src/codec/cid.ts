/**
 * Content identifiers: reading and writing them (01 §2).
 *
 * ```text
 * CIDv1 = varint(1) · varint(codec) · varint(hash) · varint(length) · digest
 * CIDv0 = 12 20 · 32 bytes of digest
 * text  = "b" · base32 lower case without padding (v1) | base58btc (v0)
 * ```
 *
 * A varint holds seven bits a byte, the lowest first, and has no needless bytes.
 *
 * @module
 */

import { IdError } from "../util/errors.ts";
import { decodeBase32, encodeBase32, writeBase32 } from "./base32.ts";
import { decodeMultibase, encodeBase58 } from "./multibase.ts";

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

const DAG_CBOR = 0x71;
const DAG_PB = 0x70;
const RAW = 0x55;
const BLAKE3 = 0x1e;
const SHA2_256 = 0x12;
const DIGEST_BYTES = 32;
/** Length of a CIDv1 with a digest of 32 bytes. */
export const CID_BYTES = 36;
const V0_BYTES = 34;
/** Length of the text of a CIDv1 with a digest of 32 bytes. */
export const USUAL_TEXT = 59;

/** Longest digest that can be represented. */
export const MAX_DIGEST_BYTES = 64;
/** Longest text that is read; decoding base58 takes quadratic time. No CID in base2 needs more. */
export const MAX_CID_TEXT = 1024;
/** Longest varint; seven bytes hold 49 bits, more than any registered code. */
const MAX_VARINT_BYTES = 7;

function usual(codec: number, hash: number): CidParts {
  return Object.freeze({ version: 1, codec, hash, digestStart: 4, end: CID_BYTES });
}

/** Parts of the ID of an entry. */
export const DAG_CBOR_BLAKE3: CidParts = usual(DAG_CBOR, BLAKE3);
/** Parts of the ID of opaque bytes. */
export const RAW_BLAKE3: CidParts = usual(RAW, BLAKE3);
/** Parts of the ID of opaque bytes that were hashed with SHA2-256. */
export const RAW_SHA2_256: CidParts = usual(RAW, SHA2_256);
const V0: CidParts = Object.freeze({
  version: 0,
  codec: DAG_PB,
  hash: SHA2_256,
  digestStart: 2,
  end: V0_BYTES,
});

/** The error for something that is no CID. */
export function invalidId(text: string, reason: string, cause?: unknown): IdError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return new IdError("InvalidFormat", `Invalid ID format: "${shown}" ${reason}`, {
    cause,
    fields: { text: shown },
  });
}

/** Reads the head of a binary CID; undefined when it is not one. Bytes after it are ignored. */
export function readCid(bytes: Uint8Array): CidParts | undefined {
  if (bytes[0] === 1 && bytes[2] === BLAKE3 && bytes[3] === DIGEST_BYTES) {
    if (bytes[1] === DAG_CBOR) return bytes.length < CID_BYTES ? undefined : DAG_CBOR_BLAKE3;
    if (bytes[1] === RAW) return bytes.length < CID_BYTES ? undefined : RAW_BLAKE3;
  }
  if (bytes[0] === SHA2_256 && bytes[1] === DIGEST_BYTES) {
    return bytes.length < V0_BYTES ? undefined : V0;
  }
  return readAnyCid(bytes);
}

function readAnyCid(bytes: Uint8Array): CidParts | undefined {
  const fields: number[] = [];
  let at = 0;
  while (fields.length < 4) {
    const end = varintEnd(bytes, at);
    if (end === undefined) return undefined;
    fields.push(varint(bytes, at, end));
    at = end;
  }
  const [version, codec, hash, length] = fields as [number, number, number, number];
  const end = at + length;
  if (version !== 1 || length > MAX_DIGEST_BYTES || end > bytes.length) return undefined;
  return { version, codec, hash, digestStart: at, end };
}

/** Where a varint ends; undefined if it does not, is too long, or is spelled longer than needed. */
function varintEnd(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  while (bytes[at]! >= 0x80 && at - start < MAX_VARINT_BYTES) at++;
  if (at >= bytes.length || at - start >= MAX_VARINT_BYTES) return undefined;
  return at > start && bytes[at] === 0 ? undefined : at + 1;
}

function varint(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = end - 1; at >= start; at--) value = value * 128 + (bytes[at]! & 0x7f);
  return value;
}

/** The bytes of an ID's usual text, 59 characters that begin with `b`; undefined for any other. */
export function readUsualText(text: string): Uint8Array | undefined {
  return text.length === USUAL_TEXT && text.startsWith("b") ? decodeBase32(text, 1) : undefined;
}

/** Reads the text of a CID; bytes that do not belong to the CID may follow in the result. */
export function parseCidText(input: string): Uint8Array {
  if (input.length > MAX_CID_TEXT) throw invalidId(input, `exceeds ${MAX_CID_TEXT} characters`);
  const at = input.indexOf("/ipfs/");
  const text = at < 0 ? input : input.slice(at + 6);
  if (text.length < 2) throw invalidId(input, "is too short");
  const isV0 = text.length === 46 && text.startsWith("Qm");
  return readUsualText(text) ?? decodeText(input, isV0 ? `z${text}` : text);
}

function decodeText(input: string, text: string): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = decodeMultibase(text);
  } catch (cause) {
    throw invalidId(input, "is not of the base that its first character names", cause);
  }
  if (bytes === undefined) throw invalidId(input, "begins with no known multibase prefix");
  return bytes;
}

/** The text of a binary CID. */
export function formatCid(bytes: Uint8Array, version: number): string {
  return version === 0 ? encodeBase58(bytes) : encodeBase32("b", bytes);
}

/** Longest text that {@link writeCidText} writes for a CID of so many bytes. */
export function mostCidText(bytes: number): number {
  return 1 + Math.ceil((bytes * 8) / 5);
}

/** Writes the text of the binary CID from `start` to `end` into `out`; no bytes are the empty ID. */
export function writeCidText(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  if (start === end) return at;
  if (bytes[start] === 1) {
    out[at] = 0x62;
    return writeBase32(bytes, start, end, out, at + 1);
  }
  const text = encodeBase58(bytes.subarray(start, end));
  for (let index = 0; index < text.length; index++) out[at + index] = text.charCodeAt(index);
  return at + text.length;
}
