import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { Table } from "./actions.ts";
import { answer, firstWindows } from "./reconcile.ts";
import type { Range } from "./range_codec.ts";

/** What came of one message about ranges. */
export interface Compared {
  /** What is to be sent; undefined when nothing is. */
  readonly ranges: readonly Range[] | undefined;
  /** Set when the sides know where they differ: positions in the own log that the other side lacks, parents first. */
  readonly lacking: Uint32Array | undefined;
}

/** Compares the ranges of a tree with those of the other side, by a table of how the own log was at one time. */
export class Comparison {
  /** The end of the log when the table was made. */
  readonly log: LogCursor;
  readonly #table: Table["table"];
  /** One bit for each place of the table: whether the other side lacks it. */
  readonly #lacking: Uint8Array;

  /** Begins with a table. */
  constructor({ table, log }: Table) {
    this.log = log;
    this.#table = table;
    this.#lacking = new Uint8Array(Math.ceil(table.size / 8));
  }

  /** What is sent by the side that begins. */
  first(): readonly Range[] {
    return firstWindows(this.#table);
  }

  /** Takes what the other side tells. Nothing told means that nothing is open for it; so does an answer of nothing. */
  told(told: readonly Range[]): Compared {
    const { ranges, lacking } = answer(this.#table, told);
    for (const [from, to] of lacking) {
      for (let at = from; at < to; at++) this.#lacking[at >> 3]! |= 1 << (at & 7);
    }
    const isSettled = told.length === 0 || ranges.length === 0;
    return {
      ranges: told.length === 0 ? undefined : ranges,
      lacking: isSettled ? this.#positions() : undefined,
    };
  }

  #positions(): Uint32Array {
    const found: number[] = [];
    for (let at = 0; at < this.#table.size; at++) {
      if ((this.#lacking[at >> 3]! >> (at & 7)) & 1) found.push(this.#table.positionAt(at));
    }
    return Uint32Array.from(found);
  }
}
