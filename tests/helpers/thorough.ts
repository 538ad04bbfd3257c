/**
 * How thorough the tests are: `EIDETICA_THOROUGH=10` makes random tests try ten times as many cases, and
 * every runtime repeat what one of them does for all.
 *
 * @module
 */

import process from "node:process";

/** How many times as many cases as usual. */
export const THOROUGH: number = Number(process.env.EIDETICA_THOROUGH ?? 1);
if (!(THOROUGH > 0 && THOROUGH < Infinity)) {
  throw new Error(`Cannot test: EIDETICA_THOROUGH is "${THOROUGH}" and must be a number above 0`);
}

/** How many cases a random test tries that usually tries so many. */
export function cases(usual: number): number {
  return Math.ceil(usual * THOROUGH);
}

/** How many milliseconds a test may take which tries so many cases, and usually may take so many. */
export function timeLimit(usual: number): number {
  return usual * Math.max(1, THOROUGH);
}
