/**
 * Keys of encrypted stores: how they come from a password, and what they encrypt (04 §9.3, §9.5).
 *
 * @module
 */

import { core } from "../../wasm/mod.ts";
import type { DerivationCosts } from "../keys/sealed.ts";
import { requireText } from "../util/arguments.ts";
import { concat, utf8 } from "../util/bytes.ts";
import { StoreError } from "../util/errors.ts";
import type { RandomSource } from "../util/random.ts";
import type { Encryptor } from "./context.ts";
import { MAX_COSTS } from "./password_config.ts";

/** Bytes of a nonce of AES-GCM. */
export const NONCE_BYTES = 12;
/** Bytes of a tag of AES-GCM. */
export const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Argon2 needs 8 bytes; what is longer than 64 is no salt in the reference's text form. */
const SALT = /^[A-Za-z0-9/+.-]{8,64}$/;

/**
 * The key of a password. Argon2id is fed the salt's text as it is.
 *
 * Salt and costs may come from strangers. Throws `StoreError` `ImplementationError` if they make no
 * sense, `InvalidConfiguration` if they cost more than {@link MAX_COSTS}.
 */
export async function derivePasswordKey(
  store: string,
  password: string,
  salt: string,
  costs: DerivationCosts,
): Promise<Uint8Array> {
  requireText(password, `open the encrypted store "${store}"`, "the password");
  checkParameters(store, salt, costs);
  const bytes = utf8(password);
  try {
    return await core().argon2id(bytes, utf8(salt), { ...costs, length: KEY_BYTES });
  } finally {
    bytes.fill(0);
  }
}

function checkParameters(store: string, salt: string, costs: DerivationCosts): void {
  const { memoryKiB, iterations, parallelism } = costs;
  if (!SALT.test(salt)) throw refusal("ImplementationError", store, "its salt is not a salt");
  if (iterations < 1 || parallelism < 1 || memoryKiB < 8 * parallelism) {
    throw refusal("ImplementationError", store, "its derivation costs are too small");
  }
  for (const cost of ["memoryKiB", "iterations", "parallelism"] as const) {
    if (costs[cost] <= MAX_COSTS[cost]) continue;
    const reason = `its derivation cost ${cost} is ${costs[cost]}, at most ${MAX_COSTS[cost]}`;
    throw refusal("InvalidConfiguration", store, reason);
  }
}

function refusal(code: string, store: string, reason: string): StoreError {
  const message = `Cannot derive the key of the encrypted store "${store}": ${reason}`;
  return new StoreError(code, message, { fields: { store, reason } });
}

/** Payloads as nonce ‖ ciphertext ‖ tag, until the key is wiped. */
export class PayloadEncryptor implements Encryptor {
  readonly #store: string;
  readonly #random: RandomSource;
  #key: Uint8Array | undefined;

  /** Takes over `key`. */
  constructor(store: string, key: Uint8Array, random: RandomSource) {
    this.#store = store;
    this.#key = key;
    this.#random = random;
  }

  /** Whether there is no key any more. */
  get isWiped(): boolean {
    return this.#key === undefined;
  }

  /** See {@link Encryptor.wipe}. */
  wipe(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  /** See {@link Encryptor.encrypt}. */
  async encrypt(plaintext: Uint8Array): Promise<Uint8Array> {
    const nonce = this.#random.bytes(NONCE_BYTES);
    return concat(nonce, await core().seal(this.#usable(), nonce, plaintext));
  }

  /** See {@link Encryptor.decrypt}. */
  async decrypt(ciphertext: Uint8Array): Promise<Uint8Array> {
    const key = this.#usable();
    if (ciphertext.length < NONCE_BYTES) {
      throw this.#failure("DeserializationFailed", "it is shorter than a nonce");
    }
    const sealed = ciphertext.subarray(NONCE_BYTES);
    if (sealed.length < TAG_BYTES) throw this.#failure("ImplementationError", "it has no tag");
    try {
      return await core().open(key, ciphertext.subarray(0, NONCE_BYTES), sealed);
    } catch (cause) {
      const reason = "it was written under another key, or changed";
      throw this.#failure("ImplementationError", reason, cause);
    }
  }

  #usable(): Uint8Array {
    if (this.#key !== undefined) return this.#key;
    const operation = "inner";
    const reason = "it is locked, or its transaction was committed: open it in a transaction";
    const message = `Cannot use the encrypted store "${this.#store}": ${reason}`;
    throw new StoreError("InvalidOperation", message, {
      fields: { store: this.#store, operation, reason },
    });
  }

  #failure(code: string, reason: string, cause?: unknown): StoreError {
    const message = `Cannot decrypt a payload of the store "${this.#store}": ${reason}`;
    return new StoreError(code, message, { cause, fields: { store: this.#store, reason } });
  }
}
