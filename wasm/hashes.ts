/**
 * The core in use, and the hash functions of it, or until there is one: a program that only hashes is
 * spared everything else.
 *
 * @module
 */

import { blake3 } from "./blake3.ts";
import { passesSha256Test } from "./hash_check.ts";
import { nativeSha256 } from "./native_sha256.ts";
import { notReady } from "./not_ready.ts";
import type { CryptoCore, Hash, Hashes } from "./types.ts";

let current: CryptoCore | undefined;
let early: Hashes | undefined;

/** The core that `ready` loaded. */
export function loadedCore(): CryptoCore | undefined {
  return current;
}

/** Makes this the core in use. */
export function setLoadedCore(core: CryptoCore): void {
  current = core;
}

/** The hash functions of the core in use; before `ready` those that need no loading. */
export function hashes(): Hashes {
  return current ?? (early ??= earlyHashes());
}

/** BLAKE3 in plain JavaScript, and SHA-256 where the runtime has it. */
export function earlyHashes(sha256: Hash | null = nativeSha256()): Hashes {
  const isSound = sha256 !== null && passesSha256Test(sha256);
  return { blake3, sha256: isSound ? sha256 : () => notReady("hash with SHA-256") };
}
