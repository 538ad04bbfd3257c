import type { ArrivalLog } from "../../../backend/log/arrival_log.ts";
import { isSameCursor, type LogCursor } from "../../../backend/log/log_cursor.ts";
import { weightOf } from "../../../backend/records/arrivals.ts";
import type { ID } from "../../../entry/id.ts";
import type { Table } from "../actions.ts";
import { RangeTable } from "../range_table.ts";

/** Bytes of all tables that are kept for later. */
export const TABLES_BYTES: number = 64 * 1024 * 1024;
/** Rows of a log that are read at once. */
const ROWS_AT_ONCE = 4096;

/** A table, and how many entries were Verified when it was made. */
type Made = Table & { readonly count: number };

/** Tables of trees, each made of a log when it is first asked for and again when the log has grown. */
export class RangeTables {
  readonly #log: ArrivalLog;
  readonly #most: number;
  readonly #tables = new Map<string, Made>();
  /** What is being looked for, once for all who ask meanwhile. */
  readonly #wanted = new Map<string, Promise<Table | undefined>>();

  /** Tables of logs, of which so many bytes are kept. */
  constructor(log: ArrivalLog, most: number | undefined = TABLES_BYTES) {
    this.#log = log;
    this.#most = most;
  }

  /** How many tables are kept. */
  get size(): number {
    return this.#tables.size;
  }

  /** The table of a tree; undefined when it is not held. */
  of(tree: ID): Promise<Table | undefined> {
    const key = tree.toString();
    const known = this.#wanted.get(key);
    if (known !== undefined) return known;
    const wanted = this.#find(tree, key).finally(() => this.#wanted.delete(key));
    this.#wanted.set(key, wanted);
    return wanted;
  }

  async #find(tree: ID, key: string): Promise<Table | undefined> {
    const log = await this.#log.cursor(tree);
    if (log === undefined) return undefined;
    const { count } = (await this.#log.head(tree))!;
    const known = this.#tables.get(key);
    this.#tables.delete(key);
    // A verdict that was taken back adds nothing to the log.
    const isCurrent = known?.count === count && isSameCursor(known.log, log);
    const table = isCurrent ? known : await this.#make(tree, log, count);
    this.#tables.set(key, table);
    this.#forget();
    return table;
  }

  async #make(tree: ID, log: LogCursor, count: number): Promise<Made> {
    const { position } = log;
    const heights = new Float64Array(position);
    const shorts = new BigUint64Array(position);
    const isHeld = new Uint8Array(position);
    const mayHaveGone = count !== position;
    for (let from = 0; from < position; from += ROWS_AT_ONCE) {
      const rows = await this.#log.read(tree, from, Math.min(ROWS_AT_ONCE, position - from));
      const held = mayHaveGone ? await this.#log.holds(tree, rows.map(({ id }) => id)) : undefined;
      rows.forEach(({ id, height }, nth) => {
        heights[from + nth] = height;
        shorts[from + nth] = weightOf(id);
        isHeld[from + nth] = held?.[nth] === false ? 0 : 1;
      });
    }
    return { table: tableOf(heights, shorts, isHeld), log, count };
  }

  /** The tables that were not asked for longest are forgotten; the last one stays. */
  #forget(): void {
    let bytes = [...this.#tables.values()].reduce((sum, { table }) => sum + table.bytes, 0);
    for (const [key, { table }] of this.#tables) {
      if (bytes <= this.#most || this.#tables.size === 1) return;
      this.#tables.delete(key);
      bytes -= table.bytes;
    }
  }
}

function tableOf(heights: Float64Array, shorts: BigUint64Array, isHeld: Uint8Array): RangeTable {
  const positions = Uint32Array.from(heights, (_, at) => at).filter((at) => isHeld[at] === 1);
  return new RangeTable({
    heights: Float64Array.from(positions, (at) => heights[at]!),
    shorts: BigUint64Array.from(positions, (at) => shorts[at]!),
    positions,
  });
}
