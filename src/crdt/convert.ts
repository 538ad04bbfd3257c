/**
 * From plain JavaScript to values and back (03 §8, 13 §5).
 *
 * Nothing is lost silently: fractions, unsafe numbers, lone surrogates, class instances and bytes are
 * refused with an error that names the kinds of value a document can hold.
 *
 * @module
 */
import { BTree, compareStrings } from "../util/btree.ts";
import { CrdtError } from "../util/errors.ts";
import { defineMember } from "../util/json64.ts";
import { Branch } from "./branch.ts";
import { type Doc, makeDoc } from "./doc.ts";
import type { Children } from "./doc_core.ts";
import { type List, makeList } from "./list.ts";
import type { Item } from "./list_items.ts";
import type { PositionOptions } from "./position.ts";
import { positionsOf } from "./runs.ts";
import {
  DELETED,
  type Int,
  invalidValue,
  isBranch,
  toInt,
  toText,
  typeName,
  type Value,
  type ValueInput,
  type VisibleValue,
} from "./value.ts";

/** Deepest nesting of plain objects and arrays: no reader accepts more containers. */
const MAX_PLAIN_DEPTH = 127;

/**
 * A plain value as a stored one: arrays become lists, plain objects become plain documents with their
 * keys taken literally, members that are `undefined` are left out. A `Doc` or `List` is cloned.
 *
 * Throws {@link CrdtError} `InvalidValue`.
 */
export function toValue(input: ValueInput, options: PositionOptions = {}): Value {
  return convert(input, options, 0);
}

function convert(input: unknown, options: PositionOptions, depth: number): Value {
  switch (typeof input) {
    case "boolean":
      return input;
    case "number":
    case "bigint":
      return toInt(input);
    case "string":
      return toText(input);
    case "object":
      return input === null ? null : convertObject(input, options, depth);
    default:
      if (input === DELETED) return DELETED;
      throw invalidValue(`a value of type ${typeof input}`, "it is no plain value");
  }
}

function convertObject(input: object, options: PositionOptions, depth: number): Value {
  if (input instanceof Branch) return (input as Doc | List).clone();
  if (depth >= MAX_PLAIN_DEPTH) throw invalidValue("an object", "it is nested too deeply");
  if (Array.isArray(input)) return makeList(convertItems(input, options, depth));
  const prototype = Object.getPrototypeOf(input);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    const name = input.constructor?.name ?? "class";
    throw invalidValue(`an instance of ${name}`, "only plain objects and arrays are converted");
  }
  return makeDoc(convertMembers(input, options, depth), false);
}

/** Items of an array at new positions, which stay together in a merge. */
function convertItems(input: readonly unknown[], options: PositionOptions, depth: number): Item[] {
  const positions = positionsOf(input.length, options);
  return Array.from(input, (value, index) => ({
    position: positions[index]!,
    value: convert(value, options, depth + 1),
  }));
}

function convertMembers(input: object, options: PositionOptions, depth: number): Children {
  const children: Children = new BTree(compareStrings);
  for (const [key, value] of Object.entries(input)) {
    if (value !== undefined) children.set(toText(key), convert(value, options, depth + 1));
  }
  return children;
}

/**
 * A value as plain JavaScript: documents become objects, lists arrays, both without tombstones;
 * integers beyond 2^53 − 1 are `bigint`. A tombstone itself becomes `undefined`.
 */
export function toPlain(value: Value): unknown {
  if (value === DELETED) return undefined;
  if (!isBranch(value)) return value;
  if (value.typeName === "list") return Array.from(value.peekVisible(), toPlain);
  const object: Record<string, unknown> = {};
  value.peekEach((key, child) => {
    if (child !== DELETED) defineMember(object, key, toPlain(child));
  });
  return object;
}

/** The error of a value of another kind than the wished one. */
export function typeMismatch(expected: string, value: Value): CrdtError {
  const actual = typeName(value);
  return new CrdtError(
    "TypeMismatch",
    `Cannot convert a document value: expected ${expected}, found ${actual}`,
    { fields: { expected, actual } },
  );
}

/** The text of a `Text`. Throws {@link CrdtError} `TypeMismatch`. */
export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  throw typeMismatch("String", value);
}

/** The integer of an `Int`. Throws {@link CrdtError} `TypeMismatch`. */
export function intOf(value: Value): Int {
  if (typeof value === "number" || typeof value === "bigint") return value;
  throw typeMismatch("i64", value);
}

/** The truth value of a `Bool`. Throws {@link CrdtError} `TypeMismatch`. */
export function boolOf(value: Value): boolean {
  if (typeof value === "boolean") return value;
  throw typeMismatch("bool", value);
}

/** A copy of a `Doc`. Throws {@link CrdtError} `TypeMismatch`. */
export function docOf(value: Value): Doc {
  if (isBranch(value) && value.typeName === "doc") return value.clone();
  throw typeMismatch("Doc", value);
}

/** A copy of a `List`. Throws {@link CrdtError} `TypeMismatch`. */
export function listOf(value: Value): List {
  if (isBranch(value) && value.typeName === "list") return value.clone();
  throw typeMismatch("List", value);
}

/** Whether two values are equal, tombstones and atomic flags included (03 §3.1, §8.3). */
export function valuesEqual(left: Value, right: Value): boolean {
  if (!isBranch(left) || !isBranch(right)) return left === right;
  if (left === right) return true;
  if (left.typeName === "doc") return right.typeName === "doc" && docsEqual(left, right);
  return right.typeName === "list" && listsEqual(left, right);
}

function docsEqual(left: Doc, right: Doc): boolean {
  const lefts = left.peekChildren();
  const rights = right.peekChildren();
  if (left.isAtomic() !== right.isAtomic() || lefts.size !== rights.size) return false;
  const others = rights.entries();
  for (const [key, value] of lefts.entries()) {
    const [otherKey, otherValue] = others.next().value!;
    if (key !== otherKey || !valuesEqual(value, otherValue)) return false;
  }
  return true;
}

function listsEqual(left: List, right: List): boolean {
  const lefts = left.peekItems();
  const rights = right.peekItems();
  return lefts.length === rights.length && lefts.every((item, index) => {
    const other = rights[index]!;
    return item.position.equals(other.position) && valuesEqual(item.value, other.value);
  });
}

/** Text for people: documents as `{key: value}`, lists as `[a, b]`, texts bare. */
export function displayValue(value: Value): string {
  if (value === DELETED) return "<deleted>";
  if (!isBranch(value)) return String(value);
  if (value.typeName === "list") {
    return `[${Array.from(value.peekVisible(), displayValue).join(", ")}]`;
  }
  const parts: string[] = [];
  value.peekEach((key, child) => {
    if (child !== DELETED) parts.push(`${key}: ${displayValue(child)}`);
  });
  return `{${parts.join(", ")}}`;
}

/**
 * A value as plain JSON for people: no tombstones, positions or flags; a bare tombstone is `null`.
 * Not for storage: there is no way back.
 */
export function toJsonText(value: VisibleValue | typeof DELETED): string {
  if (value === DELETED || value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (!isBranch(value)) return String(value);
  if (value.typeName === "list") {
    return `[${Array.from(value.peekVisible(), toJsonText).join(",")}]`;
  }
  const parts: string[] = [];
  value.peekEach((key, child) => {
    if (child !== DELETED) parts.push(`${JSON.stringify(key)}:${toJsonText(child)}`);
  });
  return `{${parts.join(",")}}`;
}
