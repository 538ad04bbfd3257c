/**
 * The index of a tree: which entries are in which store, in fold order (00 §B2). Its records hold many rows
 * each, those that were written together, and are found by the first of them:
 *
 * ```text
 * key    x · tree · store · place of the first row
 * value  per row, in order: length u8 · place · tree height u64
 * place  store height u64 · fold key of the ID
 * ```
 *
 * Branches that come late are written behind what is newer, so records may overlap: who lists a store in order
 * puts the rows of several together. Rows of the last writes are still in the head (`change_buffer.ts`).
 *
 * @module
 */

import { ID } from "../../entry/id.ts";
import type { Range, StorageDriver } from "../../storage/driver.ts";
import { compareBytes, concat } from "../../util/bytes.ts";
import { Heap } from "../../util/heap.ts";
import {
  heightBytes,
  prefixRange,
  readHeight,
  readPosition,
  storeIndexPrefix,
  treeIndexPrefix,
} from "./keys.ts";
import { RecordReader, RecordWriter } from "./record_bytes.ts";
import type { BufferedRow, ChangeBuffer } from "./tree_records.ts";

/** Most rows of a record. */
const MAX_ROWS = 64;
/** Rows that a listing backwards begins with. */
const MIN_ROWS = 16;

/** Where an entry is in a store. */
export interface Place {
  /** The entry. */
  readonly id: ID;
  /** Its height in the tree. */
  readonly height: number;
  /** Store height and fold key: the order of the rows of a store. */
  readonly place: Uint8Array;
}

/** Where the heads of trees are read, as far as listings need it. */
export interface HeadSource {
  /** The head of a tree, perhaps out of memory. */
  read(tree: ID): Promise<{ readonly head: { readonly buffer: ChangeBuffer } }>;
  /** As it was last seen, which may be out of date. */
  lastSeen(tree: ID): Promise<{ readonly head: { readonly buffer: ChangeBuffer } }>;
}

/** What a listing reads from. */
export interface IndexSource {
  /** The storage. */
  readonly driver: StorageDriver;
  /** Heads of trees, which carry what is not written yet. */
  readonly trees: HeadSource;
}

/** Adds rows to a storage batch. */
export function writeRows(
  tree: ID,
  rows: readonly BufferedRow[],
  set: [Uint8Array, Uint8Array][],
): void {
  for (const [store, group] of byStore(rows)) {
    const prefix = storeIndexPrefix(tree, store);
    group.sort((a, b) => compareBytes(a.place, b.place));
    for (let at = 0; at < group.length; at += MAX_ROWS) {
      const some = group.slice(at, at + MAX_ROWS);
      set.push([concat(prefix, some[0]!.place), encodeRows(some)]);
    }
  }
}

function byStore(rows: readonly BufferedRow[]): Map<string, BufferedRow[]> {
  const groups = new Map<string, BufferedRow[]>();
  for (const row of rows) {
    const group = groups.get(row.store);
    if (group === undefined) groups.set(row.store, [row]);
    else group.push(row);
  }
  return groups;
}

function encodeRows(rows: readonly BufferedRow[]): Uint8Array {
  const writer = new RecordWriter();
  for (const { place, height } of rows) {
    writer.place(place).integer(height, 8);
  }
  return writer.done();
}

function decodeRows(value: Uint8Array): Place[] {
  const reader = new RecordReader(value);
  const rows: Place[] = [];
  while (!reader.isAtEnd) {
    const place = reader.place();
    rows.push({ id: readPosition(place, 0).id, height: reader.integer(8), place });
  }
  return rows;
}

function placeOf({ place, height }: BufferedRow): Place {
  return { id: readPosition(place, 0).id, height, place };
}

/** Where all entries of a tree are, in no order, and as often as they are in stores, or more often. */
export async function* scanTreePlaces(source: IndexSource, tree: ID): AsyncIterable<Place[]> {
  // The head first: what is written in the meantime is then found twice, and not missed.
  const { rows } = await bufferOf(source, tree);
  yield rows.map(placeOf);
  for await (const page of source.driver.list(prefixRange(treeIndexPrefix(tree)))) {
    for (const { value } of page) yield decodeRows(value);
  }
}

/** Where all entries of a tree are, in fold order of the tree. */
export async function listTreePlaces(source: IndexSource, tree: ID): Promise<Place[]> {
  const found = new Map<string, Place>();
  for await (const rows of scanTreePlaces(source, tree)) {
    for (const row of rows) found.set(row.id.toString(), row);
  }
  return [...found.values()].sort((a, b) => a.height - b.height || ID.compareFold(a.id, b.id));
}

/** Where the entries are that the records of a part of an index name. */
export async function readPlaces(driver: StorageDriver, range: Range): Promise<Place[]> {
  const places: Place[] = [];
  for await (const page of driver.list(range)) {
    for (const { value } of page) places.push(...decodeRows(value));
  }
  return places;
}

async function bufferOf({ trees }: IndexSource, tree: ID): Promise<ChangeBuffer> {
  return (await trees.read(tree)).head.buffer;
}

/** Where the entries of a store are, in its fold order, `size` at a time. */
export async function* listPlaces(
  source: IndexSource,
  tree: ID,
  store: string,
  size: number,
): AsyncIterable<Place[]> {
  const merge = new Merge(await carried(source, tree, store));
  const prefix = storeIndexPrefix(tree, store);
  for await (const page of source.driver.list(prefixRange(prefix))) {
    for (const { key, value } of page) {
      // No record that follows has a row before the first one of this.
      merge.take(key.subarray(prefix.length));
      merge.add(decodeRows(value));
      while (merge.ready.length >= size) yield merge.ready.splice(0, size);
    }
  }
  merge.take();
  while (merge.ready.length > 0) yield merge.ready.splice(0, size);
}

async function carried(source: IndexSource, tree: ID, store: string): Promise<Place[]> {
  return placesOf(await bufferOf(source, tree), store);
}

function placesOf({ rows }: ChangeBuffer, store: string): Place[] {
  return rows.filter((row) => row.store === store).map(placeOf);
}

/** Puts the rows of records that overlap into one order. */
class Merge {
  /** Rows that nothing to come belongs before. */
  readonly ready: Place[] = [];
  readonly #open = new Heap<Place>((a, b) => compareBytes(a.place, b.place) < 0);

  constructor(rows: readonly Place[]) {
    this.add(rows);
  }

  add(rows: readonly Place[]): void {
    for (const row of rows) this.#open.push(row);
  }

  /** Takes the rows before `end`, or all. */
  take(end?: Uint8Array): void {
    for (let row = this.#open.top; row !== undefined; row = this.#open.top) {
      if (end !== undefined && compareBytes(row.place, end) >= 0) return;
      this.#open.pop();
      // What was carried may have been written in the meantime.
      if (this.ready.at(-1)?.id.equals(row.id) !== true) this.ready.push(row);
    }
  }
}

/**
 * The same up to a store height, about from the highest down: first what the head carries, then record by
 * record, few rows at first and up to `size` at a time later.
 */
export async function* listPlacesBackwards(
  source: IndexSource,
  tree: ID,
  store: string,
  height: number,
  size: number,
): AsyncIterable<Place[]> {
  const isWanted = ({ place }: Place) => readHeight(place) <= height;
  // What has been written since is not on the way of a walk that has begun before.
  const { head } = await source.trees.lastSeen(tree);
  let rows = placesOf(head.buffer, store).filter(isWanted).reverse();
  let wanted = MIN_ROWS;
  const start = storeIndexPrefix(tree, store);
  const end = concat(start, heightBytes(height + 1));
  for await (const page of source.driver.list({ start, end, reverse: true })) {
    for (const { value } of page) {
      rows.push(...decodeRows(value).filter(isWanted).reverse());
      if (rows.length < wanted) continue;
      yield rows;
      rows = [];
      wanted = Math.min(2 * wanted, size);
    }
  }
  if (rows.length > 0) yield rows;
}
