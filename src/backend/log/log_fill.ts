/**
 * Fills in the arrival log of a tree that is older than its log.
 *
 * First the log is begun, and from then on whatever becomes Verified is a row of it, in every process. What was
 * Verified before is put below that, from the highest entry in fold order down, a page at a time: the head
 * says how far that has come, so it goes on after a crash where it was. Entries that the log has got in
 * the meantime are left out. Several processes may do this at once: each goes on from where the head is.
 *
 * @module
 */

import { ID } from "../../entry/id.ts";
import { compareBytes, equalBytes } from "../../util/bytes.ts";
import type { RandomSource } from "../../util/random.ts";
import { turns } from "../../util/turns.ts";
import type { Placed } from "../backlog/agenda.ts";
import {
  type Arrival,
  grownBelow,
  LOG_ID_BYTES,
  newLog,
  type TreeLog,
  writeArrivals,
} from "../records/arrivals.ts";
import { MAX_ATTEMPTS, outrun } from "../records/attempts.ts";
import { headKey, placeOf, readPosition } from "../records/keys.ts";
import { type IndexSource, scanTreePlaces } from "../records/store_index.ts";
import { damagedEntry, readStored } from "../records/stored_entries.ts";
import { encodeHead, type TreeHead } from "../records/tree_records.ts";
import type { CachedTree, TreeCache } from "../tree/tree_cache.ts";
import { type LoggedHead, readRange } from "./log_rows.ts";

/** What filling in a log reads and writes. */
export interface FillSource extends IndexSource {
  /** Heads of trees. */
  readonly trees: TreeCache;
  /** Names logs. */
  readonly random: RandomSource;
}

/** How much is done at once. */
export interface FillSizes {
  /** Entries that are sorted in memory. */
  readonly window: number;
  /** Rows that one storage commit adds. */
  readonly page: number;
}

/** Memory for some ten megabytes of places, and commits of sixteen records. */
export const FILL_SIZES: FillSizes = Object.freeze({ window: 65_536, page: 1024 });
/** Entries that are read by one call of the storage; each may be large. */
const READ_AT_ONCE = 128;
/** Rows of the log that are read at once. */
const ROWS_AT_ONCE = 4096;

/** Nothing is filled in yet. */
const START = new Uint8Array(0);

/** Fills in the log of a tree, or the rest of it. `mayGoOn` is asked again and again, and ends it by throwing. */
export async function fillLog(
  source: FillSource,
  tree: ID,
  mayGoOn: () => void,
  sizes: FillSizes = FILL_SIZES,
): Promise<void> {
  for (let refused = 0;;) {
    if (refused >= MAX_ATTEMPTS) throw outrun(`begin the log of tree "${tree}"`);
    mayGoOn();
    const base = await source.trees.read(tree);
    const { log } = base.head;
    if (base.version === undefined || (log !== undefined && log.front === undefined)) return;
    if (log === undefined) refused += await begin(source, tree, base) ? 0 : 1;
    else await new Filling(source, tree, log.id, sizes, mayGoOn).fillWindow(log.front!);
  }
}

async function begin(source: FillSource, tree: ID, base: CachedTree): Promise<boolean> {
  const log = newLog(source.random.bytes(LOG_ID_BYTES), START);
  return await commitHead(source, tree, base, { ...base.head, log }, []);
}

/** Puts another head in place of the one that was read; says whether that was still there. */
async function commitHead(
  { driver, trees }: FillSource,
  tree: ID,
  { head: { sequence }, version, stores }: CachedTree,
  next: TreeHead,
  set: [Uint8Array, Uint8Array][],
): Promise<boolean> {
  const key = headKey(tree);
  const head = { ...next, sequence: sequence + 1 };
  set.push([key, encodeHead(head)]);
  const result = await driver.commit({ checks: [{ key, version }], set });
  if (result.ok) trees.replace(tree, { head, version: result.version, stores });
  else trees.forget(tree);
  return result.ok;
}

/** One log that is being filled in. */
class Filling {
  readonly #source: FillSource;
  readonly #tree: ID;
  readonly #logId: Uint8Array;
  readonly #sizes: FillSizes;
  readonly #mayGoOn: () => void;

  constructor(
    source: FillSource,
    tree: ID,
    logId: Uint8Array,
    sizes: FillSizes,
    mayGoOn: () => void,
  ) {
    this.#source = source;
    this.#tree = tree;
    this.#logId = logId;
    this.#sizes = sizes;
    this.#mayGoOn = mayGoOn;
  }

  /** Fills in as many of the highest entries below `front` as are sorted at once. */
  async fillWindow(front: Uint8Array): Promise<void> {
    const window = await this.#windowBelow(front);
    const isLast = window.length < this.#sizes.window;
    const rows = await this.#olderAmong(window);
    const lowest = window.at(-1);
    const end = isLast || lowest === undefined ? undefined : frontOf(lowest);
    for (let at = 0; at < rows.length - this.#sizes.page; at += this.#sizes.page) {
      const page = rows.slice(at, at + this.#sizes.page);
      if (!await this.#write(page, frontOf(page.at(-1)!))) return;
    }
    const rest = rows.length % this.#sizes.page || this.#sizes.page;
    await this.#write(rows.slice(-rest), end);
  }

  /** The highest entries below a place, highest first. */
  async #windowBelow(front: Uint8Array): Promise<Placed[]> {
    const isBelow = belowOf(front);
    let found: Placed[] = [];
    for await (const rows of scanTreePlaces(this.#source, this.#tree)) {
      for (const { id, height } of rows) if (isBelow({ id, height })) found.push({ id, height });
      if (found.length >= 2 * this.#sizes.window) found = this.#highest(found);
      await this.#pause();
    }
    return this.#highest(found);
  }

  async #pause(): Promise<void> {
    if (!turns.isOver) return;
    await turns.next();
    this.#mayGoOn();
  }

  #highest(places: Placed[]): Placed[] {
    places.sort((a, b) => comparePlaces(b, a));
    const each = places.filter(({ id }, at) => at === 0 || !id.equals(places[at - 1]!.id));
    return each.slice(0, this.#sizes.window);
  }

  /** Those that were Verified before the log was begun. */
  async #olderAmong(window: readonly Placed[]): Promise<Arrival[]> {
    const found = new Map<string, Arrival>();
    for (let at = 0; at < window.length; at += READ_AT_ONCE) {
      for (const row of await this.#verified(window.slice(at, at + READ_AT_ONCE))) {
        found.set(row.id.toString(), row);
      }
      await this.#pause();
    }
    // What was read as Verified and has become so since the log was begun is a row of it by now.
    for await (const rows of this.#newerRows()) {
      for (const { id } of rows) found.delete(id.toString());
    }
    return [...found.values()];
  }

  async #verified(places: readonly Placed[]): Promise<Arrival[]> {
    const stored = await readStored(this.#source.driver, places.map(({ id }) => id));
    return places.flatMap(({ id, height }, at) => {
      const held = stored[at];
      if (held?.row.status !== "Verified" || !held.row.tree.equals(this.#tree)) return [];
      if (held.bytes === undefined) throw damagedEntry(id, "its bytes are missing");
      return [{ id, height, size: held.bytes.length }];
    });
  }

  /** The rows that the log has got since it was begun. */
  async *#newerRows(): AsyncIterable<Arrival[]> {
    const { head } = await this.#source.trees.read(this.#tree);
    const { log } = head;
    if (log === undefined || !this.#isMine(log)) return;
    for (let at = log.older; at < log.length; at += ROWS_AT_ONCE) {
      const to = Math.min(at + ROWS_AT_ONCE, log.length);
      const { driver } = this.#source;
      yield (await readRange(driver, this.#tree, head as LoggedHead, at, to)).rows;
    }
  }

  #isMine(log: TreeLog | undefined): boolean {
    return log?.front !== undefined && equalBytes(log.id, this.#logId);
  }

  /** Writes rows, highest first, that nobody has written; says whether there is anything left to fill in. */
  async #write(page: readonly Arrival[], front: Uint8Array | undefined): Promise<boolean> {
    for (let attempt = 0;; attempt++) {
      if (attempt >= MAX_ATTEMPTS) throw outrun(`fill in the log of tree "${this.#tree}"`);
      this.#mayGoOn();
      const base = await this.#source.trees.read(this.#tree);
      const { log } = base.head;
      if (log === undefined || !this.#isMine(log)) return false;
      if (await this.#add(base, log, page, front)) return true;
    }
  }

  async #add(
    base: CachedTree,
    log: TreeLog,
    page: readonly Arrival[],
    front: Uint8Array | undefined,
  ): Promise<boolean> {
    // Another process may have come further.
    if (front !== undefined && isAbove(front, log.front!)) return true;
    const rows = page.filter(belowOf(log.front!)).reverse();
    const next = grownBelow(log, rows, front);
    const set: [Uint8Array, Uint8Array][] = [];
    writeArrivals(this.#tree, next, 0, 0n, rows, set);
    return await commitHead(this.#source, this.#tree, base, { ...base.head, log: next }, set);
  }
}

function comparePlaces(a: Placed, b: Placed): number {
  return a.height - b.height || ID.compareFold(a.id, b.id);
}

function frontOf({ height, id }: Placed): Uint8Array {
  return placeOf(height, id);
}

/** Whether a front is that of less than another one. */
function isAbove(front: Uint8Array, other: Uint8Array): boolean {
  return other.length > 0 && compareBytes(front, other) >= 0;
}

/** Tells what is not filled in yet. */
function belowOf(front: Uint8Array): (place: Placed) => boolean {
  if (front.length === 0) return () => true;
  const at = readPosition(front, 0);
  return (place) => comparePlaces(place, at) < 0;
}
