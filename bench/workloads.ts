/**
 * What is measured, as plain functions: `run.ts` times them anywhere, `eidetica_bench.ts` with
 * `deno bench`.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, DocStore, Instance, NewUser, PrivateKey, ready } from "../mod.ts";
import { encodeEntry } from "../src/entry/entry_encoder.ts";
import type { Entry } from "../src/entry/entry.ts";
import { sqliteStorage } from "../src/storage/drivers/sqlite.ts";

/** Where a database of a workload is kept. */
export type Place = "memory" | "sqlite";

/** A database to measure, and how to get rid of it. */
export interface Bed {
  /** The instance. */
  readonly instance: Instance;
  /** The database. */
  readonly database: Database;
  /** Closes the instance and removes its files. */
  remove(): Promise<void>;
}

/** A new instance with an empty database. */
export async function bed(place: Place): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-bench-"));
  const url = place === "memory" ? "memory://" : `sqlite://${join(folder, "bench.db")}`;
  const { instance, user } = await Instance.connectOrCreate(
    url,
    NewUser.passwordless("bench_user"),
  );
  const database = await user!.createDatabase({ name: "bench" });
  const remove = async () => {
    await instance.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { instance, database, remove };
}

/** One signed, stored commit of one key: the workload that the reference measures. */
export async function commitOne(database: Database, key: string, value: string): Promise<void> {
  await database.withTransaction(async (transaction) => {
    await (await transaction.getStore(DocStore, "data")).set(key, value);
  });
}

/** Commits `count` keys one after another, beginning with number `from`. */
export async function commitMany(database: Database, from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at++) {
    await commitOne(database, `key_${at}`, `value_${at}`);
  }
}

/** Commits by `writers` writers at the same time, `count` in all. */
export async function commitTogether(bedOf: Bed, writers: number, count: number): Promise<void> {
  const { database } = bedOf;
  const each = Math.floor(count / writers);
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let at = 0; at < each; at++) await commitOne(database, `w${writer}_${at}`, "value");
    }),
  );
}

/** Reads one key of the newest state. */
export async function readOne(database: Database, key: string): Promise<void> {
  await (await database.getStoreViewer(DocStore, "data")).get(key);
}

/** Ingests entries of another instance, in batches: decode is not included, verification is. */
export async function ingest(entries: readonly Entry[], batch: number): Promise<void> {
  const target = await bed("sqlite");
  const root = entries[0]!.id;
  for (let at = 0; at < entries.length; at += batch) {
    const report = await target.instance.putRemoteEntries(root, entries.slice(at, at + batch));
    if (report.unverified + report.failed + report.rejected.length > 0) {
      throw new Error(
        `Ingest left ${JSON.stringify({ ...report, rejected: report.rejected.length })}`,
      );
    }
  }
  await target.remove();
}

/** Off-the-shelf floor of a commit: sign, hash and one durable insert, nothing else. */
export async function floor(): Promise<{ step(): Promise<void>; remove(): Promise<void> }> {
  const core = await ready();
  const folder = mkdtempSync(join(tmpdir(), "eidetica-floor-"));
  const storage = await sqliteStorage(join(folder, "floor.db"));
  const key = PrivateKey.generate();
  const message = crypto.getRandomValues(new Uint8Array(600));
  let count = 0;
  return {
    async step(): Promise<void> {
      new DataView(message.buffer).setUint32(0, count++);
      const signature = key.sign(message);
      const id = core.blake3(message);
      await storage.commit({ set: [[id, message], [signature, id]] });
    },
    async remove(): Promise<void> {
      await storage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Encodes an entry from its model. */
export function encode(entry: Entry): Uint8Array {
  return encodeEntry(entry.model).bytes;
}
