/**
 * Private keys under a password (08 §4).
 *
 * - Salt: 16 random bytes as 22 characters of unpadded base64. Argon2id is fed these 22 characters, not
 *   the 16 bytes.
 * - Key: Argon2id, version 0x13, of the password's UTF-8 bytes; 32 bytes.
 * - Sealed key: AES-256-GCM of the key's text (`ed25519:` and base64, 52 bytes) under a fresh 12-byte
 *   nonce, no associated data, the 16-byte tag behind the ciphertext; 68 bytes.
 *
 * @module
 */

import { type Argon2idOptions, core } from "../../wasm/mod.ts";
import { requireText } from "../util/arguments.ts";
import { encodeBase64NoPad } from "../util/base64.ts";
import { fromUtf8, utf8 } from "../util/bytes.ts";
import { CryptoError, UserError } from "../util/errors.ts";
import { type RandomSource, systemRandom } from "../util/random.ts";
import { PrivateKey } from "./private_key.ts";

/** Random bytes behind a salt. */
const SALT_BYTES = 16;
/** Characters of a salt. */
const SALT_LENGTH = 22;
const SALT_CHARACTERS = /^[A-Za-z0-9/+.-]*$/;
const NONCE_LENGTH = 12;
const KEY_LENGTH = 32;

/** How much work a derivation is. */
export type DerivationCosts = Omit<Argon2idOptions, "length">;

/** The costs that user records use. */
export const USER_KEY_COSTS: DerivationCosts = Object.freeze({
  memoryKiB: 19_456,
  iterations: 2,
  parallelism: 1,
});

/** A private key encrypted under a derived key. */
export interface SealedKey {
  /** The encrypted text of the key and the tag behind it: 68 bytes. */
  readonly ciphertext: Uint8Array;
  /** The 12-byte nonce. */
  readonly nonce: Uint8Array;
}

/** A new salt of 22 characters. */
export function newSalt(random: RandomSource = systemRandom): string {
  return encodeBase64NoPad(random.bytes(SALT_BYTES));
}

/**
 * The 32-byte key of a password and the salt's text. The crypto core must be ready.
 *
 * Throws `UserError` `InvalidSaltLength` (fields `expected`, `actual`) or, for a foreign character in the
 * salt, `EncryptionFailed` (field `reason`).
 */
export async function deriveKey(
  password: string,
  salt: string,
  costs: DerivationCosts = USER_KEY_COSTS,
): Promise<Uint8Array> {
  requireText(password, "derive a key", "the password");
  const saltBytes = checkSalt(salt);
  const passwordBytes = utf8(password);
  try {
    return await core().argon2id(passwordBytes, saltBytes, { ...costs, length: KEY_LENGTH });
  } finally {
    passwordBytes.fill(0);
  }
}

/**
 * Encrypts a private key under a derived key, with a fresh nonce each time. The crypto core must be ready.
 *
 * Throws `UserError` `EncryptionFailed` (field `reason`) if the derived key does not have 32 bytes.
 */
export async function sealPrivateKey(
  key: PrivateKey,
  derived: Uint8Array,
  random: RandomSource = systemRandom,
): Promise<SealedKey> {
  checkDerived("EncryptionFailed", derived);
  const nonce = random.bytes(NONCE_LENGTH);
  const plain = utf8(key.reveal());
  try {
    return { ciphertext: await core().seal(derived, nonce, plain), nonce };
  } finally {
    plain.fill(0);
  }
}

/**
 * Undoes {@link sealPrivateKey}. The crypto core must be ready.
 *
 * Throws `UserError` `InvalidNonceLength` (fields `expected`, `actual`) or `DecryptionFailed` (field
 * `reason`): wrong password, changed bytes, or no key inside.
 */
export async function openPrivateKey(sealed: SealedKey, derived: Uint8Array): Promise<PrivateKey> {
  checkDerived("DecryptionFailed", derived);
  checkNonce(sealed.nonce);
  const plain = await decrypt(sealed, derived);
  try {
    return PrivateKey.parse(fromUtf8(plain));
  } catch {
    // The cause is not kept: it could describe the plaintext.
    throw failure("DecryptionFailed", "the decrypted bytes are not a private key");
  } finally {
    plain.fill(0);
  }
}

async function decrypt({ ciphertext, nonce }: SealedKey, derived: Uint8Array): Promise<Uint8Array> {
  try {
    return await core().open(derived, nonce, ciphertext);
  } catch (cause) {
    if (!(cause instanceof CryptoError) || cause.code !== "DecryptionFailed") throw cause;
    throw failure("DecryptionFailed", "wrong password, or the sealed key was changed", cause);
  }
}

function checkSalt(salt: string): Uint8Array {
  const bytes = utf8(salt);
  checkLength("InvalidSaltLength", "salt", bytes, SALT_LENGTH);
  if (SALT_CHARACTERS.test(salt)) return bytes;
  throw failure("EncryptionFailed", "invalid salt format: a character is not of base64");
}

function checkNonce(nonce: Uint8Array): void {
  checkLength("InvalidNonceLength", "nonce", nonce, NONCE_LENGTH);
}

function checkLength(code: string, what: string, bytes: Uint8Array, expected: number): void {
  const actual = bytes.length;
  if (actual === expected) return;
  const message = `Cannot use the ${what}: it has ${actual} bytes and must have ${expected}`;
  throw new UserError(code, message, { fields: { expected, actual } });
}

function checkDerived(code: "EncryptionFailed" | "DecryptionFailed", derived: Uint8Array): void {
  if (derived.length === KEY_LENGTH) return;
  throw failure(code, `the derived key has ${derived.length} bytes and must have ${KEY_LENGTH}`);
}

function failure(
  code: "EncryptionFailed" | "DecryptionFailed",
  reason: string,
  cause?: unknown,
): UserError {
  const action = code === "EncryptionFailed" ? "encrypt" : "decrypt";
  return new UserError(code, `Cannot ${action} a private key: ${reason}`, {
    fields: { reason },
    cause,
  });
}
