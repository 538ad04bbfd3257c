/** Sets of entries for the tests of reconciliation. */

import fc from "fast-check";
import { answer, firstWindows } from "../../src/sync/native/reconcile.ts";
import { RangeTable } from "../../src/sync/native/range_table.ts";
import { type Range, readRanges, writeRanges } from "../../src/sync/native/range_codec.ts";
import { Reader, Writer } from "../../src/sync/native/varint.ts";

/** An entry as reconciliation sees it. */
export interface RangedEntry {
  readonly height: number;
  readonly short: bigint;
}

/** The table of some entries. */
export function tableOf(entries: readonly RangedEntry[]): RangeTable {
  return new RangeTable({
    heights: entries.map(({ height }) => height),
    shorts: entries.map(({ short }) => short),
    positions: entries.map((_, at) => at),
  });
}

/** An entry, of the few or the many heights there are. */
export const anEntry = (heights: number): fc.Arbitrary<RangedEntry> =>
  fc.record({
    height: fc.integer({ min: 0, max: heights }),
    short: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  });

/** What a message is after it was on the wire. */
export function overTheWire(ranges: readonly Range[]): { ranges: Range[]; bytes: number } {
  const writer = new Writer();
  writeRanges(writer, ranges);
  const bytes = writer.done();
  const reader = new Reader(bytes);
  const read = readRanges(reader);
  reader.end();
  return { ranges: read, bytes: bytes.length };
}

/** What two sides find out about each other, and what it took. */
export interface Found {
  readonly aLacks: readonly string[];
  readonly bLacks: readonly string[];
  readonly messages: number;
  readonly bytes: number;
}

const name = ({ height, short }: RangedEntry): string => `${height}/${short}`;

/** Lets two sides find out where they differ. */
export function reconcile(a: readonly RangedEntry[], b: readonly RangedEntry[]): Found {
  const sides = [a, b].map((entries) => ({
    entries,
    table: tableOf(entries),
    otherLacks: new Set<string>(),
  }));
  let message = overTheWire(firstWindows(sides[0]!.table));
  let [messages, bytes] = [1, message.bytes];
  for (let turn = 1; messages < 100; turn++) {
    const side = sides[turn % 2]!;
    const { ranges, lacking } = answer(side.table, message.ranges);
    for (const [from, to] of lacking) {
      for (let at = from; at < to; at++) {
        side.otherLacks.add(name(side.entries[side.table.positionAt(at)]!));
      }
    }
    if (ranges.length === 0) break;
    message = overTheWire(ranges);
    messages++;
    bytes += message.bytes;
  }
  const [bLacks, aLacks] = sides.map((side) => [...side.otherLacks].sort());
  return { aLacks: aLacks!, bLacks: bLacks!, messages, bytes };
}

/** What really is in one set and not in the other. */
export function minus(a: readonly RangedEntry[], b: readonly RangedEntry[]): string[] {
  const other = new Set(b.map(name));
  return [...new Set(a.map(name))].filter((it) => !other.has(it)).sort();
}
