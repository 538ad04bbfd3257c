/**
 * Argon2id, version 0x13 (RFC 9106): bounds of its parameters, and two engines.
 *
 * @module
 */

import { CryptoError } from "../src/util/errors.ts";
import { compilesBytes } from "./modules.ts";
import type { Argon2id, Argon2idOptions } from "./types.ts";

/** Most memory one derivation may take, in KiB: costs may come from a peer's document. */
export const MAX_MEMORY_KIB = 1_048_576;
/** Most passes over the memory. */
export const MAX_ITERATIONS = 64;
/** Most lanes. */
export const MAX_PARALLELISM = 255;
/** Longest result in bytes. */
export const MAX_LENGTH = 1_024;
/** Shortest salt in bytes that Argon2 allows. */
export const MIN_SALT_LENGTH = 8;

/** Argon2id by hash-wasm, which is loaded by the first derivation; blocks while it computes. */
const wasmArgon2id: Argon2id = async (password, salt, options) => {
  // hash-wasm refuses the empty password, which is a password like any other (08 §1).
  if (password.length === 0) return await javascriptArgon2id(password, salt, options);
  const { argon2id } = await import("./hash_wasm_argon2.ts");
  return await argon2id({
    password,
    salt,
    iterations: options.iterations,
    parallelism: options.parallelism,
    memorySize: options.memoryKiB,
    hashLength: options.length,
    outputType: "binary",
  });
};

/** Argon2id by @noble/hashes, which is loaded by the first derivation and lets other work run in between. */
export const javascriptArgon2id: Argon2id = async (password, salt, options) => {
  const { argon2idAsync } = await import("@noble/hashes/argon2.js");
  return await argon2idAsync(password, salt, {
    m: options.memoryKiB,
    t: options.iterations,
    p: options.parallelism,
    dkLen: options.length,
    maxmem: 2 ** 31,
  });
};

/** Argon2id by {@link wasmArgon2id} where bytes may be compiled, else by {@link javascriptArgon2id}. */
export const anyArgon2id: Argon2id = async (password, salt, options) => {
  const engine = await compilesBytes() ? wasmArgon2id : javascriptArgon2id;
  return await engine(password, salt, options);
};

/** Puts the bounds in front of an engine. */
export function boundedArgon2id(engine: Argon2id): Argon2id {
  return async (password, salt, options) => {
    checkParameters(salt, options);
    return await engine(password, salt, options);
  };
}

function checkParameters(salt: Uint8Array, options: Argon2idOptions): void {
  const { memoryKiB, iterations, parallelism, length } = options;
  check("parallelism", parallelism, 1, MAX_PARALLELISM);
  check("memoryKiB", memoryKiB, 8 * parallelism, MAX_MEMORY_KIB);
  check("iterations", iterations, 1, MAX_ITERATIONS);
  check("length", length, 4, MAX_LENGTH);
  check("salt length", salt.length, MIN_SALT_LENGTH, Number.MAX_SAFE_INTEGER);
}

function check(parameter: string, actual: number, min: number, max: number): void {
  if (Number.isInteger(actual) && actual >= min && actual <= max) return;
  const message =
    `Cannot derive a key: Argon2id ${parameter} is ${actual} and must be an integer ` +
    `between ${min} and ${max}`;
  throw new CryptoError("InvalidArgon2Parameters", message, {
    fields: { parameter, actual, min, max },
  });
}
