/**
 * Where a writer puts the items of a list, so that those that it adds one after another stay together.
 *
 * Two writers that insert at the same place do not know of each other. If both took the next simple
 * fractions, as `Position.between` does, their items would alternate after the merge. So a *run* begins at a
 * random one of many cells of the gap, and goes on within that cell: other runs begin in other cells.
 *
 * A writer goes on where it has added last. That is remembered by the UUID of the item, for a while, and for
 * one that goes on: where the same list is edited on two branches, the second begins a run of its own.
 *
 * @module
 */

import { LruMap } from "../util/lru.ts";
import { type RandomSource, systemRandom, uuidV4 } from "../util/random.ts";
import { compareFractions, floorDiv, type Fraction, simplestBetween } from "./fraction.ts";
import { fitFraction, Position, type PositionOptions } from "./position.ts";

/** Bits of the number of cells in a gap: that two runs begin in one cell is rarer than 1 in so many. */
const CELL_BITS = 12;
/** Bits of the width of a cell at the open ends of a list: so many items of a run have whole numbers. */
const OPEN_CELL_BITS = 16;
/** Narrowest cell, in bits behind the point; in narrower gaps items go to the simplest fraction. */
const MAX_CELL_LEVEL = 40;
/** How many ends of runs are remembered. */
const REMEMBERED = 1024;

type Pair = readonly [numerator: bigint, denominator: bigint];

/** How far the run of an item may go on. */
interface Room {
  /** Before the item; undefined if it went on there already. */
  readonly low: Pair | undefined;
  /** Behind the item; likewise. */
  readonly high: Pair | undefined;
}

/** The ends of the runs of each writer, as far as they are remembered. */
const ends = new WeakMap<RandomSource, LruMap<Room>>();

/** The first position of a new list. */
export function firstPosition(options?: PositionOptions): Position {
  const position = Position.beginning(options);
  const width = 1n << BigInt(OPEN_CELL_BITS);
  endsOf(options).set(position.uniqueId, { low: [-width, 1n], high: [width, 1n] });
  return position;
}

/** Positions for the items of a new list: one run. */
export function positionsOf(count: number, options?: PositionOptions): Position[] {
  const random = options?.random ?? systemRandom;
  const ids = Array.from({ length: count }, () => uuidV4(random));
  const start = count === 0 ? 0 : cellOf(ids[0]!) * 2 ** OPEN_CELL_BITS;
  return ids.map((id, at) => Position.restore(start + at, 1, id));
}

/** A position between two items, or before or behind all of them, for a value that is inserted there. */
export function positionFor(
  left: Position | undefined,
  right: Position | undefined,
  options?: PositionOptions,
): Position {
  if (left?.denominator === 0 || right?.denominator === 0 || !isGap(left, right)) {
    return Position.between(left, right, options);
  }
  return goOn(left, right, options) ?? begin(left, right, options) ??
    Position.between(left, right, options);
}

function isGap(left: Position | undefined, right: Position | undefined): boolean {
  return left === undefined || right === undefined || compareFractions(left, right) < 0;
}

/** The next position of the run that ends at one of the two. */
function goOn(
  left: Position | undefined,
  right: Position | undefined,
  options: PositionOptions | undefined,
): Position | undefined {
  const remembered = endsOf(options);
  const before = left && remembered.get(left.uniqueId);
  if (before?.high !== undefined) {
    const end = right === undefined ? before.high : least(before.high, pairOf(right));
    const position = simplest(pairOf(left!), end, options);
    if (position === undefined) return undefined;
    remembered.set(left!.uniqueId, { low: before.low, high: undefined });
    remembered.set(position.uniqueId, { low: undefined, high: before.high });
    return position;
  }
  const behind = right && remembered.get(right.uniqueId);
  if (behind?.low === undefined) return undefined;
  const start = left === undefined ? behind.low : greatest(behind.low, pairOf(left));
  const position = simplest(start, pairOf(right!), options);
  if (position === undefined) return undefined;
  remembered.set(right!.uniqueId, { low: undefined, high: behind.high });
  remembered.set(position.uniqueId, { low: behind.low, high: undefined });
  return position;
}

/** The first position of a run in a random cell of the gap. */
function begin(
  left: Position | undefined,
  right: Position | undefined,
  options: PositionOptions | undefined,
): Position | undefined {
  const id = uuidV4(options?.random ?? systemRandom);
  const cell = left !== undefined && right !== undefined
    ? innerCell(pairOf(left), pairOf(right), cellOf(id))
    : openCell(left, right, cellOf(id));
  if (cell === undefined) return undefined;
  const fraction = fitFraction(simplestBetween(...cell));
  if (fraction === undefined) return undefined;
  endsOf(options).set(id, { low: cell[0], high: cell[1] });
  return Position.restore(...fraction, id);
}

/** A cell behind all items or before all of them, never the one next to them: their run may go on there. */
function openCell(
  left: Position | undefined,
  right: Position | undefined,
  cell: number,
): [Pair, Pair] {
  const width = 1n << BigInt(OPEN_CELL_BITS);
  const offset = BigInt(cell) * width;
  if (left === undefined && right !== undefined) {
    const end = floorDiv(...pairOf(right)) - offset;
    return [[end - width, 1n], [end, 1n]];
  }
  const start =
    (left === undefined ? 0n : -floorDiv(-BigInt(left.numerator), BigInt(left.denominator))) +
    offset;
  return [[start, 1n], [start + width, 1n]];
}

/** A cell between two items; undefined where the gap is too narrow for some. */
function innerCell(low: Pair, high: Pair, cell: number): [Pair, Pair] | undefined {
  const level = levelOf(low, high);
  if (level > MAX_CELL_LEVEL) return undefined;
  const scale = 1n << BigInt(level);
  const first = floorDiv(low[0] * scale, low[1]) + 1n;
  const count = -floorDiv(-high[0] * scale, high[1]) - 1n - first;
  const at = first + BigInt(cell) % count;
  return [[at, scale], [at + 1n, scale]];
}

/** The least number of bits behind the point that cuts a gap into at least 2^CELL_BITS cells. */
function levelOf(low: Pair, high: Pair): number {
  const width = high[0] * low[1] - low[0] * high[1];
  const whole = low[1] * high[1];
  let level = CELL_BITS + 1;
  while (level <= MAX_CELL_LEVEL && (width << BigInt(level - CELL_BITS - 1)) < whole) level++;
  return level;
}

function simplest(
  low: Pair,
  high: Pair,
  options: PositionOptions | undefined,
): Position | undefined {
  if (!isLess(low, high)) return undefined;
  const fraction = fitFraction(simplestBetween(low, high));
  return fraction && Position.restore(...fraction, uuidV4(options?.random ?? systemRandom));
}

/** A number from 1 to 2^CELL_BITS, random like the UUID that it comes from. */
function cellOf(id: string): number {
  return Number.parseInt(id.slice(0, CELL_BITS / 4), 16) + 1;
}

function endsOf(options: PositionOptions | undefined): LruMap<Room> {
  const random = options?.random ?? systemRandom;
  const known = ends.get(random);
  if (known !== undefined) return known;
  const made = new LruMap<Room>(REMEMBERED);
  ends.set(random, made);
  return made;
}

function pairOf({ numerator, denominator }: Fraction): Pair {
  return [BigInt(numerator), BigInt(denominator)];
}

function isLess(left: Pair, right: Pair): boolean {
  return left[0] * right[1] < right[0] * left[1];
}

function least(left: Pair, right: Pair): Pair {
  return isLess(right, left) ? right : left;
}

function greatest(left: Pair, right: Pair): Pair {
  return isLess(left, right) ? right : left;
}
