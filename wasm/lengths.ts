import { CryptoError } from "../src/util/errors.ts";

/** Throws `CryptoError` with `code` and fields `expected` and `actual` unless the length is right. */
export function checkLength(code: string, what: string, bytes: Uint8Array, expected: number): void {
  const actual = bytes.length;
  if (actual === expected) return;
  const message = `Cannot use the ${what}: it has ${actual} bytes and must have ${expected}`;
  throw new CryptoError(code, message, { fields: { expected, actual } });
}

/** Throws unless `seed` has the 32 bytes of an Ed25519 seed. */
export function checkSeed(seed: Uint8Array): void {
  checkLength("InvalidSeedLength", "Ed25519 seed", seed, 32);
}

/** The error of signing with a wiped key. */
export function keyWiped(): CryptoError {
  return new CryptoError("KeyWiped", "Cannot sign: the private key was wiped");
}
