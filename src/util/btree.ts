/**
 * The sorted map of `sorted-btree`: a B+ tree whose `clone()` takes constant time (copy on write).
 *
 * The package is CommonJS with a `default` export. Runtimes and bundlers disagree whether importing
 * it yields the class or an object that holds the class; this file settles that once, and gives the
 * class a type that does not depend on how a compiler resolves the package.
 *
 * @module
 */
import * as sortedBTree from "sorted-btree";

/** Tells the order of two keys: negative, zero or positive. */
export type Compare<K> = (a: K, b: K) => number;

/** A sorted map. Changing it while one of its iterators is in use is not allowed; clone it first. */
export interface BTree<K, V> {
  /** Number of pairs. */
  readonly size: number;
  /** The value of `key`. */
  get(key: K): V | undefined;
  /** Whether `key` is present. */
  has(key: K): boolean;
  /** Adds or replaces; true if `key` is new. */
  set(key: K, value: V): boolean;
  /** Removes; true if `key` was present. */
  delete(key: K): boolean;
  /** Removes `low` ≤ key < `high` (≤ with `includeHigh`) and returns how many there were. */
  deleteRange(low: K, high: K, includeHigh: boolean): number;
  /** Removes everything. */
  clear(): void;
  /** An independent map with the same pairs, in constant time. */
  clone(): BTree<K, V>;
  /** Smallest key. */
  minKey(): K | undefined;
  /** Largest key. */
  maxKey(): K | undefined;
  /** Keys in ascending order, from the first one ≥ `from`. */
  keys(from?: K): IterableIterator<K>;
  /** Values in ascending order of keys, from the first key ≥ `from`. */
  values(from?: K): IterableIterator<V>;
  /** Pairs in ascending order, from the first key ≥ `from`. */
  entries(from?: K): IterableIterator<[K, V]>;
  /** Pairs in descending order, from the last key ≤ `from` (< with `skipFrom`). */
  entriesReversed(from?: K, reused?: undefined, skipFrom?: boolean): IterableIterator<[K, V]>;
  /** Calls back with each pair in ascending order; returns how many there were. */
  forEachPair(callback: (key: K, value: V) => void): number;
  /** Calls back with each pair of `low` ≤ key < `high` (≤ with `includeHigh`). */
  forRange(low: K, high: K, includeHigh: boolean, callback: (key: K, value: V) => void): number;
}

/** The class of {@link BTree}. */
export interface BTreeConstructor {
  /** Makes a map of `entries`, ordered by `compare`. */
  new <K, V>(
    entries: readonly (readonly [K, V])[] | undefined,
    compare: Compare<K>,
    maxNodeSize?: number,
  ): BTree<K, V>;
}

function unwrap(module: unknown): BTreeConstructor {
  let candidate = module;
  while (typeof candidate !== "function") {
    candidate = (candidate as { readonly default: unknown }).default;
  }
  return candidate as unknown as BTreeConstructor;
}

/** The sorted map class. */
export const BTree: BTreeConstructor = unwrap(sortedBTree);

/** Orders strings by UTF-16 code units, as `<` does. */
export function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
