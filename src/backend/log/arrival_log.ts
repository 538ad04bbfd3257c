import type { ID } from "../../entry/id.ts";
import { abortable, requireNotAborted } from "../../util/abort.ts";
import { StorageError } from "../../util/errors.ts";
import { type Arrival, sumOf, wrapped } from "../records/arrivals.ts";
import type { EntryCache } from "../records/entry_cache.ts";
import { damagedEntry, readStored } from "../records/stored_entries.ts";
import type { IdRow } from "../records/tree_records.ts";
import { fewEntriesBetween } from "../tree/difference.ts";
import type { EntryReader } from "../tree/walk.ts";
import { isSameCursor, type LogCursor } from "./log_cursor.ts";
import { fillLog, type FillSource } from "./log_fill.ts";
import { type LoggedHead, readRange, totalOf } from "./log_rows.ts";

/** The engine, as far as its logs need it. */
export interface LogSource extends FillSource, EntryReader {
  /** Entries used last. */
  readonly entries: EntryCache;
  /** The rows of entries as storage holds them now. */
  loadRows(ids: readonly ID[]): Promise<(IdRow | undefined)[]>;
}

/** The same with its logs, once somebody has asked for them. */
export interface LogOwner extends LogSource {
  /** See {@link ArrivalLog.of}. */
  log: ArrivalLog | undefined;
}

/** What is known of a log as a whole. */
export interface LogHead {
  /** Name of the log: 8 random bytes. */
  readonly logId: Uint8Array;
  /** How many rows it has. */
  readonly length: number;
  /** The sum of all rows: of the first 8 bytes of the digests in their IDs, modulo 2^64. */
  readonly sum: bigint;
  /** How many entries of the tree are Verified. */
  readonly count: number;
}

/** How much of a log is read at once. */
export interface PageLimits {
  /** Most rows. */
  readonly count?: number;
  /** Most bytes of entries; one entry is read even if it has more. */
  readonly bytes?: number;
}

/** An entry of a log as storage holds it. */
export interface LoggedEntry {
  /** Its ID. */
  readonly id: ID;
  /** Its height in the tree. */
  readonly height: number;
  /** Its canonical bytes. They must not be changed. */
  readonly bytes: Uint8Array;
}

/** The entries after a place in a log. */
export interface LogPage {
  /** Those that are Verified, in the order of the log. */
  readonly entries: readonly LoggedEntry[];
  /** The place after them. */
  readonly next: LogCursor;
  /** How many rows are left after that. */
  readonly left: number;
}

/** What the owner of some tips lacks. */
export interface Difference {
  /** The Verified entries that those tips do not reach, parents first; undefined when they are too many to tell. */
  readonly lacking: readonly Arrival[] | undefined;
  /** Those of the tips that are not Verified here. What they reach may be among `lacking`. */
  readonly unknown: readonly ID[];
}

/** Rows and bytes of a page, unless others are named. */
export const PAGE_LIMITS: Required<PageLimits> = Object.freeze({ count: 1024, bytes: 1024 * 1024 });
/** Entries that are met while a difference is looked for, unless another number is named. */
export const MOST_MET = 65_536;
/** Rows of entries that one call of the storage reads. */
const READ_AT_ONCE = 512;

/**
 * The arrival logs of all trees: in which order their entries became Verified (parents always come before
 * children), and what a peer lacks that has the log up to some place.
 *
 * Rows are only ever added. An entry whose verdict was taken back is still listed, and once more when it is
 * Verified again. Trees that are older than their logs are filled in when somebody first asks, which writes;
 * every later call costs what it reads, however long the log is.
 */
export class ArrivalLog {
  readonly #source: LogSource;
  readonly #fills = new Map<string, Promise<void>>();
  #isClosed = false;

  /** The logs of an engine, the same for all who ask. */
  static of(owner: LogOwner): ArrivalLog {
    return owner.log ??= new ArrivalLog(owner);
  }

  /** The logs of the trees of `source`. */
  private constructor(source: LogSource) {
    this.#source = source;
  }

  /** What is known of the log of a tree; undefined for an unknown tree. Reads the head of the tree. */
  async head(tree: ID, signal?: AbortSignal): Promise<LogHead | undefined> {
    const head = await this.#read(tree, signal);
    if (head === undefined) return undefined;
    const { id, length, count } = head.log;
    return { logId: id, length, sum: totalOf(head), count };
  }

  /** Up to `limit` rows from a position on; none beyond the end. Reads no entries. */
  async read(tree: ID, from: number, limit: number, signal?: AbortSignal): Promise<Arrival[]> {
    const head = await this.#read(tree, signal);
    if (head === undefined || from >= head.log.length) return [];
    const to = Math.min(from + limit, head.log.length);
    return (await readRange(this.#source.driver, tree, head, from, to)).rows;
  }

  /** The place at a position, at the end unless another is named; undefined when there is none. */
  async cursor(tree: ID, position?: number, signal?: AbortSignal): Promise<LogCursor | undefined> {
    const head = await this.#read(tree, signal);
    if (head === undefined || (position ?? 0) > head.log.length) return undefined;
    return await this.#cursorAt(tree, head, position ?? head.log.length);
  }

  async #cursorAt(tree: ID, head: LoggedHead, position: number): Promise<LogCursor> {
    const { driver } = this.#source;
    const { before } = await readRange(driver, tree, head, position, position);
    return { logId: head.log.id, position, sum: before };
  }

  /** Whether a cursor is of this log as it is now; if not, nothing is known of who has it. */
  async isValid(tree: ID, cursor: LogCursor, signal?: AbortSignal): Promise<boolean> {
    const found = await this.cursor(tree, cursor.position, signal);
    return found !== undefined && isSameCursor(found, cursor);
  }

  /**
   * The stored bytes of the entries after a cursor, or from the beginning; undefined when the cursor is not
   * valid, or the tree unknown. Entries that are not Verified any more are left out.
   */
  async entriesAfter(
    tree: ID,
    cursor: LogCursor | undefined,
    limits: PageLimits = {},
    signal?: AbortSignal,
  ): Promise<LogPage | undefined> {
    const head = await this.#read(tree, signal);
    const position = cursor?.position ?? 0;
    if (head === undefined || position > head.log.length) return undefined;
    const { count = PAGE_LIMITS.count, bytes = PAGE_LIMITS.bytes } = limits;
    const to = Math.min(position + Math.max(1, count), head.log.length);
    const { rows, before } = await readRange(this.#source.driver, tree, head, position, to);
    const logId = head.log.id;
    if (cursor !== undefined && !isSameCursor({ logId, position, sum: before }, cursor)) {
      return undefined;
    }
    const taken = rows.slice(0, fitting(rows, bytes));
    const sum = wrapped(before + sumOf(taken));
    const next = { logId, position: position + taken.length, sum };
    const entries = await this.#load(tree, taken);
    return { entries, next, left: head.log.length - next.position };
  }

  /** The bytes of those of some rows that are Verified. */
  async #load(tree: ID, rows: readonly Arrival[]): Promise<LoggedEntry[]> {
    const { driver, entries } = this.#source;
    const known = rows.map(({ id }) => verifiedIn(entries, tree, id));
    const others = rows.filter((_, at) => known[at] === undefined);
    const stored = others.length === 0 ? [] : await readStored(driver, others.map(({ id }) => id));
    let next = 0;
    return rows.flatMap(({ id, height }, at) => {
      const bytes = known[at];
      if (bytes !== undefined) return [{ id, height, bytes }];
      const held = stored[next++];
      if (held?.row.status !== "Verified" || !held.row.tree.equals(tree)) return [];
      if (held.bytes === undefined) throw damagedEntry(id, "its bytes are missing");
      return [{ id, height, bytes: held.bytes }];
    });
  }

  /** Which of some IDs are Verified entries of a tree. */
  async holds(tree: ID, ids: readonly ID[]): Promise<boolean[]> {
    const held = ids.map((id) => verifiedIn(this.#source.entries, tree, id) !== undefined);
    const others = [...ids.keys()].filter((at) => !held[at]);
    for (let start = 0; start < others.length; start += READ_AT_ONCE) {
      const some = others.slice(start, start + READ_AT_ONCE);
      const rows = await this.#source.loadRows(some.map((at) => ids[at]!));
      for (const [nth, at] of some.entries()) held[at] = isVerifiedIn(tree, rows[nth]);
    }
    return held;
  }

  /**
   * What a peer lacks that has these tips, exactly if all of them are Verified here: then it has all that
   * they reach. Costs what lies between the frontiers, and nothing when they are equal; needs no log.
   */
  async difference(tree: ID, tips: readonly ID[], most: number = MOST_MET): Promise<Difference> {
    const held = await this.holds(tree, tips);
    const known = tips.filter((_, at) => held[at]);
    const { verified } = (await this.#source.trees.read(tree)).head;
    const entries = await fewEntriesBetween(this.#source, known, verified, most);
    const lacking = entries?.map(({ id, height, bytes }) => ({ id, height, size: bytes.length }));
    return { lacking, unknown: tips.filter((_, at) => !held[at]) };
  }

  /** Goes on with filling in a log if somebody has begun to. */
  async finish(tree: ID): Promise<void> {
    if ((await this.#source.trees.read(tree)).head.log?.front !== undefined) await this.#fill(tree);
  }

  /** Ends what is being filled in; it goes on when somebody asks again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#fills.values());
  }

  /** The head of a tree with a log that is filled in; undefined for an unknown tree. */
  async #read(tree: ID, signal?: AbortSignal): Promise<LoggedHead | undefined> {
    const action = `read the arrival log of tree "${tree}"`;
    for (;;) {
      requireNotAborted({ signal, action });
      const { head, version } = await this.#source.trees.read(tree);
      if (version === undefined) return undefined;
      if (head.log !== undefined && head.log.front === undefined) return head as LoggedHead;
      await abortable({ signal, action }, () => this.#fill(tree));
    }
  }

  /** Fills in the log of a tree, once for all who ask meanwhile. */
  #fill(tree: ID): Promise<void> {
    const key = tree.toString();
    const running = this.#fills.get(key);
    if (running !== undefined) return running;
    const fill = fillLog(this.#source, tree, () => this.#requireOpen(tree))
      .finally(() => this.#fills.delete(key));
    this.#fills.set(key, fill);
    // Whoever asked may not wait any more.
    fill.catch(() => undefined);
    return fill;
  }

  #requireOpen(tree: ID): void {
    if (!this.#isClosed) return;
    throw new StorageError(
      "Closed",
      `Cannot fill in the arrival log of tree "${tree}": the storage was closed; it goes on when it is asked for again`,
    );
  }
}

/** How many of the first rows have so many bytes together; at least one, if there is any. */
function fitting(rows: readonly Arrival[], bytes: number): number {
  let left = bytes;
  const end = rows.findIndex(({ size }, at) => (left -= size) < 0 && at > 0);
  return end < 0 ? rows.length : end;
}

/** The bytes of an entry that is known to be Verified: another process may change any other status. */
function verifiedIn(entries: EntryCache, tree: ID, id: ID): Uint8Array | undefined {
  const held = entries.get(id);
  return held !== undefined && isVerifiedIn(tree, held.row) ? held.entry.bytes : undefined;
}

function isVerifiedIn(tree: ID, row: IdRow | undefined): boolean {
  return row?.status === "Verified" && row.tree.equals(tree);
}
