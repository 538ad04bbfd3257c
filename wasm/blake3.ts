/**
 * BLAKE3 and SHA-256 by hash-wasm.
 *
 * @module
 */

import type { IHasher } from "hash-wasm";
import type { Hash } from "./types.ts";

/** BLAKE3 and SHA-256. */
export interface Hashes {
  /** The 32-byte BLAKE3 hash. */
  readonly blake3: Hash;
  /** The 32-byte SHA-256 hash. */
  readonly sha256: Hash;
}

/** Compiles both hash functions; rejects where the host refuses to compile bytes. */
export async function loadWasmHashes(): Promise<Hashes> {
  const { createBLAKE3, createSHA256 } = await import("hash-wasm");
  const [blake3, sha256] = await Promise.all([createBLAKE3(), createSHA256()]);
  return { blake3: hashWith(blake3), sha256: hashWith(sha256) };
}

/** One instance serves all calls: nothing waits between `init` and `digest`. */
function hashWith(hasher: IHasher): Hash {
  return (data) => hasher.init().update(data).digest("binary");
}
