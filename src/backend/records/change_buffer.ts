/**
 * What the last writes to a tree did to its indexes, carried in the head of the tree until there is enough of
 * it. A commit so writes its entry and the head, and only every sixteenth or so what has gathered as well.
 * On a B-tree every record costs a page, and a record takes many rows as easily as one.
 *
 * @module
 */

import type { ID } from "../../entry/id.ts";
import { type TreeLog, writeArrivals } from "./arrivals.ts";
import { storeTipsKey } from "./keys.ts";
import { writeRows } from "./store_index.ts";
import { arrivalsIn, type ChangeBuffer, encodeStoreTips } from "./tree_records.ts";

/** A buffer with nothing in it. */
export const EMPTY_BUFFER: ChangeBuffer = Object.freeze({
  stores: new Map(),
  rows: [],
  arrivals: [],
});

/** Most bytes that a head carries, about: sixteen commits on one store. */
const MAX_BYTES = 1088;
/** Bytes of a row of the log whose entry a row of the index names, and of another one, at most. */
const [BRIEF_ARRIVAL, ARRIVAL] = [6, 48];

/** Whether a head may carry a buffer. */
export function isSmall({ stores, rows, arrivals }: ChangeBuffer): boolean {
  let bytes = 0;
  for (const [store, { verified, raw }] of stores) {
    const tips = raw === verified ? verified.length : verified.length + raw.length;
    bytes += 18 + 3 * store.length + 37 * tips;
    if (bytes > MAX_BYTES) return false;
  }
  for (const row of rows) {
    bytes += row.bytes.length;
    if (bytes > MAX_BYTES) return false;
  }
  for (const arrival of arrivals) {
    bytes += arrival.row !== undefined ? BRIEF_ARRIVAL : ARRIVAL;
    if (bytes > MAX_BYTES) return false;
  }
  return true;
}

/**
 * Adds the records that a buffer stands for to a storage batch. `log` is what the head would say with the
 * buffer; the result is what it says without.
 */
export function writeOut(
  tree: ID,
  log: TreeLog | undefined,
  buffer: ChangeBuffer,
  set: [Uint8Array, Uint8Array][],
): TreeLog | undefined {
  const { stores, rows } = buffer;
  writeRows(tree, rows, set);
  for (const [store, tips] of stores) set.push([storeTipsKey(tree, store), encodeStoreTips(tips)]);
  if (log === undefined || buffer.arrivals.length === 0) return log;
  const arrivals = arrivalsIn(buffer);
  const position = log.length - arrivals.length;
  return { ...log, sum: writeArrivals(tree, log, position, log.sum, arrivals, set) };
}
