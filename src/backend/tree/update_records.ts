import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { VerificationStatus } from "../backend.ts";
import type { TreeLog } from "../records/arrivals.ts";
import { EMPTY_BUFFER, isSmall, writeOut } from "../records/change_buffer.ts";
import { entryKey, idKey, placeOf, rootKey } from "../records/keys.ts";
import {
  bufferedArrival,
  BufferedRow,
  type ChangeBuffer,
  encodeIdRow,
  type Frontiers,
  type IdRow,
  isInline,
  type TreeHead,
} from "../records/tree_records.ts";
import { MAIN } from "./update_reads.ts";

/** An entry that an update stores, or gives its verdict. */
export interface Pending {
  /** The entry. */
  readonly entry: Entry;
  /** Its row, with the verdict. */
  row: IdRow;
  /** Whether it is new. */
  readonly inserted: boolean;
}

/** Pairs that a storage batch sets. */
type Writes = [Uint8Array, Uint8Array][];

const NOTHING = new Uint8Array(0);
/** No head carries so many rows of the log; which rows of the index name them is then of no use. */
const MOST_CARRIED = 64;

/** The row of an entry of `tree`. */
export function rowOf(tree: ID, { height }: Entry, status: VerificationStatus): IdRow {
  return { status, height, tree };
}

/** Adds the records of an entry itself. */
export function writeEntry({ entry, row, inserted }: Pending, set: Writes): void {
  set.push([idKey(entry.id), encodeIdRow(row, entry.bytes)]);
  if (!inserted) return;
  if (!isInline(entry.bytes)) set.push([entryKey(entry.id), entry.bytes]);
  if (entry.isRoot) set.push([rootKey(entry.id), NOTHING]);
}

/** What an update does to the indexes of its tree. */
export interface IndexChanges {
  /** Frontiers of the stores that it has changed. */
  readonly stores: ReadonlyMap<string, Frontiers>;
  /** Entries that it stores, or gives their verdicts. */
  readonly entries: Iterable<Pending>;
  /** The arrival log with what it makes Verified, if the tree has one. */
  readonly log: TreeLog | undefined;
  /** What it makes Verified, in that order. */
  readonly verified: readonly Entry[];
}

/**
 * What the head carries after more has changed, and says of the log; it carries nothing when that is so much that
 * it was added to `set`.
 */
export function nextBuffer(
  tree: ID,
  before: ChangeBuffer,
  { stores: changed, entries, log, verified }: IndexChanges,
  set: Writes,
): Pick<TreeHead, "buffer" | "log"> {
  const stores = new Map(before.stores);
  for (const [store, tips] of changed) stores.set(store, tips);
  const rows = [...before.rows];
  const listed = verified.length > MOST_CARRIED ? undefined : new Map<Entry, number>();
  for (const { entry, inserted } of entries) {
    if (!inserted) continue;
    listed?.set(entry, rows.length);
    list(entry, rows);
  }
  const arrivals = [...before.arrivals];
  if (log !== undefined) {
    for (const entry of verified) arrivals.push(bufferedArrival(entry, listed?.get(entry)));
  }
  const buffer = { stores, rows, arrivals };
  if (isSmall(buffer)) return { buffer, log };
  return { buffer: EMPTY_BUFFER, log: writeOut(tree, log, buffer, set) };
}

/** Lists an entry in its stores, or as one of none. */
function list(entry: Entry, rows: BufferedRow[]): void {
  const { id, height, subtrees } = entry;
  for (const store of subtrees) {
    rows.push(new BufferedRow(store, placeOf(entry.subtreeHeight(store), id), height));
  }
  if (subtrees.length === 0) rows.push(new BufferedRow(MAIN, placeOf(height, id), height));
}
