/**
 * What is measured of storages, as plain functions; `run.ts` times them.
 *
 * @module
 */

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, DocStore, Instance, NewUser } from "../mod.ts";
import type { StorageDriver } from "../src/storage/driver.ts";
import { fileStorage } from "../src/storage/drivers/file.ts";
import { sqliteStorage } from "../src/storage/drivers/sqlite.ts";

/** Storages that this process opens without any server. */
export type LocalStorage = "sqlite" | "file";

/** A database on a storage of its own. */
export interface StorageBed {
  /** The instance. */
  readonly instance: Instance;
  /** The database. */
  readonly database: Database;
  /** The folder that the storage is in. */
  readonly folder: string;
  /** Closes the instance; its files stay. */
  close(): Promise<void>;
  /** Closes the instance and removes its files. */
  remove(): Promise<void>;
}

/** Opens a storage of a kind in a folder. */
export function openStorage(
  kind: LocalStorage,
  folder: string,
  durability: "full" | "normal" = "normal",
): Promise<StorageDriver> {
  const path = join(folder, "storage");
  return kind === "sqlite"
    ? sqliteStorage(path, { durability })
    : fileStorage(path, { durability });
}

/** A new instance with an empty database, in files. */
export async function storageBed(
  kind: LocalStorage,
  durability: "full" | "normal" = "normal",
): Promise<StorageBed> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-bench-"));
  const storage = await openStorage(kind, folder, durability);
  const { instance, user } = await Instance.createBackend(storage, NewUser.passwordless("bench"));
  const database = await user.createDatabase({ name: "bench" });
  const close = () => instance.close();
  const remove = async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { instance, database, folder, close, remove };
}

/** `count` commits in all, by so many committers at the same time. */
export async function commitTogether(
  database: Database,
  committers: number,
  count: number,
): Promise<void> {
  let next = 0;
  const work = async (writer: number): Promise<void> => {
    while (next < count) {
      const at = next++;
      await database.withTransaction(async (transaction) => {
        await (await transaction.getStore(DocStore, "data")).set(`w${writer} ${at % 1000}`, at);
      });
    }
  };
  await Promise.all(Array.from({ length: committers }, (_, writer) => work(writer)));
}

/** A history of `count` entries, each of one key of a thousand, as one writer makes it. */
export async function fill(database: Database, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    await database.withTransaction(async (transaction) => {
      await (await transaction.getStore(DocStore, "data")).set(`key ${at % 1000}`, at);
    });
  }
}

/** Opens an instance that is there, opens its database and commits once. */
export async function openAndCommit(
  kind: LocalStorage,
  folder: string,
): Promise<{ readonly openMs: number; readonly commitMs: number; close(): Promise<void> }> {
  const started = performance.now();
  const instance = await Instance.openBackend(await openStorage(kind, folder));
  const user = await instance.loginUser("bench");
  const [database] = await user.findDatabase("bench");
  const opened = performance.now();
  await database!.withTransaction(async (transaction) => {
    await (await transaction.getStore(DocStore, "data")).set("key 1", "after");
  });
  const done = performance.now();
  return { openMs: opened - started, commitMs: done - opened, close: () => instance.close() };
}

/** Reads every entry of a storage; returns how many pairs it holds. */
export async function scan(storage: StorageDriver): Promise<number> {
  let pairs = 0;
  const range = { start: new Uint8Array(), end: new Uint8Array(64).fill(0xff) };
  for await (const page of storage.list(range)) pairs += page.length;
  return pairs;
}

/** Bytes of all files of a folder. */
export function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .reduce((sum, item) => sum + statSync(join(item.parentPath, item.name)).size, 0);
}
