/**
 * Ed25519 by libsodium, compiled to WASM.
 *
 * @module
 */

import type Sodium from "libsodium-wrappers";
import { keyWiped } from "./lengths.ts";
import type { Ed25519Engine, Signer } from "./types.ts";

/** Loads libsodium; rejects where the host refuses to compile its bytes. */
export async function loadSodiumEngine(): Promise<Ed25519Engine> {
  const { default: sodium } = await import("libsodium-wrappers");
  await sodium.ready;
  return {
    name: "wasm",
    signer: (seed) => sodiumSigner(sodium, seed),
    verifyOrdinary: (publicKey, data, signature) =>
      sodium.crypto_sign_verify_detached(signature, data, publicKey),
  };
}

function sodiumSigner(sodium: typeof Sodium, seed: Uint8Array): Signer {
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed);
  let wiped = false;
  return {
    publicKey,
    sign: (data) => {
      if (wiped) throw keyWiped();
      return sodium.crypto_sign_detached(data, privateKey);
    },
    wipe: () => {
      wiped = true;
      privateKey.fill(0);
    },
  };
}
