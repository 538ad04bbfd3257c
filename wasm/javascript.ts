/**
 * Ed25519 and SHA-256 in plain JavaScript, for hosts that compile no WASM: slower, the same results. This
 * file is loaded only where it is needed.
 *
 * @module
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { exactRule } from "./acceptance.ts";
import { keyWiped } from "./lengths.ts";
import type { Ed25519Engine, Hash, Signer } from "./types.ts";

/** Ed25519 without an engine: signs with @noble/curves, verifies by the exact rule. */
export const javascriptEngine: Ed25519Engine = Object.freeze({
  name: "javascript" as const,
  signer: javascriptSigner,
  verifyOrdinary: exactRule(sha512),
  sha512,
});

/** SHA-256 by @noble/hashes. */
export const javascriptSha256: Hash = (data) => sha256(data);

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
