import { core } from "../../../wasm/mod.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { concat } from "../../util/bytes.ts";
import { type Clock, SystemClock } from "../../util/clock.ts";
import { FRESHNESS_MS, MAX_NONCES } from "./limits.ts";
import type { NonceLedger, NonceVerdict } from "./port.ts";

/** How long a bucket is, in milliseconds. */
const BUCKET_MS = 5_000;

/** How a {@link NonceStore} is made. */
export interface NonceStoreOptions {
  /** Tells the time; the computer's clock unless told. */
  readonly clock?: Clock | undefined;
  /** Most nonces that are remembered; {@link MAX_NONCES} unless told. */
  readonly limit?: number | undefined;
}

/**
 * Remembers the nonces of valid requests as long as these are fresh, so that none is served twice. One store
 * serves all transports of a node.
 *
 * Nonces lie in buckets by the time of their requests; a bucket is dropped when nothing in it can be fresh. When
 * the store is full, the bucket farthest from now is closed: its nonces are forgotten and requests of that time
 * are refused, so that memory is bounded and nothing is served twice even under a flood. An honest sender, whose
 * time is about now, is refused last.
 */
export class NonceStore implements NonceLedger {
  readonly #clock: Clock;
  readonly #limit: number;
  /** By number; undefined for one that is closed. */
  readonly #buckets = new Map<number, Set<string> | undefined>();
  #size = 0;

  /** An empty store. */
  constructor({ clock = new SystemClock(), limit = MAX_NONCES }: NonceStoreOptions = {}) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** How many nonces are remembered. */
  get size(): number {
    return this.#size;
  }

  /** Spends the nonce of a valid, fresh request, unless it was spent before. */
  spend(key: PublicKey, nonce: Uint8Array, timestampMs: number): NonceVerdict {
    const now = this.#clock.nowMillis();
    this.#dropStale(now);
    const id = idOf(key, nonce);
    for (const bucket of this.#buckets.values()) if (bucket?.has(id) === true) return "spent";
    const bucket = this.#bucketFor(Math.floor(timestampMs / BUCKET_MS), now);
    if (bucket === undefined) return "crowded";
    bucket.add(id);
    this.#size++;
    return "fresh";
  }

  #dropStale(now: number): void {
    for (const [number, bucket] of this.#buckets) {
      const start = number * BUCKET_MS;
      if (start - now <= FRESHNESS_MS && now - (start + BUCKET_MS - 1) <= FRESHNESS_MS) continue;
      this.#buckets.delete(number);
      this.#size -= bucket?.size ?? 0;
    }
  }

  /** The bucket of a number with room for one more; undefined when it is closed, or must be. */
  #bucketFor(number: number, now: number): Set<string> | undefined {
    if (this.#buckets.has(number) && this.#buckets.get(number) === undefined) return undefined;
    const present = Math.floor(now / BUCKET_MS);
    while (this.#size >= this.#limit) {
      const farthest = this.#farthest(number, present);
      this.#size -= this.#buckets.get(farthest)?.size ?? 0;
      this.#buckets.set(farthest, undefined);
      if (farthest === number) return undefined;
    }
    const bucket = this.#buckets.get(number) ?? new Set();
    this.#buckets.set(number, bucket);
    return bucket;
  }

  /** The number of the open bucket farthest from now, `number` being one of them. */
  #farthest(number: number, present: number): number {
    let farthest = number;
    for (const [other, bucket] of this.#buckets) {
      const isFarther = Math.abs(other - present) > Math.abs(farthest - present);
      if (bucket !== undefined && isFarther) farthest = other;
    }
    return farthest;
  }
}

/** Names a key and a nonce of any length in 32 characters. */
function idOf(key: PublicKey, nonce: Uint8Array): string {
  return String.fromCharCode(...core().blake3(concat(key.bytes, nonce)));
}
