/**
 * Storages for the suites. They run on the one that the variable `EIDETICA_STORAGE` names, in memory
 * by default: `npm test -- --storage postgres`.
 *
 * @module
 */

import process from "node:process";
import { after } from "node:test";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { denoKvStorage } from "../../src/storage/deno_kv/mod.ts";
import { fileStorage } from "../../src/storage/file/mod.ts";
import { postgresStorage } from "../../src/storage/postgres/mod.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { newName, newPath, serverUrl, urlOf } from "./shared.ts";

/** How to get a new, empty storage of each kind. */
const OPEN: Readonly<Record<string, () => Promise<StorageDriver>>> = {
  memory: () => Promise.resolve(memoryStorage()),
  sqlite: () => sqliteStorage(newPath()),
  file: () => fileStorage(newPath()),
  "deno-kv": () => denoKvStorage(newPath()),
  postgres: async () => postgresStorage(await serverUrl(), { schema: newName() }),
  // Whatever needs a storage of its own beside the daemon's; see `instances.ts`.
  unix: () => Promise.resolve(memoryStorage()),
  "unix-plain": () => Promise.resolve(memoryStorage()),
};

/** The kind of storage that the suites run on. */
export const STORAGE: string = process.env.EIDETICA_STORAGE ?? "memory";
if (!(STORAGE in OPEN)) {
  throw new Error(`Cannot test the storage "${STORAGE}": there are ${Object.keys(OPEN)}`);
}

/** Kinds for tests that always compare two: in memory, the usual one goes with it. */
export const STORAGES: readonly string[] = STORAGE === "memory" ? ["memory", "sqlite"] : [STORAGE];

const opened: StorageDriver[] = [];
// Connections that a test leaves open would keep its process alive for ever.
after(async () => {
  for (const storage of opened) await storage.close();
});

/** A new, empty storage, of the kind that the suites run on unless another is named. */
export async function newStorage(kind: string = STORAGE): Promise<StorageDriver> {
  const storage = await OPEN[kind]!();
  opened.push(storage);
  return storage;
}

/**
 * The address of a new storage of the kind that the suites run on. In place of memory, which does not
 * outlive those who open it, it is a SQLite file.
 */
export async function newUrl(): Promise<string> {
  return await urlOf(STORAGE === "memory" || STORAGE.startsWith("unix") ? "sqlite" : STORAGE);
}
