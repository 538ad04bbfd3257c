/**
 * What the last writes to a tree did to its indexes, carried in the head of the tree until there is enough of
 * it. A commit so writes its entry and the head, and only every tenth or so what has gathered as well: on
 * a B-tree every record costs a page, and a page takes many records at once as easily as one.
 *
 * @module
 */

import type { ID } from "../entry/id.ts";
import { concat } from "../util/bytes.ts";
import { heightBytes, storeTipsKey, treeIndexPrefix } from "./keys.ts";
import { type ChangeBuffer, encodeStoreTips } from "./records.ts";
import { RecordReader, type RecordWriter } from "./record_bytes.ts";

/** A buffer with nothing in it. */
export const EMPTY_BUFFER: ChangeBuffer = Object.freeze({
  stores: new Map(),
  rows: new Uint8Array(0),
});

/** Most bytes that a head carries: some fifteen commits on one store. */
const MAX_BYTES = 1024;
const HEIGHT_BYTES = 8;

/** A row of the store index: its key, and the tree height of the entry. */
export interface IndexRow {
  /** The key. */
  readonly key: Uint8Array;
  /** The height, as {@link heightBytes}. */
  readonly value: Uint8Array;
}

/** Appends a row to those of a buffer; `place` is its key without the prefix of the tree. */
export function writeIndexRow(rows: RecordWriter, place: Uint8Array, height: number): void {
  rows.integer(place.length, 2).bytes(place).bytes(heightBytes(height));
}

/** The rows of a buffer of `tree`, in the order of the writes. */
export function indexRows(tree: ID, { rows }: ChangeBuffer): IndexRow[] {
  const prefix = treeIndexPrefix(tree);
  const reader = new RecordReader(rows);
  const found: IndexRow[] = [];
  while (!reader.isAtEnd) {
    const key = concat(prefix, reader.bytes(reader.integer(2)));
    found.push({ key, value: reader.bytes(HEIGHT_BYTES) });
  }
  return found;
}

/** Whether a head may carry a buffer. */
export function isSmall({ stores, rows }: ChangeBuffer): boolean {
  let bytes = rows.length;
  for (const [name, { verified, raw }] of stores) {
    const tips = raw === verified ? verified.length : verified.length + raw.length;
    bytes += 18 + 3 * name.length + 37 * tips;
    if (bytes > MAX_BYTES) break;
  }
  return bytes <= MAX_BYTES;
}

/** Adds the records that a buffer stands for to a storage batch. */
export function writeOut(tree: ID, buffer: ChangeBuffer, set: [Uint8Array, Uint8Array][]): void {
  for (const { key, value } of indexRows(tree, buffer)) set.push([key, value]);
  for (const [store, tips] of buffer.stores) {
    set.push([storeTipsKey(tree, store), encodeStoreTips(tips)]);
  }
}
