/**
 * Document values as values of one JavaScript type (04 §5, 03 §8).
 *
 * @module
 */

import { boolOf, docOf, intOf, listOf, textOf, typeMismatch } from "../crdt/convert.ts";
import type { Doc } from "../crdt/doc.ts";
import { List } from "../crdt/list.ts";
import {
  type TypeName,
  typeName,
  type Value,
  type ValueInput,
  type VisibleValue,
} from "../crdt/value.ts";
import { wrongArgument } from "../util/arguments.ts";

/** Kinds of values that can be asked for, and what comes back. */
export interface ValueKinds {
  /** A `Text`. */
  string: string;
  /** An `Int` of at most 2^53 − 1. */
  number: number;
  /** An `Int` of any size. */
  bigint: bigint;
  /** A `Bool`. */
  boolean: boolean;
  /** A `List`. */
  list: List;
  /** A `Doc`. */
  doc: Doc;
}

/** Name of a kind of values. */
export type ValueKind = keyof ValueKinds;

/** What a value of type `T` reads back as. */
export type ReadAs<T> = T extends string ? string
  : T extends number ? number
  : T extends bigint ? bigint
  : T extends boolean ? boolean
  : T extends List | readonly unknown[] ? List
  : T extends object ? Doc
  : VisibleValue;

const CONVERSIONS: { readonly [K in ValueKind]: (value: Value) => ValueKinds[K] } = {
  string: textOf,
  number: numberOf,
  bigint: (value) => BigInt(intOf(value)),
  boolean: boolOf,
  list: listOf,
  doc: docOf,
};

const TYPE_NAMES: { readonly [K in ValueKind]: TypeName } = {
  string: "text",
  number: "int",
  bigint: "int",
  boolean: "bool",
  list: "list",
  doc: "doc",
};

/** A value as one of a kind. Throws `CrdtError` `TypeMismatch`. */
export function valueAs<K extends ValueKind>(value: Value, kind: K): ValueKinds[K] {
  const convert = Object.hasOwn(CONVERSIONS, kind) ? CONVERSIONS[kind] : undefined;
  if (convert !== undefined) return convert(value);
  const kinds = Object.keys(CONVERSIONS).join(", ");
  throw wrongArgument("read a value", "its kind", `one of ${kinds}`, kind);
}

function numberOf(value: Value): number {
  const int = intOf(value);
  if (typeof int === "number") return int;
  throw typeMismatch("an integer of at most 2^53 - 1 (ask for a bigint)", value);
}

/** The kind that an input is stored as; undefined for `null` and tombstones, which have none. */
export function kindOf(input: ValueInput): ValueKind | undefined {
  switch (typeof input) {
    case "string":
    case "number":
    case "bigint":
    case "boolean":
      return typeof input as ValueKind;
    case "object":
      if (input === null) return undefined;
      return input instanceof List || Array.isArray(input) ? "list" : "doc";
    default:
      return undefined;
  }
}

/** Whether a stored value is of a kind, whatever its size. */
export function isOfKind(value: VisibleValue, kind: ValueKind): boolean {
  return typeName(value) === TYPE_NAMES[kind];
}
