/**
 * The document: a map of keys to values that merges key by key (03 §3.1, §6, §7.2).
 *
 * Documents have value semantics. `clone()` takes constant time, what `get` returns is independent of
 * the document, and what `set` takes is copied; structure is shared underneath and copied on write.
 * Keys are kept in order of their UTF-16 code units.
 *
 * @module
 */
import {
  requireBytes,
  requireFunction,
  requireInstance,
  requireIterable,
  wrongArgument,
} from "../util/arguments.ts";
import { utf8 } from "../util/bytes.ts";
import { parsePlainJson, stringifyPlainJson } from "../util/plain_json.ts";
import {
  displayValue,
  toJsonText,
  toPlain,
  toValue,
  typeMismatch,
  valuesEqual,
} from "./convert.ts";
import { type Children, DocCore } from "./doc_core.ts";
import { elementNotFound, jsonError, noPlace } from "./doc_errors.ts";
import { parseDoc, parseDocBytes } from "./doc_parse.ts";
import { stringifyDoc } from "./doc_writer.ts";
import { List } from "./list.ts";
import { type PathLike, segmentsOf } from "./path.ts";
import type { PositionOptions } from "./position.ts";
import { type Mark, REPLACING, STORED } from "./staging.ts";
import { DELETED, type Int, isVisible, type ValueInput, type VisibleValue } from "./value.ts";

export type { KeyRange } from "./doc_core.ts";

/** Makes a document that takes over `children`. For this folder; set where `fill` can be reached. */
export let makeDoc: (children: Children, atomic: boolean) => Doc;

const MAKE = "make a document";
const READ = "read a document";

/**
 * A document with value semantics: copies are independent and cheap.
 *
 * Path arguments are keys (`"name"`), dotted texts (`"user.name"`), arrays of literal keys
 * (`["user", "mail.work"]`) or a `Path`. They lead through nested documents and, for reading, through
 * lists by visible index (`"items.0.title"`).
 *
 * ```ts
 * const doc = Doc.from({ name: "Ada" });
 * doc.set("address.city", "London");
 * doc.toObject(); // { address: { city: "London" }, name: "Ada" }
 * ```
 */
export class Doc extends DocCore {
  static {
    makeDoc = (children, atomic) => new Doc().fill(children, atomic);
  }

  /**
   * A plain document of an object's members; keys are taken literally, dots included.
   * Throws {@link CrdtError} `InvalidValue` for what a document cannot hold.
   */
  static from(plain: object, options?: PositionOptions): Doc {
    const value = toValue(plain, options);
    if (value instanceof Doc) return value;
    throw typeMismatch("Doc", value);
  }

  /** A plain document of pairs, each stored with {@link Doc.set}: dots in keys create nesting. */
  static fromEntries(pairs: Iterable<readonly [PathLike, ValueInput]>): Doc {
    const doc = new Doc();
    requireIterable(pairs, MAKE, "the pairs");
    for (const pair of pairs) {
      requireIterable(pair, MAKE, "each pair");
      const [path, value] = pair;
      doc.set(path, value);
    }
    return doc;
  }

  /** An atomic document of an object's members: merged over another one, it replaces it whole. */
  static atomic(plain: object = {}, options?: PositionOptions): Doc {
    return new Doc().fill(Doc.from(plain, options).peekChildren(), true);
  }

  /** Reads the stored form. Throws {@link SerializeError} `DeserializationFailed`. */
  static parse(json: string): Doc {
    if (typeof json !== "string") throw wrongArgument(READ, "it", "a text", json);
    return parseDoc(json);
  }

  /** Reads the stored form in UTF-8. Throws {@link SerializeError} `DeserializationFailed`. */
  static parseBytes(bytes: Uint8Array): Doc {
    requireBytes(bytes, READ, "it");
    return parseDocBytes(bytes);
  }

  /** The stored form, keys sorted. Throws {@link CrdtError} `SerializationFailed` if nested too deeply. */
  stringify(): string {
    return stringifyDoc(this);
  }

  /** The stored form in UTF-8. Throws {@link CrdtError} `SerializationFailed` if nested too deeply. */
  toBytes(): Uint8Array {
    return utf8(stringifyDoc(this));
  }

  /** Number of visible direct children. */
  get size(): number {
    return this.len();
  }

  /** The visible value at a path, or `undefined`. A `Doc` or `List` comes as an independent copy. */
  get(path: PathLike): VisibleValue | undefined {
    const value = this.peek(path);
    return isVisible(value) ? this.release(value) : undefined;
  }

  /** Same as {@link Doc.get}. */
  getPath(path: PathLike): VisibleValue | undefined {
    return this.get(path);
  }

  /** The text at a path; `undefined` if nothing or something else is there. */
  getString(path: PathLike): string | undefined {
    const value = this.peek(path);
    return typeof value === "string" ? value : undefined;
  }

  /** The integer at a path; `undefined` if nothing or something else is there. */
  getInt(path: PathLike): Int | undefined {
    const value = this.peek(path);
    return typeof value === "number" || typeof value === "bigint" ? value : undefined;
  }

  /** The truth value at a path; `undefined` if nothing or something else is there. */
  getBool(path: PathLike): boolean | undefined {
    const value = this.peek(path);
    return typeof value === "boolean" ? value : undefined;
  }

  /** A copy of the document at a path; `undefined` if nothing or something else is there. */
  getDoc(path: PathLike): Doc | undefined {
    const value = this.peek(path);
    return value instanceof Doc ? this.release(value) : undefined;
  }

  /** A copy of the list at a path; `undefined` if nothing or something else is there. */
  getList(path: PathLike): List | undefined {
    const value = this.peek(path);
    return value instanceof List ? this.release(value) : undefined;
  }

  /** Whether something visible is at a path. */
  has(path: PathLike): boolean {
    return isVisible(this.peek(path));
  }

  /** Same as {@link Doc.has}. */
  containsKey(path: PathLike): boolean {
    return this.has(path);
  }

  /** Whether exactly this location holds a tombstone; false below a deleted ancestor. */
  isTombstone(path: PathLike): boolean {
    return this.peek(path) === DELETED;
  }

  /**
   * Stores a value and returns the visible one it replaces. Missing documents on the way are made; a
   * scalar, list or tombstone on the way is replaced by a new plain document. A path of dots only
   * changes nothing.
   *
   * Throws {@link CrdtError} `InvalidValue` for what a document cannot hold, `InvalidPath` beyond 42
   * levels, which no reader accepts.
   */
  set(path: PathLike, value: ValueInput): VisibleValue | undefined {
    return this.write(path, toValue(value));
  }

  /** Same as {@link Doc.set}. */
  setPath(path: PathLike, value: ValueInput): VisibleValue | undefined {
    return this.set(path, value);
  }

  /**
   * As {@link Doc.set}, for a delta that will be merged over earlier state: what was deleted or replaced in
   * this delta does not come back from that state. A document in place of a scalar, list or tombstone is
   * atomic, and one in place of a document keeps the tombstones in it. A list in place of anything but a
   * list unites with an earlier one all the same.
   *
   * Throws as {@link Doc.set}, and {@link CrdtError} `InvalidPath` for a path of dots only.
   */
  stage(path: PathLike, value: ValueInput): VisibleValue | undefined {
    return this.#stage(path, value, STORED);
  }

  /** As {@link Doc.stage}, for a delta that is completed before it is written. Internal: see `staging.ts`. */
  stageOpen(path: PathLike, value: ValueInput): void {
    this.#stage(path, value, REPLACING);
  }

  #stage(path: PathLike, value: ValueInput, mark: Mark): VisibleValue | undefined {
    const segments = segmentsOf(path);
    if (segments.length === 0) throw noPlace(path);
    return this.write(segments, toValue(value), mark);
  }

  /** Puts a tombstone at a path, also if nothing is there; returns the visible value it replaces. */
  remove(path: PathLike): VisibleValue | undefined {
    return this.write(path, DELETED);
  }

  /**
   * The visible value at a path, which is `initial` from now on if there is none.
   * Throws as {@link Doc.set}, and {@link CrdtError} `InvalidPath` for a path of dots only.
   */
  getOrInsert(path: PathLike, initial: ValueInput): VisibleValue {
    if (!this.has(path)) this.set(path, initial);
    const value = this.get(path);
    if (value !== undefined) return value;
    throw noPlace(path);
  }

  /**
   * Replaces the visible value at a path, which may lead through lists, by what `change` makes of it.
   * Returns false, without calling `change`, if there is none.
   */
  modify(path: PathLike, change: (value: VisibleValue) => ValueInput): boolean {
    requireFunction(change, "change a document", "the change");
    const value = this.get(path);
    return value !== undefined && this.replace(path, toValue(change(value)));
  }

  /** Stores the JSON text of a value as `Text`. Throws {@link CrdtError} `SerializationFailed`. */
  setJson(path: PathLike, value: unknown): VisibleValue | undefined {
    try {
      return this.set(path, stringifyPlainJson(value));
    } catch (cause) {
      throw jsonError("SerializationFailed", "write", path, cause);
    }
  }

  /**
   * The value whose JSON text is stored at a path; integers beyond 2^53 − 1 are `bigint`.
   * Throws {@link CrdtError} `ElementNotFound`, `TypeMismatch` or `DeserializationFailed`.
   */
  getJson(path: PathLike): unknown {
    const value = this.peek(path);
    if (!isVisible(value)) throw elementNotFound(path);
    if (typeof value !== "string") throw typeMismatch("String", value);
    try {
      return parsePlainJson(value);
    } catch (cause) {
      throw jsonError("DeserializationFailed", "read", path, cause);
    }
  }

  /**
   * The merge of this document and a later one; neither changes. Costs as much as the later
   * one is large: what only this document holds is shared, not copied.
   */
  merge(later: Doc): Doc {
    return this.clone().applyDelta(later);
  }

  /**
   * Merges a later document into this one in place and returns this one: the step of a fold. Copies
   * made of this document before, and `delta`, stay as they are.
   */
  applyDelta(delta: Doc): this {
    requireInstance(delta, Doc, "merge documents", "the later one");
    this.absorbRoot(delta);
    return this;
  }

  /** Whether both have the same flag and children, tombstones included. */
  equals(other: Doc): boolean {
    return other instanceof Doc && valuesEqual(this, other);
  }

  /** The visible content as plain JavaScript; integers beyond 2^53 − 1 are `bigint`. */
  toObject(): Record<string, unknown> {
    return toPlain(this) as Record<string, unknown>;
  }

  /** The visible content as JSON for people. For storage see {@link Doc.stringify}. */
  toJsonString(): string {
    return toJsonText(this);
  }

  /** The visible content as text for people: `{key: value}`. */
  override toString(): string {
    return displayValue(this);
  }

  /** See {@link DocCore.blank}. */
  override blank(): this {
    return new Doc() as this;
  }
}
