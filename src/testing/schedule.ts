/**
 * Choices that a seed decides: the same seed gives the same choices on every runtime.
 *
 * ```text
 * state  seed × 9E3779B97F4A7C15 | 1; next: x ^= x >> 12, x ^= x << 25, x ^= x >> 27; gives x × 2545F4914F6CDD1D
 * ```
 *
 * all modulo 2^64.
 *
 * @module
 */

const MASK = (1n << 64n) - 1n;

/** A generator of choices (xorshift64*). */
export class Schedule {
  /** What it began with; print it when a test fails. */
  readonly seed: number;
  #state: bigint;

  /** The choices of a seed. */
  constructor(seed: number) {
    this.seed = seed;
    this.#state = (BigInt(seed) * 0x9E3779B97F4A7C15n & MASK) | 1n;
  }

  /** 64 random bits. */
  next(): bigint {
    let x = this.#state;
    x ^= x >> 12n;
    x = (x ^ (x << 25n)) & MASK;
    x ^= x >> 27n;
    this.#state = x;
    return x * 0x2545F4914F6CDD1Dn & MASK;
  }

  /** A number from 0 to less than `count`. */
  below(count: number): number {
    return Number(this.next() % BigInt(count));
  }

  /** True so many times out of a hundred. */
  percent(chance: number): boolean {
    return this.below(100) < chance;
  }

  /** One of some items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** The items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let at = copy.length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      [copy[at], copy[other]] = [copy[other]!, copy[at]!];
    }
    return copy;
  }
}
