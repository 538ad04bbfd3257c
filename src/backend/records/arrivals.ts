/**
 * The arrival log of a tree: its entries in the order in which they became Verified, parents before children.
 * Its records hold many rows each, those that were written together, and are found by the place of the first:
 *
 * ```text
 * key    l · tree · place u64
 * value  sum u64 · per row: digest of the ID, 32 bytes · tree height varint · size varint
 * ```
 *
 * What became Verified since the tree has a log has the places from {@link ORIGIN} on. What was Verified before
 * has those below, and is filled in from there downwards; `position` counts from the lowest place. The sum of
 * a row is that of its ID ({@link weightOf}); a record begins with the sum of all rows from `ORIGIN` up to
 * it, or, below, with what must be added to get from there to 0. Sums are taken modulo 2^64.
 *
 * Rows of the last writes are still in the head of the tree (`change_buffer.ts`), and so is what is said of the log
 * as a whole; its sum there is that of the rows that have records:
 *
 * ```text
 * log   state u8 = 0 (the tree is older than its log, and nobody has asked for it yet)
 *     | state u8 = 1 · id 8 bytes · length u64 · sum u64
 *     | state u8 = 2 · the same · count u64 · older u64 · their sum u64
 *     | state u8 = 3 · the same · length u8 · front
 * ```
 *
 * @module
 */

import type { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import { logKey } from "./keys.ts";
import { damagedRecord, type RecordReader, RecordWriter } from "./record_bytes.ts";

/** Place of the first entry that became Verified while the tree had a log. */
export const ORIGIN: number = 2 ** 40;
/** Most rows of a record. */
export const ROWS_PER_RECORD = 64;
/** Bytes of the name of a log. */
export const LOG_ID_BYTES = 8;

const DIGEST_BYTES = 32;

/** A row of an arrival log: an entry that became Verified. */
export interface Arrival {
  /** The entry. */
  readonly id: ID;
  /** Its height in the tree. */
  readonly height: number;
  /** How many bytes it has, encoded. */
  readonly size: number;
}

/** What the head of a tree says of its arrival log. */
export interface TreeLog {
  /** Random bytes: another log, of the same tree too, has others. */
  readonly id: Uint8Array;
  /** How many rows there are. */
  readonly length: number;
  /** Sum of the rows that have records: a commit that adds one to what the head carries need not add it up. */
  readonly sum: bigint;
  /** How many entries of the tree are Verified: less than rows once a verdict was taken back. */
  readonly count: number;
  /** How many rows are of entries that were Verified before the tree had a log. */
  readonly older: number;
  /** Sum of these. */
  readonly olderSum: bigint;
  /**
   * While these are filled in, highest first: the place of the last one in the fold order of the tree, or no
   * bytes before the first.
   */
  readonly front: Uint8Array | undefined;
}

/** The row of an entry. */
export function arrivalOf({ id, height, bytes }: Entry): Arrival {
  return { id, height, size: bytes.length };
}

/** The log that a new tree begins with, or an older one gets. */
export function newLog(id: Uint8Array, front?: Uint8Array): TreeLog {
  return { id, length: 0, sum: 0n, count: 0, older: 0, olderSum: 0n, front };
}

/** What an entry adds to the sum of a log: the first 8 bytes of the digest in its ID. */
export function weightOf({ bytes }: ID): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - DIGEST_BYTES, 8);
  return view.getBigUint64(0);
}

/** The sum of rows, fewer than 2^20, modulo 2^64. */
export function sumOf(rows: readonly { readonly id: ID }[]): bigint {
  // Halves add up to less than 2^53: numbers are several times as fast as integers of any size.
  let [high, low] = [0, 0];
  for (const { id: { bytes } } of rows) {
    const at = bytes.length - DIGEST_BYTES;
    high += halfAt(bytes, at);
    low += halfAt(bytes, at + 4);
  }
  return wrapped((BigInt(high) << 32n) + BigInt(low));
}

function halfAt(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
  return (a << 24 | b << 16 | c << 8 | d) >>> 0;
}

/** A sum modulo 2^64. */
export function wrapped(sum: bigint): bigint {
  return BigInt.asUintN(64, sum);
}

/** A log after so many entries have become Verified, whose rows have no records yet. */
export function grown(log: TreeLog, rows: number): TreeLog {
  return {
    id: log.id,
    length: log.length + rows,
    sum: log.sum,
    count: log.count + rows,
    older: log.older,
    olderSum: log.olderSum,
    front: log.front,
  };
}

/** A log after rows were put before all others. */
export function grownBelow(
  log: TreeLog,
  rows: readonly Arrival[],
  front: TreeLog["front"],
): TreeLog {
  const older = log.older + rows.length;
  const olderSum = wrapped(log.olderSum + sumOf(rows));
  const sum = wrapped(log.sum + sumOf(rows));
  return { ...grown(log, rows.length), sum, older, olderSum, front };
}

/**
 * Adds rows to a storage batch, the first of which is at `position`; all before have the sum `before`, and these
 * with them the one that is returned.
 */
export function writeArrivals(
  tree: ID,
  { older, olderSum }: TreeLog,
  position: number,
  before: bigint,
  rows: readonly Arrival[],
  set: [Uint8Array, Uint8Array][],
): bigint {
  let sum = before - olderSum;
  for (let at = 0; at < rows.length; at += ROWS_PER_RECORD) {
    const some = rows.slice(at, at + ROWS_PER_RECORD);
    set.push([logKey(tree, ORIGIN + position + at - older), encodeArrivals(wrapped(sum), some)]);
    sum += sumOf(some);
  }
  return wrapped(sum + olderSum);
}

function encodeArrivals(sum: bigint, rows: readonly Arrival[]): Uint8Array {
  const writer = new RecordWriter().word(sum);
  for (const row of rows) writeArrival(writer, row);
  return writer.done();
}

/** Reads a record: its rows, and the sum that it begins with. */
export function decodeArrivals(reader: RecordReader): { sum: bigint; rows: Arrival[] } {
  const sum = reader.word();
  const rows: Arrival[] = [];
  while (!reader.isAtEnd) rows.push(readArrival(reader));
  return { sum, rows };
}

/** Writes one row. */
export function writeArrival(writer: RecordWriter, { id, height, size }: Arrival): void {
  // The IDs of entries all begin with the same bytes.
  writer.bytes(id.bytes.subarray(id.bytes.length - DIGEST_BYTES)).varint(height).varint(size);
}

/** Reads what {@link writeArrival} has written. */
export function readArrival(reader: RecordReader): Arrival {
  const id = ID.fromDigest(reader.bytes(DIGEST_BYTES));
  return { id, height: reader.varint(), size: reader.varint() };
}

/** Writes what the head says of a log. */
export function writeLog(writer: RecordWriter, log: TreeLog | undefined): void {
  const state = stateOf(log);
  writer.integer(state, 1);
  if (log === undefined) return;
  writer.bytes(log.id).integer(log.length, 8).word(log.sum);
  if (state === 1) return;
  writer.integer(log.count, 8).integer(log.older, 8).word(log.olderSum);
  if (log.front !== undefined) writer.integer(log.front.length, 1).bytes(log.front);
}

function stateOf(log: TreeLog | undefined): number {
  if (log === undefined) return 0;
  if (log.front !== undefined) return 3;
  return log.older === 0 && log.count === log.length ? 1 : 2;
}

/** Reads what {@link writeLog} has written. */
export function readLog(reader: RecordReader): TreeLog | undefined {
  const state = reader.integer(1);
  if (state > 3) throw damagedRecord(`the state ${state} of its log is not one of 0, 1, 2 and 3`);
  if (state === 0) return undefined;
  const id = reader.bytes(LOG_ID_BYTES).slice();
  const length = reader.integer(8);
  const sum = reader.word();
  if (state === 1) return { ...newLog(id), length, sum, count: length };
  const [count, older, olderSum] = [reader.integer(8), reader.integer(8), reader.word()];
  const front = state === 2 ? undefined : reader.bytes(reader.integer(1)).slice();
  return { id, length, sum, count, older, olderSum, front };
}
