/**
 * BLAKE3 and SHA-256 by the code of hash-wasm. One instance serves all calls: nothing waits between the
 * first byte that goes in and the hash that comes out.
 *
 * @module
 */

import type { Hash } from "./types.ts";

/** Bytes of a hash. */
const LENGTH = 32;
/** Bytes that a module takes at a time. */
const BUFFER_BYTES = 16_384;
/** BLAKE3 without a key. */
const WITHOUT_KEY = 0;
/** SHA-256 rather than SHA-224, which is the same code. */
const BITS_256 = 256;

interface HashExports {
  readonly memory: WebAssembly.Memory;
  Hash_GetBuffer(): number;
  Hash_Init(kind: number): void;
  Hash_Update(length: number): void;
  Hash_Final(length: number): void;
  Hash_Calculate(length: number, kind: number, hashLength: number): void;
}

/** BLAKE3 over what its module exports. */
export function wasmBlake3(exports: WebAssembly.Exports): Hash {
  return hashWith(exports as unknown as HashExports, WITHOUT_KEY);
}

/** SHA-256 over what its module exports. */
export function wasmSha256(exports: WebAssembly.Exports): Hash {
  return hashWith(exports as unknown as HashExports, BITS_256);
}

function hashWith(wasm: HashExports, kind: number): Hash {
  const buffer = new Uint8Array(wasm.memory.buffer, wasm.Hash_GetBuffer(), BUFFER_BYTES);
  return (data) => {
    if (data.length <= BUFFER_BYTES) {
      buffer.set(data);
      wasm.Hash_Calculate(data.length, kind, LENGTH);
    } else hashParts(wasm, kind, buffer, data);
    return buffer.slice(0, LENGTH);
  };
}

function hashParts(wasm: HashExports, kind: number, buffer: Uint8Array, data: Uint8Array): void {
  wasm.Hash_Init(kind);
  for (let start = 0; start < data.length; start += BUFFER_BYTES) {
    const part = data.subarray(start, start + BUFFER_BYTES);
    buffer.set(part);
    wasm.Hash_Update(part.length);
  }
  wasm.Hash_Final(LENGTH);
}
