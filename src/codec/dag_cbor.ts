/**
 * The DAG-CBOR profile of entries (01 §3): what the writer writes and the only thing the reader takes.
 *
 * ```text
 * head   = major · 32 + n                      n < 24
 *        | major · 32 + 24 … 27, n big-endian  in 1, 2, 4 or 8 bytes, the fewest that hold n
 * uint   = head(0, n)                          n ≤ 2^53 − 1
 * bytes  = head(2, length) · bytes             text = head(3, length) · UTF-8
 * array  = head(4, length) · items             map = head(5, size) · (key · value)*
 * CID    = d8 2a · bytes(00 · binary CID)      the empty ID is null, f6
 * ```
 *
 * Lengths are definite. Which keys a map has, and in which order, is the business of who reads it.
 *
 * @module
 */

import { EntryError } from "../util/errors.ts";

/** Major type of unsigned integers. */
export const UINT = 0;
/** Major type of byte strings. */
export const BYTES = 2;
/** Major type of texts. */
export const TEXT = 3;
/** Major type of arrays. */
export const ARRAY = 4;
/** Major type of maps. */
export const MAP = 5;

/** First byte of the head of tag 42, which marks a CID. */
export const CID_TAG_0 = 0xd8;
/** Second byte of the head of tag 42. */
export const CID_TAG_1 = 0x2a;
/** What stands for the empty ID. */
export const NULL = 0xf6;

/** The error for bytes that are not what they must be. */
export function malformed(reason: string, cause?: unknown): EntryError {
  return new EntryError("InvalidStructure", `Cannot decode an entry: ${reason}`, {
    cause,
    fields: { reason },
  });
}

/** The error for something that has no bytes. */
export function unencodable(reason: string): EntryError {
  return new EntryError("InvalidStructure", `Cannot encode an entry: ${reason}`, {
    fields: { reason },
  });
}
