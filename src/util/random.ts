/**
 * Randomness, injected wherever it is needed so that tests may repeat it.
 *
 * @module
 */

import { toHex } from "./hex.ts";

/** A source of random bytes; the one of an application must be fit for secrets. */
export interface RandomSource {
  /** A new array of `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** Bytes that `crypto.getRandomValues` fills at most in one call. */
const MAX_FILL = 65536;

/** The operating system's generator, fit for keys. */
export const systemRandom: RandomSource = Object.freeze({
  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let start = 0; start < length; start += MAX_FILL) {
      crypto.getRandomValues(out.subarray(start, start + MAX_FILL));
    }
    return out;
  },
});

/** A random integer between 0 and 2^64 − 1. */
export function randomU64(random: RandomSource): bigint {
  const bytes = random.bytes(8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}

/** A random UUID of version 4, lower case with hyphens (RFC 9562). */
export function uuidV4(random: RandomSource): string {
  // The runtime draws from the same generator, for many at once. Other sources are asked for their bytes.
  if (random === systemRandom) {
    const uuid = ownUuid();
    if (uuid !== undefined) return uuid;
  }
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return hyphenate(toHex(bytes));
}

/** Looked up late: Node loads its cryptography when `crypto` is named for the first time. */
let randomUUID: Crypto["randomUUID"] | undefined;

/** A UUID of the runtime; browsers make them in secure contexts alone. */
function ownUuid(): string | undefined {
  randomUUID ??= (crypto as Partial<Crypto>).randomUUID;
  return randomUUID?.call(crypto);
}

/** 32 digits in the five groups of a UUID. */
export function hyphenate(hex: string): string {
  const [a, b, c, d, e] = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return `${a}-${b}-${c}-${d}-${e}`;
}
