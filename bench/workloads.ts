/**
 * The hot paths as plain functions: commits, reads after them, write callbacks.
 *
 * @module
 */

import { type Database, DocStore, Entry, type WriteCallback } from "../mod.ts";
import { encodeEntry } from "../src/entry/entry_encoder.ts";
import { type Bed, bed } from "./bed.ts";

export { type Bed, bed, type Place } from "./bed.ts";

/** One signed, stored commit of one key: the workload that the reference measures. */
export async function commitOne(database: Database, key: string, value: string): Promise<void> {
  const transaction = await database.newTransaction();
  await (await transaction.getStore(DocStore, "data")).set(key, value);
  await transaction.commit();
}

/** Commits `count` keys one after another, beginning with number `from`. */
export async function commitMany(database: Database, from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at++) {
    await commitOne(database, `key_${at}`, `value_${at}`);
  }
}

/** Commits by `writers` writers at the same time, one each. */
export async function commitTogether(
  database: Database,
  from: number,
  writers: number,
): Promise<void> {
  const all = Array.from({ length: writers }, (_, writer) => {
    return commitOne(database, `key_${from + writer}`, "value");
  });
  await Promise.all(all);
}

/** Reads one key of the newest state. */
export async function readOne(database: Database, key: string): Promise<void> {
  await (await database.getStoreViewer(DocStore, "data")).get(key);
}

/** Registers `count` callbacks that do nothing but count their calls. */
export async function listen(
  database: Database,
  count: number,
): Promise<{ calls(): number; end(): void }> {
  const watches: WriteCallback[] = [];
  let calls = 0;
  for (let at = 0; at < count; at++) watches.push(await database.onWrite(() => void calls++));
  return {
    calls: () => calls,
    end: () => watches.forEach((watch) => watch[Symbol.dispose]()),
  };
}

/** Ingests a history of another instance as it comes from a peer: bytes, in batches. */
export async function ingestInto(
  target: Bed,
  encoded: readonly Uint8Array[],
  batch: number,
): Promise<void> {
  const root = Entry.decode(encoded[0]!).id;
  for (let at = 0; at < encoded.length; at += batch) {
    const entries = encoded.slice(at, at + batch).map((bytes) => Entry.decode(bytes));
    const report = await target.instance.putRemoteEntries(root, entries);
    const { unverified, failed, rejected } = report;
    if (unverified + failed + rejected.length === 0) continue;
    throw new Error(`The ingest left ${JSON.stringify({ ...report, rejected: rejected.length })}`);
  }
}

/** The encoded entries of a database of `count` entries, each of one key. */
export async function encodedHistory(count: number): Promise<Uint8Array[]> {
  const { database, remove } = await bed("memory");
  await commitMany(database, 0, count - 1);
  const encoded = (await database.getAllEntries()).map((entry) => entry.bytes);
  await remove();
  return encoded;
}

/** Entries from elsewhere, decoded, verified and stored in batches, each time in an empty file. */
export async function verifiedIngest(
  count: number,
  batch: number,
): Promise<{ before(): Promise<void>; step(): Promise<void>; end(): Promise<void> }> {
  const encoded = await encodedHistory(count);
  let target: Bed | undefined;
  return {
    async before(): Promise<void> {
      await target?.remove();
      target = await bed("sqlite");
    },
    step: () => ingestInto(target!, encoded, batch),
    async end(): Promise<void> {
      await target?.remove();
    },
  };
}

/** Encodes an entry from its model. */
export function encode(entry: Entry): Uint8Array {
  return encodeEntry(entry.model).bytes;
}
