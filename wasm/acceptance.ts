/**
 * The one rule that says which Ed25519 signatures are accepted (00 §B3, 02 §2.3).
 *
 * A signature R ‖ S of message M under key A is accepted if and only if it has 64 bytes, S < L, A
 * decompresses to a curve point, and the encoding of [S]B − [k]A equals R byte for byte, where
 * k = SHA-512(R ‖ A ‖ M) mod L over the bytes as given. No cofactor; A may be of small order or encoded
 * non-canonically.
 *
 * Engines agree on this rule except where the encoding of A or R is of small order or non-canonical.
 * Those few encodings are recognised by a table, and decided here with plain group arithmetic.
 *
 * @module
 */

import { concat, equalBytes } from "../src/util/bytes.ts";
import { fromHex } from "../src/util/hex.ts";
import { baseTimesMinus, decodePoint, encodePoint, numberOf, POINT_LENGTH } from "./curve.ts";
import type { Ed25519Engine, Hash } from "./types.ts";

/** Bytes of a signature. */
export const SIGNATURE_LENGTH = 64;

/** The order L of the base point, little endian. */
const ORDER: Uint8Array = fromHex(
  "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
);

/** The y coordinates of the eight points of small order, little endian; x and −x share one. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(fromHex);

/**
 * Whether the first 32 bytes encode a point of small order or encode y non-canonically (y ≥ 2^255 − 19).
 *
 * The encodings with x = 0 and the sign bit set are among them, since y is then 1 or −1.
 */
export function isUnusualEncoding(bytes: Uint8Array): boolean {
  return isNonCanonicalY(bytes) || SMALL_ORDER_Y.some((y) => hasY(bytes, y));
}

/** Whether 32 bytes decompress to a curve point; non-canonical y and small order are let pass. */
export function isPointEncoding(bytes: Uint8Array): boolean {
  return decodePoint(bytes) !== undefined;
}

/** Says whether a signature is accepted. */
export type Verify = (publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array) => boolean;

/** The acceptance rule on top of an engine's own verifier. */
export function acceptanceRule(engine: Ed25519Engine): Verify {
  const exactly = exactRule(engine.sha512);
  return (publicKey, data, signature) => {
    if (publicKey.length !== POINT_LENGTH || !isWellFormed(signature)) return false;
    if (isUnusualEncoding(publicKey) || isUnusualEncoding(signature)) {
      return exactly(publicKey, data, signature);
    }
    try {
      return engine.verifyOrdinary(publicKey, data, signature);
    } catch {
      // An engine may refuse to load a key that is no point, or run out of memory: decide without it.
      return exactly(publicKey, data, signature);
    }
  };
}

/** The acceptance rule by group arithmetic alone, with this SHA-512: slow and exact. */
export function exactRule(sha512: Hash): Verify {
  return (publicKey, data, signature) => {
    if (!isWellFormed(signature)) return false;
    const a = decodePoint(publicKey);
    if (a === undefined) return false;
    const r = signature.subarray(0, POINT_LENGTH);
    const s = numberOf(signature.subarray(POINT_LENGTH));
    const k = numberOf(sha512(concat(r, publicKey, data))) % numberOf(ORDER);
    return equalBytes(encodePoint(baseTimesMinus(s, k, a)), r);
  };
}

/** Whether there are 64 bytes whose second half, S, is below the order. */
function isWellFormed(signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_LENGTH) return false;
  for (let i = 31; i >= 0; i--) {
    if (signature[32 + i] !== ORDER[i]) return signature[32 + i] < ORDER[i];
  }
  return false;
}

function isNonCanonicalY(bytes: Uint8Array): boolean {
  if (bytes[0] < 0xed || (bytes[31] & 0x7f) !== 0x7f) return false;
  for (let i = 1; i < 31; i++) {
    if (bytes[i] !== 0xff) return false;
  }
  return true;
}

function hasY(bytes: Uint8Array, y: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) {
    if (bytes[i] !== y[i]) return false;
  }
  return (bytes[31] & 0x7f) === y[31];
}
