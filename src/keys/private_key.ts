/**
 * Private keys (02 §2.2).
 *
 * @module
 */

import { setPrinter } from "#inspect";
import { core } from "../../wasm/mod.ts";
import type { Signer } from "../../wasm/mod.ts";
import { requireBytes, requireMethod } from "../util/arguments.ts";
import { encodeBase64 } from "../util/base64.ts";
import { AuthError, CryptoError } from "../util/errors.ts";
import { type RandomSource, systemRandom } from "../util/random.ts";
import { checkAlgorithm, checkKeyLength, KEY_LENGTH, keyText, parseKeyText } from "./key_text.ts";
import { PublicKey } from "./public_key.ts";

const REDACTED = "PrivateKey(ed25519, redacted)";

/**
 * An Ed25519 private key. No text or inspection shows its seed except {@link reveal}.
 *
 * Reading a key needs nothing; its public key and signing need the crypto core to be ready.
 */
export class PrivateKey {
  /** The signature algorithm. */
  readonly algorithm = "ed25519" as const;
  readonly #seed: Uint8Array;
  #signer: Signer | undefined;
  #publicKey: PublicKey | undefined;
  #wiped = false;

  private constructor(seed: Uint8Array) {
    this.#seed = seed;
  }

  /** A new key from the operating system's randomness, or from `random`. */
  static generate(random: RandomSource = systemRandom): PrivateKey {
    requireMethod(random, "bytes", "make a key", "the source of randomness");
    return new PrivateKey(random.bytes(KEY_LENGTH));
  }

  /** Reads the text that {@link reveal} gives. Throws `AuthError` `InvalidKeyFormat`. */
  static parse(text: string): PrivateKey {
    return new PrivateKey(parseKeyText(text));
  }

  /** Takes a copy of a 32-byte seed (RFC 8032). Throws `AuthError` `InvalidKeyFormat`. */
  static fromSeed(bytes: Uint8Array): PrivateKey {
    return new PrivateKey(checkKeyLength(bytes).slice());
  }

  /** As {@link fromSeed}, for an algorithm by name; only `"ed25519"` is known. */
  static fromBytes(algorithm: string, bytes: Uint8Array): PrivateKey {
    checkAlgorithm(algorithm);
    return PrivateKey.fromSeed(bytes);
  }

  /** The public key. */
  get publicKey(): PublicKey {
    return this.#publicKey ??= PublicKey.fromBytes(this.#ready().publicKey);
  }

  /** The 64-byte signature of `data`; the same data gives the same signature. */
  sign(data: Uint8Array): Uint8Array {
    requireBytes(data, "sign", "the data");
    return this.#ready().sign(data);
  }

  /** A key of its own with the same seed: it lives on when this one is wiped. */
  clone(): PrivateKey {
    this.#checkWiped();
    const copy = new PrivateKey(this.#seed.slice());
    copy.#publicKey = this.#publicKey;
    return copy;
  }

  /** A copy of the 32-byte seed; wipe it after use. */
  toBytes(): Uint8Array {
    this.#checkWiped();
    return this.#seed.slice();
  }

  /** The secret text form, of the same shape as a public key's. It cannot be wiped: use it rarely. */
  reveal(): string {
    this.#checkWiped();
    return keyText(this.#seed);
  }

  /** Overwrites the seed. Signing and revealing throw `CryptoError` `KeyWiped` from then on. */
  wipe(): void {
    this.#wiped = true;
    this.#seed.fill(0);
    this.#signer?.wipe();
    this.#signer = undefined;
  }

  /** Says that this is a private key, and nothing about it. */
  toString(): string {
    return REDACTED;
  }

  /** As {@link toString}: a key does not slip into JSON. */
  toJSON(): string {
    return REDACTED;
  }

  #ready(): Signer {
    this.#checkWiped();
    return this.#signer ??= core().ed25519.signer(this.#seed);
  }

  #checkWiped(): void {
    if (!this.#wiped) return;
    throw new CryptoError("KeyWiped", "Cannot use a private key that was wiped");
  }
}

setPrinter(PrivateKey, "PrivateKey", String);

/** A new private key and its public key. The crypto core must be ready. */
export function generateKeypair(
  random: RandomSource = systemRandom,
): { privateKey: PrivateKey; publicKey: PublicKey } {
  const privateKey = PrivateKey.generate(random);
  return { privateKey, publicKey: privateKey.publicKey };
}

/** The signature of `data` as base64 text of 88 characters, the form entries carry. */
export function signData(data: Uint8Array, key: PrivateKey): string {
  return encodeBase64(key.sign(data));
}

/** The error of every signature that is not accepted. */
export function invalidSignature(): AuthError {
  return new AuthError("InvalidSignature", "Cannot accept the signature: it does not verify");
}
