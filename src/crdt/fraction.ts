/**
 * Exact rational numbers for list positions: order, and the simplest fraction in a gap.
 *
 * A fraction is numerator / denominator with 64-bit parts; the order is that of the cross products
 * `n1·d2` and `n2·d1`, which need up to 128 bits (03 §3.3).
 *
 * @module
 */
import type { Int } from "./value.ts";

/** numerator / denominator; the denominator is not negative. */
export interface Fraction {
  /** Signed 64-bit numerator. */
  readonly numerator: Int;
  /** Unsigned 64-bit denominator. */
  readonly denominator: Int;
}

/** Exact order of two fractions by cross multiplication: negative, zero or positive. */
export function compareFractions(a: Fraction, b: Fraction): number {
  const { numerator: an, denominator: ad } = a;
  const { numerator: bn, denominator: bd } = b;
  if (
    typeof an === "number" && typeof ad === "number" &&
    typeof bn === "number" && typeof bd === "number"
  ) {
    const left = an * bd;
    const right = bn * ad;
    if (Number.isSafeInteger(left) && Number.isSafeInteger(right)) return left - right;
  }
  const left = BigInt(an) * BigInt(bd);
  const right = BigInt(bn) * BigInt(ad);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Largest integer ≤ n/d, for d > 0. */
export function floorDiv(n: bigint, d: bigint): bigint {
  const quotient = n / d;
  return n % d < 0n ? quotient - 1n : quotient;
}

/** Greatest common divisor of two non-negative integers. */
export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

type Pair = readonly [numerator: bigint, denominator: bigint];

/**
 * The fraction strictly between two (low < high, denominators > 0) that has the smallest denominator
 * and, among these, the numerator nearest to zero. If it does not fit some width, nothing in the gap does.
 */
export function simplestBetween(low: Pair, high: Pair): Pair {
  if (low[0] < 0n && high[0] > 0n) return [0n, 1n];
  if (high[0] > 0n) return simplestPositive(low, high);
  const [numerator, denominator] = simplestPositive([-high[0], high[1]], [-low[0], low[1]]);
  return [-numerator, denominator];
}

/** As {@link simplestBetween} for 0 ≤ low; `high` may be 1/0, infinity. Walks the Stern–Brocot tree. */
function simplestPositive(low: Pair, high: Pair): Pair {
  const floor = low[0] / low[1];
  if ((floor + 1n) * high[1] < high[0]) return [floor + 1n, 1n];
  // No integer lies between: both are in [floor, floor + 1]. Look at the reciprocals of what is above it.
  const above: Pair = [low[1], low[0] - floor * low[1]];
  const below: Pair = [high[1], high[0] - floor * high[1]];
  const [numerator, denominator] = simplestPositive(below, above);
  return [floor * numerator + denominator, numerator];
}
