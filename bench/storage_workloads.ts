/**
 * What is measured of storages.
 *
 * @module
 */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Database, DocStore, Instance } from "../mod.ts";
import type { StorageDriver } from "../src/storage/driver.ts";
import { fileStorage } from "../src/storage/file/mod.ts";
import { sqliteStorage } from "../src/storage/sqlite/mod.ts";
import { bed } from "./bed.ts";
import { commitMany } from "./workloads.ts";

/** Storages in files, which this process opens without any server. */
export type LocalPlace = "sqlite" | "file";

/** How many keys a history writes again and again: a long history of a small state. */
const KEYS = 1000;

/** Where a bed keeps a storage of a kind. */
function pathOf(place: LocalPlace, folder: string): string {
  return join(folder, place === "sqlite" ? "bench.db" : "store");
}

/** Opens the storage of a closed bed. */
export function openStorage(place: LocalPlace, folder: string): Promise<StorageDriver> {
  const path = pathOf(place, folder);
  return place === "sqlite" ? sqliteStorage(path) : fileStorage(path);
}

/** A closed storage that holds a history of `count` entries, and how to remove it. */
export async function history(
  place: LocalPlace,
  count: number,
): Promise<{ readonly folder: string; remove(): void }> {
  const { instance, database, folder } = await bed(place);
  for (let left = count; left > 0; left -= KEYS) {
    await commitMany(database, 0, Math.min(left, KEYS));
  }
  await instance.close();
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Opens an instance that is there and its database, and commits once; returns the milliseconds. */
export async function openAndCommit(place: LocalPlace, folder: string): Promise<number> {
  const started = performance.now();
  const { instance, database } = await open(place, folder);
  await database.withTransaction(async (transaction) => {
    await (await transaction.getStore(DocStore, "data")).set("key_1", "after");
  });
  const time = performance.now() - started;
  await instance.close();
  return time;
}

/** Opens an instance that is there, and its database. */
export async function open(
  place: LocalPlace,
  folder: string,
): Promise<{ instance: Instance; database: Database }> {
  const instance = await Instance.openBackend(await openStorage(place, folder));
  const user = await instance.loginUser("bench_user");
  const [database] = await user.findDatabase("bench");
  return { instance, database: database! };
}

/** Reads everything that a storage holds; returns how many pairs that is. */
export async function scan(storage: StorageDriver): Promise<number> {
  let pairs = 0;
  const range = { start: new Uint8Array(), end: new Uint8Array(64).fill(0xff) };
  for await (const page of storage.list(range)) pairs += page.length;
  return pairs;
}
