/**
 * The storage port: write a driver of your own against it, and check it with `eidetica/testing`.
 *
 * ```ts
 * import type { StorageDriver } from "eidetica/storage";
 * import { memoryStorage } from "eidetica/storage/memory";
 *
 * const driver: StorageDriver = memoryStorage();
 * await driver.commit({ set: [[Uint8Array.of(1), Uint8Array.of(2)]] });
 * await driver.close();
 * ```
 *
 * @module
 */

export * from "./driver.ts";
export { type ApplyGroup, GroupCommit } from "./group_commit.ts";
