/**
 * What a hash function must get right before it is used.
 *
 * @module
 */

import { equalBytes, utf8 } from "../src/util/bytes.ts";
import { fromHex } from "../src/util/hex.ts";
import type { Hash } from "./types.ts";

const BLAKE3_OF_ABC = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
const SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/** Whether a BLAKE3 hashes as it should. */
export function passesBlake3Test(blake3: Hash): boolean {
  return hashesAbcTo(BLAKE3_OF_ABC, blake3);
}

/** Whether a SHA-256 hashes as it should. */
export function passesSha256Test(sha256: Hash): boolean {
  return hashesAbcTo(SHA256_OF_ABC, sha256);
}

/** Whether the hash of `abc` is this one, in hexadecimal. */
export function hashesAbcTo(wanted: string, hash: Hash): boolean {
  try {
    return equalBytes(hash(utf8("abc")), fromHex(wanted));
  } catch {
    return false;
  }
}
