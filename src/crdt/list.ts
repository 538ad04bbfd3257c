/**
 * The ordered list of a document: items at fractional positions, merged by position (03 §3.3, §10).
 *
 * @module
 */
import { requireInstance, requireIterable } from "../util/arguments.ts";
import { CrdtError } from "../util/errors.ts";
import { displayValue, toJsonText, toPlain, toValue, valuesEqual } from "./convert.ts";
import { ListCore } from "./list_core.ts";
import { findItem, type Item, putItem, takeRight } from "./list_items.ts";
import { Position, type PositionOptions } from "./position.ts";
import { firstPosition, positionFor } from "./runs.ts";
import { DELETED, isVisible, type Value, type ValueInput, type VisibleValue } from "./value.ts";

export { Position } from "./position.ts";
export type { PositionOptions } from "./position.ts";

/** Makes a list that takes over `items`, which must be sorted. For this folder. */
export let makeList: (items: Item[]) => List;

/** An ordered list with value semantics: copies are independent and cheap. */
export class List extends ListCore {
  /** A list of values, which stay together when the list is merged with another one. */
  static from(values: Iterable<ValueInput>, options?: PositionOptions): List {
    requireIterable(values, "make a list", "the values");
    return toValue(Array.from(values), options) as List;
  }

  static {
    makeList = (items) => new List().fill(items);
  }

  /**
   * Adds a value after the last stored item; returns its visible index. Values that one writer adds one after
   * another stay together, whatever others add at the same place at the same time.
   */
  push(value: ValueInput, options?: PositionOptions): number {
    const item = toValue(value, options);
    const last = this.peekItems().at(-1)?.position;
    const position = last === undefined && this.isNew
      ? firstPosition(options)
      : positionFor(last, undefined, options);
    this.addItem({ position, value: item }, true);
    return Math.max(0, this.len() - 1);
  }

  /**
   * Inserts a value so that it becomes the visible item `index`. Values that one writer inserts one after
   * another stay together, as with {@link List.push}.
   *
   * Throws {@link CrdtError} `ListIndexOutOfBounds` if `index` exceeds the visible length.
   */
  insert(index: number, value: ValueInput, options?: PositionOptions): void {
    const len = this.len();
    if (!(index >= 0 && index <= len) || !Number.isInteger(index)) {
      throw new CrdtError(
        "ListIndexOutOfBounds",
        `Cannot insert at index ${index}: the list has ${len} visible items`,
        { fields: { index, len } },
      );
    }
    const item = toValue(value, options);
    if (this.isEmpty()) return void this.push(item, options);
    const position = positionFor(...this.#gap(index, len), options);
    this.addItem({ position, value: item }, false);
  }

  /** The positions around a visible index; at the two ends, hidden items stay outside too. */
  #gap(index: number, len: number): [Position | undefined, Position | undefined] {
    const items = this.peekItems();
    const at = (visible: number) => items[this.stored(visible)]?.position;
    const left = index === len ? items.at(-1)?.position : at(index - 1);
    return [index === 0 ? undefined : left, index === 0 ? items[0]?.position : at(index)];
  }

  /** The visible item at `index`, or `undefined`. */
  get(index: number): VisibleValue | undefined {
    return this.release(this.peek(index));
  }

  /** Replaces the visible item at `index` and returns the old value; `undefined` if there is none. */
  set(index: number, value: ValueInput): VisibleValue | undefined {
    const at = this.stored(index);
    if (at < 0) return undefined;
    const item = toValue(value);
    const old = this.release(this.peekItems()[at]!.value as VisibleValue);
    this.replaceItem(at, item);
    return old;
  }

  /** Turns the visible item at `index` into a tombstone; returns the old value, or `undefined`. */
  remove(index: number): VisibleValue | undefined {
    return this.set(index, DELETED);
  }

  /** Stores a value at exactly this position, over whatever is there. */
  insertAtPosition(position: Position, value: ValueInput): void {
    requireInstance(position, Position, "look into a list", "the position");
    const item: Item = { position, value: toValue(value) };
    putItem(this.change(), item, takeRight);
  }

  /** The stored value at a position, tombstones included. */
  getByPosition(position: Position): Value | undefined {
    requireInstance(position, Position, "look into a list", "the position");
    const at = findItem(this.peekItems(), position);
    return at < 0 ? undefined : this.release(this.peekItems()[at]!.value);
  }

  /** Physically removes a position, leaving no tombstone: a merge brings the item back. */
  removeByPosition(position: Position): Value | undefined {
    requireInstance(position, Position, "look into a list", "the position");
    const at = findItem(this.peekItems(), position);
    if (at < 0) return undefined;
    const old = this.release(this.peekItems()[at]!.value);
    this.change().splice(at, 1);
    return old;
  }

  /** The visible values in order. */
  *values(): IterableIterator<VisibleValue> {
    for (const item of this.snapshot()) {
      if (isVisible(item.value)) yield this.release(item.value);
    }
  }

  /** The visible values in order. */
  [Symbol.iterator](): IterableIterator<VisibleValue> {
    return this.values();
  }

  /** All stored values in order, tombstones included. */
  *iterAll(): IterableIterator<Value> {
    for (const item of this.snapshot()) yield this.release(item.value);
  }

  /** All stored items in order, tombstones included. */
  *iterWithPositions(): IterableIterator<[Position, Value]> {
    for (const item of this.snapshot()) yield [item.position, this.release(item.value)];
  }

  /** All stored values in order, tombstones included. */
  toVec(): Value[] {
    return Array.from(this.iterAll());
  }

  /** The visible items as plain JavaScript. */
  toArray(): unknown[] {
    return toPlain(this) as unknown[];
  }

  /** The merge of this list and a later one; neither changes. */
  merge(other: List): List {
    requireInstance(other, List, "merge lists", "the later one");
    const result = this.clone();
    result.absorbRoot(other);
    return result;
  }

  /** Whether both hold equal values at equal positions, tombstones included. */
  equals(other: List): boolean {
    return other instanceof List && valuesEqual(this, other);
  }

  /** The visible items as JSON for people. */
  toJsonString(): string {
    return toJsonText(this);
  }

  /** The visible items as text for people: `[a, b]`. */
  override toString(): string {
    return displayValue(this);
  }

  /** See {@link ListCore.blank}. */
  override blank(): this {
    return new List() as this;
  }
}
