/**
 * Binary records of the engine. All integers are big-endian; an ID list is a 4-byte count, then
 * per ID one length byte and the binary CID.
 *
 * ```text
 * id row      status u8 · height u64 · length u8 · tree CID · bytes of the entry, or none
 * head        format u8 = 7 · sequence u64 · unverified u32 · its bytes u64
 *             · failed u32 · its bytes u64 · waiting u32
 *             · awaited abroad u32 · trees waited for · verified tips · raw tips
 *             · log, as in `arrivals.ts`
 *             · stores u16 · per store: length u16 · name · sequence u64 · verified tips · raw tips
 *             · rows u16 · per row of the index: length u16 · name of the store · length u8 · place
 *               · tree height u64
 *             · per row of the log: number u16 of a row of the index of the same entry · size varint
 *               | 2^16 − 1 · row as in `arrivals.ts`
 * store tips  format u8 = 1 · sequence u64 · verified tips · raw tips
 * ```
 *
 * `sequence` counts the writes to a tree; a store record carries the sequence of the write that
 * last changed it, so that a reader knows whether it belongs to the head it has just read. Raw
 * tips are written as the count 2^32 − 1 when they equal the verified ones. What the head says of a store
 * counts, and not the store's own record; its rows are those that are not written yet (`change_buffer.ts`).
 * A head of format 5, which has neither a log nor a number of rows, is read as one without a log. One of format 6
 * is the same, but whoever has written it knew of no counts of what entries wait for (`wait_records.ts`), and must not
 * write to a tree that may have some.
 *
 * @module
 */

import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { VerificationStatus } from "../backend.ts";
import {
  type Arrival,
  readArrival,
  readLog,
  type TreeLog,
  writeArrival,
  writeLog,
} from "./arrivals.ts";
import { readPosition } from "./keys.ts";
import { damagedRecord, RecordReader, RecordWriter, SAME } from "./record_bytes.ts";

/** What is known of a held entry without reading its bytes. */
export interface IdRow {
  /** The verdict of this node. */
  readonly status: VerificationStatus;
  /** Tree height of the entry. */
  readonly height: number;
  /** Root of the entry's tree; the entry's own ID for a root. */
  readonly tree: ID;
}

/** Frontiers of a tree or of one of its stores. */
export interface Frontiers {
  /** Number of the write that last changed this record. */
  readonly sequence: number;
  /** Tips of the Verified entries. */
  readonly verified: readonly ID[];
  /** Tips of all held entries; the same array as `verified` when they do not differ. */
  readonly raw: readonly ID[];
}

/** Head of a tree. */
export interface TreeHead extends Frontiers {
  /** How many held entries are Unverified. */
  readonly unverified: number;
  /** How many bytes these have, encoded. */
  readonly unverifiedBytes: number;
  /** How many held entries are Failed. */
  readonly failed: number;
  /** How many bytes these have, encoded. */
  readonly failedBytes: number;
  /** How many markers of waiting children exist. */
  readonly waiting: number;
  /** How many entries of other trees Unverified ones wait for. */
  readonly awaitedAbroad: number;
  /** The trees that these are of. */
  readonly abroad: readonly ID[];
  /** The arrival log; undefined for a tree that is older than its log until somebody asks for that. */
  readonly log: TreeLog | undefined;
  /** What the last writes did to the indexes. */
  readonly buffer: ChangeBuffer;
}

/** Changes of the indexes of a tree that are not written to records of their own yet. */
export interface ChangeBuffer {
  /** Frontiers of stores. */
  readonly stores: ReadonlyMap<string, Frontiers>;
  /** Rows of the index, in the order of the writes. */
  readonly rows: readonly BufferedRow[];
  /** Rows of the arrival log. */
  readonly arrivals: readonly BufferedArrival[];
}

/** A row of the arrival log that is not written yet. */
export interface BufferedArrival {
  /** Number of a row of the index that says which entry it is, if there is one. */
  readonly row: number | undefined;
  /** The entry, if that was not left to the row of the index. */
  readonly id: ID | undefined;
  /** See {@link Arrival.height}. */
  readonly height: number;
  /** See {@link Arrival.size}. */
  readonly size: number;
}

/** A row of the index that is not written yet (`store_index.ts`). */
export class BufferedRow {
  /** The store. */
  readonly store: string;
  /** Where the entry is in it. */
  readonly place: Uint8Array;
  /** Height of the entry in the tree. */
  readonly height: number;
  #bytes: Uint8Array | undefined;

  /** A row of these parts. */
  constructor(store: string, place: Uint8Array, height: number) {
    this.store = store;
    this.place = place;
    this.height = height;
  }

  /** All of it as a head carries it, which is more than once. */
  get bytes(): Uint8Array {
    return this.#bytes ??= new RecordWriter().text(this.store).place(this.place)
      .integer(this.height, 8).toKeep();
  }
}

/** The row of the arrival log of an entry, which a row of the index may name already. */
export function bufferedArrival({ id, height, bytes }: Entry, row?: number): BufferedArrival {
  return { row, id, height, size: bytes.length };
}

const FORMAT = 1;
const HEAD_FORMAT = 7;
/** The first format of heads with a log. */
const LOG_HEAD_FORMAT = 6;
/** The oldest format of heads that is read. */
const OLDEST_HEAD_FORMAT = 5;
/** In place of the number of a row. */
const NO_ROW = 2 ** 16 - 1;
/** Most bytes of an entry that its row holds: whoever needs a status alone reads them as well. */
export const INLINE_BYTES = 2048;
const STATUSES: readonly VerificationStatus[] = ["Verified", "Failed", "Unverified"];

/** Integer form of a status: 0 Verified, 1 Failed, 2 Unverified. */
export function statusToInteger(status: VerificationStatus): number {
  return STATUSES.indexOf(status);
}

/** Status of an integer; any other integer is a `TreeIntegrityViolation`. */
export function statusFromInteger(integer: number): VerificationStatus {
  const status = STATUSES[integer];
  if (status !== undefined) return status;
  throw damagedRecord(`the status ${integer} is not one of 0, 1 and 2`);
}

/** Whether the bytes of an entry are kept in its row. */
export function isInline(entry: Uint8Array): boolean {
  return entry.length <= INLINE_BYTES;
}

/** Writes the id row of an entry with these bytes. */
export function encodeIdRow(row: IdRow, entry: Uint8Array): Uint8Array {
  const writer = new RecordWriter().integer(statusToInteger(row.status), 1)
    .integer(row.height, 8).id(row.tree);
  return (isInline(entry) ? writer.bytes(entry) : writer).done();
}

/** Reads an id row. */
export function decodeIdRow(bytes: Uint8Array): IdRow {
  return decodeHeld(bytes).row;
}

/** Reads an id row and the bytes of its entry; undefined when they are kept apart. */
export function decodeHeld(bytes: Uint8Array): { row: IdRow; entry: Uint8Array | undefined } {
  const reader = new RecordReader(bytes);
  const status = statusFromInteger(reader.integer(1));
  const row = { status, height: reader.integer(8), tree: reader.id() };
  return { row, entry: reader.isAtEnd ? undefined : reader.rest() };
}

function writeFrontiers(writer: RecordWriter, { verified, raw }: Frontiers): RecordWriter {
  writer.ids(verified);
  return raw === verified ? writer.integer(SAME, 4) : writer.ids(raw);
}

function readFrontiers(reader: RecordReader, sequence: number): Frontiers {
  const verified = reader.ids();
  if (verified === undefined) throw damagedRecord("the verified tips are missing");
  return { sequence, verified, raw: reader.ids() ?? verified };
}

/** Writes the head of a tree. */
export function encodeHead(head: TreeHead): Uint8Array {
  const writer = new RecordWriter().integer(HEAD_FORMAT, 1).integer(head.sequence, 8)
    .integer(head.unverified, 4).integer(head.unverifiedBytes, 8)
    .integer(head.failed, 4).integer(head.failedBytes, 8).integer(head.waiting, 4)
    .integer(head.awaitedAbroad, 4).ids(head.abroad);
  writeFrontiers(writer, head);
  writeLog(writer, head.log);
  return writeBuffer(writer, head.buffer).done();
}

function writeBuffer(writer: RecordWriter, { stores, rows, arrivals }: ChangeBuffer): RecordWriter {
  writer.integer(stores.size, 2);
  for (const [store, tips] of stores) {
    writer.text(store).integer(tips.sequence, 8);
    writeFrontiers(writer, tips);
  }
  writer.integer(rows.length, 2);
  for (const { bytes } of rows) writer.bytes(bytes);
  for (const { row, id, height, size } of arrivals) {
    if (row !== undefined) writer.integer(row, 2).varint(size);
    else writeArrival(writer.integer(NO_ROW, 2), { id: id!, height, size });
  }
  return writer;
}

function readBuffer(reader: RecordReader, format: number): ChangeBuffer {
  const stores = new Map<string, Frontiers>();
  for (let left = reader.integer(2); left > 0; left--) {
    const store = reader.text();
    stores.set(store, readFrontiers(reader, reader.integer(8)));
  }
  const count = format < LOG_HEAD_FORMAT ? Infinity : reader.integer(2);
  const rows: BufferedRow[] = [];
  while (rows.length < count && !reader.isAtEnd) {
    const store = reader.text();
    rows.push(new BufferedRow(store, reader.place(), reader.integer(8)));
  }
  const arrivals: BufferedArrival[] = [];
  while (!reader.isAtEnd) arrivals.push(readBuffered(reader, rows));
  return { stores, rows, arrivals };
}

function readBuffered(reader: RecordReader, rows: readonly BufferedRow[]): BufferedArrival {
  const row = reader.integer(2);
  if (row === NO_ROW) return { row: undefined, ...readArrival(reader) };
  const listed = rows[row];
  if (listed === undefined) throw damagedRecord(`there is no row ${row} for a row of its log`);
  return { row, id: undefined, height: listed.height, size: reader.varint() };
}

/** The rows of the arrival log that a buffer carries. */
export function arrivalsIn({ rows, arrivals }: ChangeBuffer): Arrival[] {
  return arrivals.map(({ row, id, height, size }) => {
    return { id: id ?? readPosition(rows[row!]!.place, 0).id, height, size };
  });
}

/** Reads the head of a tree. */
export function decodeHead(bytes: Uint8Array): TreeHead {
  const reader = new RecordReader(bytes);
  const format = reader.format(HEAD_FORMAT, OLDEST_HEAD_FORMAT);
  const sequence = reader.integer(8);
  const counts = {
    unverified: reader.integer(4),
    unverifiedBytes: reader.integer(8),
    failed: reader.integer(4),
    failedBytes: reader.integer(8),
    waiting: reader.integer(4),
    awaitedAbroad: reader.integer(4),
    abroad: reader.ids() ?? [],
  };
  const frontiers = readFrontiers(reader, sequence);
  const log = format < LOG_HEAD_FORMAT ? undefined : readLog(reader);
  return { ...frontiers, ...counts, log, buffer: readBuffer(reader, format) };
}

/** Writes the frontiers of a store. */
export function encodeStoreTips(tips: Frontiers): Uint8Array {
  return writeFrontiers(new RecordWriter().integer(FORMAT, 1).integer(tips.sequence, 8), tips)
    .done();
}

/** Reads the frontiers of a store. */
export function decodeStoreTips(bytes: Uint8Array): Frontiers {
  const reader = new RecordReader(bytes);
  reader.format(FORMAT);
  return readFrontiers(reader, reader.integer(8));
}
