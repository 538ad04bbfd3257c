import { acceptanceRule } from "./acceptance.ts";
import { checkSeed } from "./lengths.ts";
import type { Ed25519, Ed25519Engine, Signer } from "./types.ts";

/** The operations of {@link Ed25519} on an engine, with the acceptance rule and its way to verify many. */
export function ed25519With(
  engine: Ed25519Engine,
  batches: (verify: Ed25519["verify"]) => Ed25519["verifyBatch"],
): Ed25519 {
  const verify = acceptanceRule(engine);
  const signer = (seed: Uint8Array): Signer => {
    checkSeed(seed);
    return engine.signer(seed);
  };
  return Object.freeze({
    signer,
    publicKey: (seed: Uint8Array) => once(signer(seed), (one) => one.publicKey),
    sign: (seed: Uint8Array, data: Uint8Array) => once(signer(seed), (one) => one.sign(data)),
    verify,
    verifyBatch: batches(verify),
  });
}

function once<T>(signer: Signer, use: (signer: Signer) => T): T {
  try {
    return use(signer);
  } finally {
    signer.wipe();
  }
}
