/**
 * The whole core in plain JavaScript, for hosts that compile no WASM: slower, the same results.
 *
 * @module
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { blake3 } from "@noble/hashes/blake3.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { verifyExactly } from "./acceptance.ts";
import type { Hashes } from "./blake3.ts";
import { keyWiped } from "./lengths.ts";
import type { Argon2id, Ed25519Engine, Signer } from "./types.ts";

/** Ed25519 without an engine: signs with @noble/curves, verifies by the exact rule. */
export const javascriptEngine: Ed25519Engine = Object.freeze({
  name: "javascript" as const,
  signer: javascriptSigner,
  verifyOrdinary: verifyExactly,
});

/** BLAKE3 and SHA-256 by @noble/hashes. */
export const javascriptHashes: Hashes = Object.freeze({
  blake3: (data: Uint8Array) => blake3(data),
  sha256: (data: Uint8Array) => sha256(data),
});

/** Argon2id by @noble/hashes, which lets other work run in between. */
export const javascriptArgon2id: Argon2id = async (password, salt, options) => {
  const { argon2idAsync } = await import("@noble/hashes/argon2.js");
  return await argon2idAsync(password, salt, {
    m: options.memoryKiB,
    t: options.iterations,
    p: options.parallelism,
    dkLen: options.length,
    maxmem: 2 ** 31,
  });
};

function javascriptSigner(seed: Uint8Array): Signer {
  const secret = seed.slice();
  let wiped = false;
  return {
    publicKey: ed25519.getPublicKey(secret),
    sign: (data) => {
      if (wiped) throw keyWiped();
      return ed25519.sign(data, secret);
    },
    wipe: () => {
      wiped = true;
      secret.fill(0);
    },
  };
}
