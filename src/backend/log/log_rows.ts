import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import {
  type Arrival,
  decodeArrivals,
  ORIGIN,
  ROWS_PER_RECORD,
  sumOf,
  type TreeLog,
  wrapped,
} from "../records/arrivals.ts";
import { logKey, readLogPlace } from "../records/keys.ts";
import { damagedRecord, RecordReader } from "../records/record_bytes.ts";
import { arrivalsIn, type TreeHead } from "../records/tree_records.ts";

/** The head of a tree that has a log. */
export type LoggedHead = TreeHead & { readonly log: TreeLog };

/** The sum of all rows of a log. */
export function totalOf({ log, buffer }: LoggedHead): bigint {
  return wrapped(log.sum + sumOf(arrivalsIn(buffer)));
}

/** Some rows of a log, one after the other, and the sum of all rows before them. */
export interface LogRange {
  /** The rows. */
  readonly rows: Arrival[];
  /** The sum of those before. */
  readonly before: bigint;
}

/**
 * The rows of a log from one position to another, which the head says that there are. Costs one listing of
 * the records that they are in, of at most {@link ROWS_PER_RECORD} others, and none for what the head carries.
 */
export async function readRange(
  driver: StorageDriver,
  tree: ID,
  { log, buffer }: LoggedHead,
  from: number,
  to: number,
): Promise<LogRange> {
  const written = log.length - buffer.arrivals.length;
  if (from >= written) {
    const carried = arrivalsIn(buffer);
    const before = wrapped(log.sum + sumOf(carried.slice(0, from - written)));
    return { rows: carried.slice(from - written, to - written), before };
  }
  const stored = await readWritten(driver, tree, log, from, Math.min(to, written));
  if (to > written) stored.rows.push(...arrivalsIn(buffer).slice(0, to - written));
  return stored;
}

/** As {@link readRange}, of rows that have records. */
async function readWritten(
  driver: StorageDriver,
  tree: ID,
  log: TreeLog,
  from: number,
  to: number,
): Promise<LogRange> {
  const place = ORIGIN + from - log.older;
  const start = logKey(tree, place - ROWS_PER_RECORD + 1);
  const end = logKey(tree, place + Math.max(to - from, 1));
  const range = new RangeReader(log, from, to);
  for await (const page of driver.list({ start, end })) {
    for (const { key, value } of page) range.add(readLogPlace(key), value);
  }
  return range.done();
}

/** Puts the rows of records together, and makes sure that none is missing. */
class RangeReader {
  readonly #log: TreeLog;
  readonly #from: number;
  readonly #to: number;
  readonly #rows: Arrival[] = [];
  #before: bigint | undefined;
  #next: number;

  constructor(log: TreeLog, from: number, to: number) {
    this.#log = log;
    this.#from = from;
    this.#to = to;
    this.#next = from;
  }

  /** Takes what is wanted of the record at a place. */
  add(place: number, value: Uint8Array): void {
    const first = place - ORIGIN + this.#log.older;
    const { sum, rows } = decodeArrivals(new RecordReader(value));
    const end = first + rows.length;
    if (end <= this.#from) return;
    const skipped = this.#next - first;
    if (skipped < 0 || (this.#before !== undefined && skipped > 0)) throw incomplete(this.#next);
    this.#before ??= wrapped(sum + this.#log.olderSum + sumOf(rows.slice(0, skipped)));
    this.#rows.push(...rows.slice(skipped, this.#to - first));
    this.#next = end;
  }

  done(): LogRange {
    if (this.#before === undefined || this.#next < this.#to) throw incomplete(this.#next);
    return { rows: this.#rows, before: this.#before };
  }
}

function incomplete(position: number): Error {
  return damagedRecord(`the row ${position} of an arrival log is missing`);
}
