/**
 * The text form of keys: `ed25519:` and the standard padded base64 of 32 bytes (02 §2.1, 2.2). Public and
 * private keys share it, so the text alone does not tell which one it is, and no error quotes it.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "../util/base64.ts";
import { AuthError } from "../util/errors.ts";

/** The only algorithm there is. */
export const KEY_ALGORITHM = "ed25519";
/** Bytes of a public key and of a private key's seed. */
export const KEY_LENGTH = 32;

const PREFIX = `${KEY_ALGORITHM}:`;
const TEXT_LENGTH = PREFIX.length + 4 * Math.ceil(KEY_LENGTH / 3);

/** The text form of 32 bytes. */
export function keyText(bytes: Uint8Array): string {
  return PREFIX + encodeBase64(bytes);
}

/** The 32 bytes of a text form. Throws `AuthError` `InvalidKeyFormat`. */
export function parseKeyText(text: string): Uint8Array {
  if (typeof text !== "string") throw badFormat("a key is read from a text");
  if (!text.startsWith(PREFIX)) throw badFormat(`a key starts with "${PREFIX}"`);
  if (text.length !== TEXT_LENGTH) {
    throw badFormat(`a key has ${TEXT_LENGTH} characters, not ${text.length}`);
  }
  return checkKeyLength(decode(text.slice(PREFIX.length)));
}

/** Returns `bytes` if they are 32. Throws `AuthError` `InvalidKeyFormat` otherwise. */
export function checkKeyLength(bytes: Uint8Array): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw badFormat("a key is read from a Uint8Array");
  if (bytes.length === KEY_LENGTH) return bytes;
  throw badFormat(`a key has ${KEY_LENGTH} bytes, not ${bytes.length}`);
}

/** Throws `AuthError` `InvalidKeyFormat` unless the algorithm is known. */
export function checkAlgorithm(algorithm: string): void {
  if (algorithm === KEY_ALGORITHM) return;
  throw badFormat(`the algorithm is "${algorithm}", not "${KEY_ALGORITHM}"`);
}

function decode(text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (cause) {
    throw badFormat("a key is standard padded base64", cause);
  }
}

function badFormat(reason: string, cause?: unknown): AuthError {
  return new AuthError("InvalidKeyFormat", `Cannot read a key: ${reason}`, {
    fields: { reason },
    cause,
  });
}
