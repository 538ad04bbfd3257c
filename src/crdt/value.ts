/**
 * The values a document holds, as native JavaScript values (03 §3.2).
 *
 * | variant | JavaScript |
 * |---|---|
 * | `Null`, `Bool`, `Text` | `null`, `boolean`, `string` |
 * | `Int` | `number` when |n| ≤ 2^53 − 1, otherwise `bigint`; never the other one |
 * | `Doc`, `List` | {@link Doc}, {@link List} |
 * | `Deleted` | {@link DELETED} |
 *
 * @module
 */
import { CrdtError } from "../util/errors.ts";
import type { Doc } from "./doc.ts";
import type { List } from "./list.ts";

/** The tombstone: a key that was deleted, as opposed to one that never existed. */
export const DELETED: unique symbol = Symbol("Deleted");

/** Type of {@link DELETED}. */
export type Deleted = typeof DELETED;

/** A signed 64-bit integer. */
export type Int = number | bigint;

/** A value without children. */
export type Scalar = null | boolean | Int | string;

/** Whatever a reader can see: everything but tombstones. */
export type VisibleValue = Scalar | Doc | List;

/** Whatever a document can hold, tombstones included. */
export type Value = VisibleValue | Deleted;

/**
 * What can be put into a document: a {@link Value}, an array (becomes a `List`) or a plain object
 * (becomes a plain `Doc`).
 */
export type ValueInput = Value | object;

/** Name of a variant, as in error texts. */
export type TypeName = "null" | "bool" | "int" | "text" | "doc" | "list" | "deleted";

/** Smallest `Int`: −2^63. */
export const MIN_INT: bigint = -(2n ** 63n);

/** Largest `Int`: 2^63 − 1. */
export const MAX_INT: bigint = 2n ** 63n - 1n;

/** Largest denominator of a list position: 2^64 − 1. */
export const MAX_DENOMINATOR: bigint = 2n ** 64n - 1n;

/** Name of the variant of a value. */
export function typeName(value: Value): TypeName {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "number":
    case "bigint":
      return "int";
    case "string":
      return "text";
    case "symbol":
      return "deleted";
    default:
      return value === null ? "null" : value.typeName;
  }
}

/** Whether a stored value can be seen: present and no tombstone. */
export function isVisible(value: Value | undefined): value is VisibleValue {
  return value !== undefined && value !== DELETED;
}

/** Whether a value is a `Doc` or `List`; everything else is a leaf. */
export function isBranch(value: Value | undefined): value is Doc | List {
  return typeof value === "object" && value !== null;
}

/** Whether a value has no children: everything but `Doc` and `List`. */
export function isLeaf(value: Value): value is Scalar | Deleted {
  return !isBranch(value);
}

/**
 * An `Int` in its one form. Throws {@link CrdtError} `InvalidValue` for what would lose digits:
 * fractions, numbers beyond 2^53 − 1 (use `bigint`) and integers outside 64 bits.
 */
export function toInt(value: Int): Int {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw notAnInt(value);
    return value + 0; // −0 becomes 0
  }
  if (value < MIN_INT || value > MAX_INT) throw notAnInt(value);
  const short = Number(value);
  return Number.isSafeInteger(short) ? short : value;
}

function notAnInt(value: Int): CrdtError {
  const hint = typeof value === "bigint"
    ? "it does not fit 64 bits"
    : "a number must be an integer of at most 2^53 - 1, beyond that a bigint";
  return invalidValue(`number ${value}`, hint);
}

/** A `Text`. Throws {@link CrdtError} `InvalidValue` for lone surrogates, which UTF-8 cannot hold. */
export function toText(value: string): string {
  if (!value.isWellFormed()) throw invalidValue("text", "it holds a lone surrogate");
  return value;
}

/** The error for something a document cannot hold. */
export function invalidValue(what: string, reason: string): CrdtError {
  return new CrdtError(
    "InvalidValue",
    `Cannot store ${what} in a document: ${reason}; ` +
      "the Value kinds are Null, Bool, Int, Text, Doc, List and Deleted",
    { fields: { reason } },
  );
}
