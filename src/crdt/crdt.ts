/**
 * What a store needs from the type of its data (03 §2).
 *
 * A store's state is the left fold of its deltas in fold order, starting from the empty value. Merging
 * two deltas first and applying the result later is not the same: `Doc` is not associative (03 §7.5).
 *
 * @module
 */
import { Doc } from "./doc.ts";

/**
 * A data type that merges. `merge` is pure and deterministic, the empty value is its identity on both
 * sides; it need be neither commutative nor idempotent.
 */
export interface Crdt<T> {
  /** A new empty value. */
  empty(): T;
  /** Reads a value from an entry's payload. Throws `SerializeError`. */
  parse(bytes: Uint8Array): T;
  /** The merge of two values, `right` being the later one. Neither changes. */
  merge(left: T, right: T): T;
  /**
   * Merges `delta` into `state`, which nobody else uses, and returns the result: `state` itself or
   * another value. The step of a fold; types without a faster way leave it out.
   */
  apply?(state: T, delta: T): T;
  /** Writes a value as an entry's payload. */
  serialize(value: T): Uint8Array;
}

/** The data type {@link Doc}. */
export const docCrdt: Crdt<Doc> = {
  empty: () => new Doc(),
  parse: (bytes) => Doc.parseBytes(bytes),
  merge: (left, right) => left.merge(right),
  apply: (state, delta) => state.applyDelta(delta),
  serialize: (value) => value.toBytes(),
};
