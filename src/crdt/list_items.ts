/**
 * Sorted arrays of list items: search, union and sorting. Items are ascending by position and no
 * position occurs twice. Arrays are not changed unless a function says so.
 *
 * @module
 */
import type { Position } from "./position.ts";
import type { Value } from "./value.ts";

/** One stored item. */
export interface Item {
  /** Where it stands. */
  readonly position: Position;
  /** What it holds; a tombstone if it was removed. */
  readonly value: Value;
}

/** The value of a position that two lists have. */
export type Combine = (left: Value, right: Value) => Value;

/** The later value: what reading the same position twice does. */
export const takeRight: Combine = (_left, right) => right;

/** What becomes of an item, given the one at the same position elsewhere; undefined for none. */
export type Change = (was: Value, now: Value | undefined) => Value | undefined;

/** Beyond this ratio of lengths, single insertions beat rewriting the longer array. */
const SPARSE_RATIO = 16;

/** Index of a position, or `~index` of where it would be inserted. */
export function findItem(items: readonly Item[], position: Position): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = items[middle]!.position.compare(position);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return ~low;
}

/** Adds an item, or combines its value with that of the equal position. Changes `items`. */
export function putItem(items: Item[], item: Item, combine: Combine): void {
  const last = items.at(-1);
  if (last === undefined || last.position.compare(item.position) < 0) {
    items.push(item);
    return;
  }
  const index = findItem(items, item.position);
  if (index < 0) items.splice(~index, 0, item);
  else items[index] = combineItems(items[index]!, item, combine);
}

function combineItems(left: Item, right: Item, combine: Combine): Item {
  return { position: left.position, value: combine(left.value, right.value) };
}

/** Merges `right` into `left`. Changes `left` or returns a new array. */
export function mergeItems(left: Item[], right: readonly Item[], combine: Combine): Item[] {
  if (right.length * SPARSE_RATIO < left.length) {
    for (const item of right) putItem(left, item, combine);
    return left;
  }
  return unite(left, right, combine);
}

/** The union of two arrays in one pass over both; of equal positions the left object is kept. */
function unite(left: readonly Item[], right: readonly Item[], combine: Combine): Item[] {
  const result: Item[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    const order = left[l]!.position.compare(right[r]!.position);
    if (order < 0) result.push(left[l++]!);
    else if (order > 0) result.push(right[r++]!);
    else result.push(combineItems(left[l++]!, right[r++]!, combine));
  }
  while (l < left.length) result.push(left[l++]!);
  while (r < right.length) result.push(right[r++]!);
  return result;
}

/** `items` with what `change` makes of each of `others` and the item at its position; itself if that is nothing. */
export function overlay(
  items: readonly Item[],
  others: readonly Item[],
  change: Change,
): readonly Item[] {
  const result: Item[] = [];
  let isChanged = false;
  let at = 0;
  for (const { position, value: was } of others) {
    while (at < items.length && items[at]!.position.compare(position) < 0) {
      result.push(items[at++]!);
    }
    const now = at < items.length && items[at]!.position.equals(position) ? items[at++] : undefined;
    const value = change(was, now?.value);
    if (value !== now?.value) isChanged = true;
    if (value !== undefined) result.push({ position: now?.position ?? position, value });
  }
  return isChanged ? [...result, ...items.slice(at)] : items;
}

/**
 * Items in any order as a sorted array; of equal positions the last value and the first position stay.
 * A merge sort of our own: hostile positions (denominator 0) have no consistent order, and engines
 * differ in what their sort then does.
 */
export function sortItems(items: readonly Item[]): Item[] {
  if (items.length < 2) return items.slice();
  const middle = items.length >> 1;
  return unite(sortItems(items.slice(0, middle)), sortItems(items.slice(middle)), takeRight);
}

/** Whether items are strictly ascending already. */
export function isSorted(items: readonly Item[]): boolean {
  for (let i = 1; i < items.length; i++) {
    if (items[i - 1]!.position.compare(items[i]!.position) >= 0) return false;
  }
  return true;
}
