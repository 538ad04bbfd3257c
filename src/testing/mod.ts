/**
 * For tests: the conformance suite of storage drivers and a clock that stands still.
 *
 * ```ts
 * import { FixedClock } from "eidetica/testing";
 *
 * const clock = new FixedClock();
 * if (clock.nowMillis() !== 1704067200000) throw new Error("2024 begins");
 * ```
 *
 * @module
 */

export * from "./fixed_clock.ts";
export { type OpenStorage, testStorage } from "./storage.ts";
