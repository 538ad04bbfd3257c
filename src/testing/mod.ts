/**
 * For tests: the conformance suite of storage drivers, a clock that stands still, and several instances on a
 * network in memory.
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

export * from "./cluster.ts";
export * from "./fixed_clock.ts";
export * from "./schedule.ts";
export * from "./sim_network.ts";
export { type OpenStorage, testStorage } from "./storage.ts";
