/**
 * The configuration of an encrypted store, in the clear in `_index` (04 §9.2): an atomic document.
 *
 * ```text
 * encryption     { algorithm "aes-256-gcm", kdf "argon2id", salt, version "v0",
 *                  argon2_m_cost KiB, argon2_t_cost, argon2_p_cost }
 * wrapped_config { ciphertext base64, nonce base64 }
 * ```
 *
 * The salt is 22 characters of unpadded base64, and its text, not what it stands for, is the salt of
 * Argon2. The wrapped configuration is the JSON `{"type":…,"config":…}` of the store inside.
 *
 * @module
 */

import { Doc } from "../crdt/doc.ts";
import { decodeBase64, encodeBase64 } from "../util/base64.ts";
import { StoreError } from "../util/errors.ts";
import type { DerivationCosts } from "../keys/sealed.ts";

/** What is needed to open an encrypted store, but for the password. */
export interface PasswordConfig {
  /** Salt of the key derivation. */
  readonly salt: string;
  /** Cost of the key derivation. */
  readonly costs: DerivationCosts;
  /** Type and configuration of the store inside, encrypted. */
  readonly ciphertext: Uint8Array;
  /** Nonce of that encryption. */
  readonly nonce: Uint8Array;
}

/** Costs that are written, and assumed where none are. */
export const DEFAULT_COSTS: DerivationCosts = Object.freeze({
  memoryKiB: 19_456,
  iterations: 2,
  parallelism: 1,
});

/**
 * Most that a derivation may cost. Costs come with the data of strangers; higher ones are refused before
 * anything is derived: 256 MiB is 13 times what is written.
 */
export const MAX_COSTS: DerivationCosts = Object.freeze({
  memoryKiB: 262_144,
  iterations: 16,
  parallelism: 16,
});

const ALGORITHM = "aes-256-gcm";
const KDF = "argon2id";
const VERSION = "v0";

/** The configuration as it is stored. */
export function writePasswordConfig(config: PasswordConfig): Doc {
  return Doc.atomic({
    encryption: {
      algorithm: ALGORITHM,
      kdf: KDF,
      salt: config.salt,
      version: VERSION,
      argon2_m_cost: config.costs.memoryKiB,
      argon2_t_cost: config.costs.iterations,
      argon2_p_cost: config.costs.parallelism,
    },
    wrapped_config: {
      ciphertext: encodeBase64(config.ciphertext),
      nonce: encodeBase64(config.nonce),
    },
  });
}

/** Reads a stored configuration; undefined for an empty one: the store is not initialized. */
export function readPasswordConfig(store: string, config: Doc): PasswordConfig | undefined {
  if (config.isEmpty()) return undefined;
  const text = (path: string): string => {
    const value = config.getString(path);
    if (value === undefined) throw damaged(store, `"${path}" is missing`);
    return value;
  };
  const algorithm = text("encryption.algorithm");
  const kdf = text("encryption.kdf");
  if (algorithm !== ALGORITHM) throw unsupported(store, `the algorithm "${algorithm}"`);
  if (kdf !== KDF) throw unsupported(store, `the key derivation "${kdf}"`);
  text("encryption.version"); // must be there; which one it is does not matter (04 §9.1)
  return {
    salt: text("encryption.salt"),
    costs: {
      memoryKiB: cost(store, config, "m", DEFAULT_COSTS.memoryKiB),
      iterations: cost(store, config, "t", DEFAULT_COSTS.iterations),
      parallelism: cost(store, config, "p", DEFAULT_COSTS.parallelism),
    },
    ciphertext: bytes(store, text("wrapped_config.ciphertext")),
    nonce: bytes(store, text("wrapped_config.nonce")),
  };
}

function cost(store: string, config: Doc, letter: string, fallback: number): number {
  const value = config.getInt(`encryption.argon2_${letter}_cost`);
  if (value === undefined) return fallback;
  const number = Number(value);
  if (number >= 0 && number < 2 ** 32) return number;
  throw damaged(store, `a cost is ${value}, which does not fit 32 bits`);
}

function bytes(store: string, text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch {
    throw damaged(store, "a part of it is not base64");
  }
}

function damaged(store: string, reason: string): StoreError {
  const message = `Cannot read the configuration of the encrypted store "${store}": ${reason}`;
  return new StoreError("DeserializationFailed", message, { fields: { store, reason } });
}

function unsupported(store: string, what: string): StoreError {
  const reason = `${what} is not supported`;
  return new StoreError("InvalidConfiguration", `Cannot open the store "${store}": ${reason}`, {
    fields: { store, reason },
  });
}
