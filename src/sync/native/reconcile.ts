/**
 * Finds where two sides differ, without I/O and without state between messages: each message says enough to be
 * answered by itself. Fingerprints only save work: a wrong one costs a round or leaves entries to be asked for by
 * their IDs, and never puts anything in or out.
 *
 * @module
 */

import { RANGES_BYTES } from "./limits.ts";
import { type Bound, MAX_RANGES, type Range, SHORT_BYTES, sumOf } from "./range_codec.ts";
import { bytesOf, type RangeTable } from "./range_table.ts";

/** Entries of a range that are listed instead of being split, and the first window. */
export const LISTED = 32;
/** Parts that a range which differs is split into. */
export const SPLIT = 16;

/** What is answered, and what the other side was found to lack. */
export interface Answer {
  /** Ranges to be sent; none when nothing is open any more. */
  readonly ranges: readonly Range[];
  /** Places in the own table of entries that the other side lacks. */
  readonly lacking: readonly Places[];
}

/** Places of a table: from one on, to before another. */
export type Places = readonly [from: number, to: number];

/**
 * The first message: a list of the newest entries, then fingerprints of windows that double, down to the root.
 * Where histories differ at their ends, as they mostly do, it is answered in one round.
 */
export function firstWindows(table: RangeTable): Range[] {
  if (table.size === 0) return [{ mode: "list", upper: undefined, ids: [] }];
  const starts: number[] = [];
  for (let at = table.size, width = LISTED; at > 0; width *= starts.length > 1 ? 2 : 1) {
    at = Math.max(0, at - width);
    starts.push(at);
  }
  starts.reverse();
  return starts.map((from, index) => {
    const isNewest = index === starts.length - 1;
    const to = isNewest ? table.size : starts[index + 1]!;
    const upper = isNewest ? undefined : table.boundAt(to);
    return isNewest ? listed(table, from, to, upper) : fingerprint(table, from, to, upper);
  });
}

function listed(table: RangeTable, from: number, to: number, upper: Bound | undefined): Range {
  const ids: Uint8Array[] = [];
  for (let at = from; at < to; at++) ids.push(bytesOf(table.shortAt(at)));
  return { mode: "list", upper, ids };
}

function fingerprint(table: RangeTable, from: number, to: number, upper: Bound | undefined): Range {
  return { mode: "fingerprint", upper, sum: table.sum(from, to), count: to - from };
}

/** Answers what the other side told, in a message of about so many bytes at most. */
export function answer(
  table: RangeTable,
  told: readonly Range[],
  mostBytes: number = RANGES_BYTES,
): Answer {
  const ranges: Range[] = [];
  const lacking: Places[] = [];
  let [from, bytes] = [0, 0];
  for (const range of told) {
    const to = range.upper === undefined ? table.size : Math.max(from, table.indexOf(range.upper));
    if (ranges.length + SPLIT >= MAX_RANGES || bytes > mostBytes) {
      // Too much for one message: what is left is told as one range, and found in the next round.
      ranges.push(fingerprint(table, from, table.size, undefined));
      break;
    }
    const answered = answerRange(table, from, to, range, lacking);
    for (const it of answered) bytes += sizeOf(it);
    ranges.push(...answered);
    from = to;
  }
  return { ranges: trimmed(ranges), lacking };
}

/** About how many bytes a range has on the wire. */
function sizeOf(range: Range): number {
  if (range.mode === "list") return 2 * SHORT_BYTES + range.ids.length * SHORT_BYTES;
  return range.mode === "same" ? SHORT_BYTES : 4 * SHORT_BYTES;
}

function answerRange(
  table: RangeTable,
  from: number,
  to: number,
  range: Range,
  lacking: Places[],
): Range[] {
  const { upper } = range;
  const same: Range = { mode: "same", upper };
  switch (range.mode) {
    case "same":
      return [same];
    case "wanted":
      lacking.push(...wantedPlaces(from, to, range.bits));
      return [same];
    case "list":
      return [answerList(table, from, to, range.ids.map(sumOf), upper, lacking) ?? same];
    case "fingerprint":
      if (range.count === to - from && range.sum === table.sum(from, to)) return [same];
      if (range.count === 0) {
        if (to > from) lacking.push([from, to]);
        return [same];
      }
      return to - from <= LISTED ? [listed(table, from, to, upper)] : split(table, from, to, upper);
  }
}

/** The places of a list that was told before, of which `bits` say which are wanted. */
function wantedPlaces(from: number, to: number, bits: Uint8Array): Places[] {
  const places: Places[] = [];
  for (let at = from; at < Math.min(to, from + 8 * bits.length); at++) {
    const bit = at - from;
    if ((bits[bit >> 3]! >> (bit & 7)) & 1) places.push([at, at + 1]);
  }
  return places;
}

/** Notes what is not in the other side's list; what of it is wanted here, if anything. */
function answerList(
  table: RangeTable,
  from: number,
  to: number,
  ids: readonly bigint[],
  upper: Bound | undefined,
  lacking: Places[],
): Range | undefined {
  const isTold = new Set(ids);
  const both = new Set<bigint>();
  let start = from;
  for (let at = from; at < to; at++) {
    if (!isTold.has(table.shortAt(at))) continue;
    both.add(table.shortAt(at));
    if (at > start) lacking.push([start, at]);
    start = at + 1;
  }
  if (to > start) lacking.push([start, to]);
  const bits = new Uint8Array(Math.ceil(ids.length / 8));
  ids.forEach((id, at) => bits[at >> 3]! |= both.has(id) ? 0 : 1 << (at & 7));
  return bits.every((byte) => byte === 0) ? undefined : { mode: "wanted", upper, bits };
}

function split(table: RangeTable, from: number, to: number, upper: Bound | undefined): Range[] {
  const parts: Range[] = [];
  let start = from;
  for (let part = 1; part <= SPLIT; part++) {
    const isLast = part === SPLIT;
    const end = isLast ? to : from + Math.floor((to - from) * part / SPLIT);
    if (end === start && !isLast) continue;
    parts.push(fingerprint(table, start, end, isLast ? upper : table.boundAt(end)));
    start = end;
  }
  return parts;
}

/** Neighbours in which nothing is open become one; at the end they are left out. */
function trimmed(ranges: readonly Range[]): Range[] {
  const kept: Range[] = [];
  for (const range of ranges) {
    if (range.mode === "same" && kept.at(-1)?.mode === "same") kept.pop();
    kept.push(range);
  }
  while (kept.at(-1)?.mode === "same") kept.pop();
  return kept;
}
