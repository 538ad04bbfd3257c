/**
 * Proving possession of a private key by signing a challenge: 32 random bytes, signed as they are
 * (02 §2.4).
 *
 * A challenge is signed without a domain tag, so a peer could pass an entry's signing bytes off as one.
 * Challenges of any other length than 32 are therefore refused: no entry's signing bytes are that short.
 *
 * @module
 */

import { AuthError } from "../util/errors.ts";
import { type RandomSource, systemRandom } from "../util/random.ts";
import { invalidSignature, type PrivateKey } from "./private_key.ts";
import type { PublicKey } from "./public_key.ts";

/** Bytes of a challenge. */
export const CHALLENGE_LENGTH = 32;

/** A fresh challenge. */
export function generateChallenge(random: RandomSource = systemRandom): Uint8Array {
  return random.bytes(CHALLENGE_LENGTH);
}

/**
 * The raw 64-byte signature of a challenge.
 *
 * Throws `AuthError` `InvalidChallenge` (fields `expected`, `actual`) if it does not have 32 bytes.
 */
export function createChallengeResponse(challenge: Uint8Array, key: PrivateKey): Uint8Array {
  const [expected, actual] = [CHALLENGE_LENGTH, challenge.length];
  if (actual === expected) return key.sign(challenge);
  const message = `Cannot sign a challenge of ${actual} bytes: it must have ${expected}`;
  throw new AuthError("InvalidChallenge", message, { fields: { expected, actual } });
}

/** Returns if `response` is the key's signature of `challenge`. Throws `AuthError` `InvalidSignature`. */
export function verifyChallengeResponse(
  challenge: Uint8Array,
  response: Uint8Array,
  key: PublicKey,
): void {
  if (!key.verify(challenge, response)) throw invalidSignature();
}
