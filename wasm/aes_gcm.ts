/**
 * AES-256-GCM by WebCrypto: a 12-byte nonce, no associated data, the 16-byte tag behind the ciphertext.
 *
 * @module
 */

import { CryptoError } from "../src/util/errors.ts";
import { checkLength } from "./lengths.ts";

/** Bytes of a key. */
export const KEY_LENGTH = 32;
/** Bytes of a nonce. */
export const NONCE_LENGTH = 12;

/** Encrypts `data`; see `CryptoCore.seal`. */
export async function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
): Promise<Uint8Array> {
  checkLengths(key, nonce);
  const cryptoKey = await importKey(key, "encrypt");
  return new Uint8Array(
    await crypto.subtle.encrypt(parameters(nonce), cryptoKey, data as BufferSource),
  );
}

/** Decrypts `data`; see `CryptoCore.open`. */
export async function open(
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
): Promise<Uint8Array> {
  checkLengths(key, nonce);
  const cryptoKey = await importKey(key, "decrypt");
  try {
    return new Uint8Array(
      await crypto.subtle.decrypt(parameters(nonce), cryptoKey, data as BufferSource),
    );
  } catch (cause) {
    const message = "Cannot decrypt: wrong key or nonce, or the data was changed";
    throw new CryptoError("DecryptionFailed", message, { cause });
  }
}

function checkLengths(key: Uint8Array, nonce: Uint8Array): void {
  checkLength("InvalidKeyLength", "AES-256-GCM key", key, KEY_LENGTH);
  checkLength("InvalidNonceLength", "AES-256-GCM nonce", nonce, NONCE_LENGTH);
}

function importKey(key: Uint8Array, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key as BufferSource, "AES-GCM", false, [usage]);
}

function parameters(nonce: Uint8Array): AesGcmParams {
  return { name: "AES-GCM", iv: nonce as BufferSource };
}
