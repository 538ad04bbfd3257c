/**
 * Reading and writing tables of any size, branches and their merges, and first reads after opening:
 * what materialised states are measured by.
 *
 * @module
 */

import { type Database, DocStore, type ID, Snapshot, Table, type Transaction } from "../mod.ts";
import type { LocalBackend } from "../src/backend/local.ts";
import type { Bed } from "./bed.ts";

/** A row of the table that is measured: about a hundred bytes of JSON. */
export interface Row {
  /** Counts the rows. */
  readonly number: number;
  /** Some text. */
  readonly title: string;
}

const Rows = Table.of<Row>();
const NAME = "rows";
const DOCUMENT = "document";

/** Key of row `number`; keys are spread over the table, as random ones are. */
export function keyOf(number: number): string {
  return `${(Math.imul(number, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0")}-${number}`;
}

function row(number: number): Row {
  return {
    number,
    title: `The title of row ${number} is some sixty characters long, more or less`,
  };
}

/** Rows, or keys, of one transaction while a database is filled. */
const BATCH = 1000;

/** Writes numbers `from` … `from + count` in batches, each by what `open` gives for its transaction. */
async function inBatches(
  database: Database,
  from: number,
  count: number,
  open: (transaction: Transaction) => Promise<(number: number) => Promise<unknown>>,
): Promise<void> {
  for (let at = from; at < from + count; at += BATCH) {
    await database.withTransaction(async (transaction) => {
      const write = await open(transaction);
      const end = Math.min(at + BATCH, from + count);
      for (let number = at; number < end; number++) await write(number);
    });
  }
}

/** Writes rows `from` … `from + count`. */
export function fill(database: Database, from: number, count: number): Promise<void> {
  return inBatches(database, from, count, async (transaction) => {
    const rows = await transaction.getStore(Rows, NAME);
    return (number) => rows.set(keyOf(number), row(number));
  });
}

/** Writes keys `from` … `from + count` of a document. */
export function fillDocument(database: Database, from: number, count: number): Promise<void> {
  return inBatches(database, from, count, async (transaction) => {
    const document = await transaction.getStore(DocStore, DOCUMENT);
    return (number) => document.set(keyOf(number), row(number).title);
  });
}

/** Reads one key of the newest document. */
export async function readKey(database: Database, number: number): Promise<string> {
  return await (await database.getStoreViewer(DocStore, DOCUMENT)).getString(keyOf(number));
}

/** Writes one row at a snapshot, or at the newest one; the ID of the entry. */
export async function writeOne(database: Database, number: number, at?: Snapshot): Promise<ID> {
  const transaction = await database.newTransaction(at === undefined ? {} : { at });
  await (await transaction.getStore(Rows, NAME)).set(keyOf(number), row(number));
  return await transaction.commit();
}

/** Reads one row of the newest state. */
export async function readOne(database: Database, number: number): Promise<Row> {
  return await (await database.getStoreViewer(Rows, NAME)).get(keyOf(number));
}

/** Counts the rows by reading them all. */
export async function scan(database: Database): Promise<number> {
  let count = 0;
  for await (const _ of (await database.getStoreViewer(Rows, NAME)).entries()) count++;
  return count;
}

/** Commits chains of `length` rows on `branches` branches that begin at the same snapshot. */
export async function branch(
  database: Database,
  from: number,
  branches: number,
  length: number,
): Promise<void> {
  const fork = await database.snapshot();
  for (let which = 0; which < branches; which++) {
    let at = fork;
    for (let step = 0; step < length; step++) {
      at = Snapshot.of([await writeOne(database, from + which * length + step, at)]);
    }
  }
}

/** Writes `count` rows one by one; the snapshots after the first `kept` of them. */
export async function writeChain(
  database: Database,
  from: number,
  count: number,
  kept: number,
): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = [];
  for (let number = from; number < from + count; number++) {
    await writeOne(database, number);
    if (snapshots.length < kept) snapshots.push(await database.snapshot());
  }
  return snapshots;
}

/** Forgets what this process has materialised, as if it had just begun. */
export function forget(bed: Bed): void {
  (bed.instance.backend as LocalBackend).states.clear();
}
