/**
 * Ed25519 and SHA-512 by the code of libsodium in WASM, which imports nothing.
 *
 * The module uses its own data and stack and no more; what its memory grows by is ours to pass bytes in:
 *
 * ```text
 * base  +0 seed, 32 · +32 public key, 32 · +64 private key, 64 · +128 signature or hash, 64 · +192 data
 * ```
 *
 * @module
 */

import { keyWiped } from "./lengths.ts";
import type { Ed25519Engine, Signer } from "./types.ts";

const PUBLIC_KEY = 32;
const PRIVATE_KEY = 64;
const RESULT = 128;
const DATA = 192;
const PAGE = 65_536;

/** Lengths are 64-bit integers in two halves. */
interface Sodium {
  readonly memory: WebAssembly.Memory;
  crypto_sign_seed_keypair(publicKey: number, privateKey: number, seed: number): number;
  crypto_sign_detached(
    signature: number,
    signatureLength: number,
    data: number,
    length: number,
    lengthHigh: number,
    privateKey: number,
  ): number;
  crypto_sign_verify_detached(
    signature: number,
    data: number,
    length: number,
    lengthHigh: number,
    publicKey: number,
  ): number;
  crypto_hash(hash: number, data: number, length: number, lengthHigh: number): number;
}

/** The engine over what the module exports. */
export function wasmEd25519(exports: WebAssembly.Exports): Ed25519Engine {
  const scratch = new Scratch(exports as unknown as Sodium);
  return {
    name: "wasm",
    signer: (seed) => wasmSigner(scratch, scratch.keyPair(seed)),
    verifyOrdinary: (publicKey, data, signature) => scratch.verify(publicKey, data, signature),
    sha512: (data) => scratch.sha512(data),
  };
}

interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** The memory behind that of the module, in which its functions find their arguments. */
class Scratch {
  readonly #sodium: Sodium;
  readonly #base: number;
  #bytes: Uint8Array;

  constructor(sodium: Sodium) {
    this.#sodium = sodium;
    this.#base = sodium.memory.buffer.byteLength;
    this.#bytes = new Uint8Array(sodium.memory.buffer, this.#base);
  }

  keyPair(seed: Uint8Array): KeyPair {
    const base = this.#place(0);
    this.#bytes.set(seed);
    this.#sodium.crypto_sign_seed_keypair(base + PUBLIC_KEY, base + PRIVATE_KEY, base);
    const publicKey = this.#bytes.slice(PUBLIC_KEY, PRIVATE_KEY);
    const privateKey = this.#bytes.slice(PRIVATE_KEY, RESULT);
    this.#bytes.fill(0, 0, RESULT);
    return { publicKey, privateKey };
  }

  sign(privateKey: Uint8Array, data: Uint8Array): Uint8Array {
    const base = this.#place(data.length);
    this.#bytes.set(privateKey, PRIVATE_KEY);
    this.#bytes.set(data, DATA);
    const { length } = data;
    this.#sodium.crypto_sign_detached(base + RESULT, 0, base + DATA, length, 0, base + PRIVATE_KEY);
    this.#bytes.fill(0, PRIVATE_KEY, RESULT);
    return this.#bytes.slice(RESULT, DATA);
  }

  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
    const base = this.#place(data.length);
    this.#bytes.set(publicKey, PUBLIC_KEY);
    this.#bytes.set(signature, RESULT);
    this.#bytes.set(data, DATA);
    const { length } = data;
    const [at, key] = [base + RESULT, base + PUBLIC_KEY];
    return this.#sodium.crypto_sign_verify_detached(at, base + DATA, length, 0, key) === 0;
  }

  sha512(data: Uint8Array): Uint8Array {
    const base = this.#place(data.length);
    this.#bytes.set(data, DATA);
    this.#sodium.crypto_hash(base + RESULT, base + DATA, data.length, 0);
    return this.#bytes.slice(RESULT, DATA);
  }

  /** Where the arguments begin, with room for so much data behind them. */
  #place(length: number): number {
    const missing = DATA + length - this.#bytes.length;
    if (missing > 0) {
      this.#sodium.memory.grow(Math.ceil(missing / PAGE));
      this.#bytes = new Uint8Array(this.#sodium.memory.buffer, this.#base);
    }
    return this.#base;
  }
}

function wasmSigner(scratch: Scratch, { publicKey, privateKey }: KeyPair): Signer {
  let wiped = false;
  return {
    publicKey,
    sign: (data) => {
      if (wiped) throw keyWiped();
      return scratch.sign(privateKey, data);
    },
    wipe: () => {
      wiped = true;
      privateKey.fill(0);
    },
  };
}
