/**
 * The ordered list of a document: items at fractional positions, merged by position (03 §3.3, §10).
 *
 * A list is a sorted array shared between copies until one of them changes. Removed items stay as
 * tombstones; a *visible index* does not count them.
 *
 * @module
 */
import { requireInstance, requireIterable } from "../util/arguments.ts";
import { CrdtError } from "../util/errors.ts";
import { Branch } from "./branch.ts";
import { displayValue, toJsonText, toPlain, toValue, valuesEqual } from "./convert.ts";
import {
  type Change,
  findItem,
  type Item,
  mergeItems,
  overlay,
  putItem,
  takeRight,
} from "./list_items.ts";
import { Position, type PositionOptions } from "./position.ts";
import { firstPosition, positionFor } from "./runs.ts";
import { replacingItem } from "./staging.ts";
import { DELETED, isVisible, type Value, type ValueInput, type VisibleValue } from "./value.ts";

export { Position } from "./position.ts";
export type { PositionOptions } from "./position.ts";

/** A path segment that names a list item: decimal digits, perhaps after a plus sign. */
const INDEX = /^\+?[0-9]+$/;

/** Makes a list that takes over `items`, which must be sorted. For this folder. */
export let makeList: (items: Item[]) => List;

/** An ordered list with value semantics: copies are independent and cheap. */
export class List extends Branch {
  /** Name of the variant. */
  override get typeName(): "list" {
    return "list";
  }

  #items: Item[] = [];
  /** Whether another list uses the same array. */
  #shared = false;
  /** Number of visible items, or −1 when it must be counted. */
  #visible = 0;
  /** Whether nobody else can have the list: it is no copy and was not read. */
  #isNew = true;
  /** Whether the list replaces an earlier one as a whole when it is merged over it. It is not stored. */
  #isReplacing = false;

  /** A list of values, which stay together when the list is merged with another one. */
  static from(values: Iterable<ValueInput>, options?: PositionOptions): List {
    requireIterable(values, "make a list", "the values");
    return toValue(Array.from(values), options) as List;
  }

  static {
    makeList = (items) => {
      const list = new List();
      list.#items = items;
      list.#visible = -1;
      list.#isNew = false;
      return list;
    };
  }

  /** Number of visible items. */
  len(): number {
    if (this.#visible < 0) {
      this.#visible = this.#items.reduce((n, item) => n + (item.value === DELETED ? 0 : 1), 0);
    }
    return this.#visible;
  }

  /** Number of visible items. */
  get length(): number {
    return this.len();
  }

  /** Number of stored items, tombstones included. */
  totalLen(): number {
    return this.#items.length;
  }

  /** Whether nothing is stored; a list of tombstones is not empty. */
  isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /**
   * Adds a value after the last stored item; returns its visible index. Values that one writer adds one after
   * another stay together, whatever others add at the same place at the same time.
   */
  push(value: ValueInput, options?: PositionOptions): number {
    const item = toValue(value, options);
    const last = this.#items.at(-1)?.position;
    const position = last === undefined && this.#isNew
      ? firstPosition(options)
      : positionFor(last, undefined, options);
    const len = this.len();
    this.#change().push({ position, value: item });
    this.#visible = len + (item === DELETED ? 0 : 1);
    return Math.max(0, this.#visible - 1);
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
    if (this.#items.length === 0) return void this.push(item, options);
    const position = positionFor(...this.#gap(index, len), options);
    putItem(this.#change(), { position, value: item }, takeRight);
    this.#visible = len + (item === DELETED ? 0 : 1);
  }

  /** The positions around a visible index; at the two ends, hidden items stay outside too. */
  #gap(index: number, len: number): [Position | undefined, Position | undefined] {
    const at = (visible: number) => this.#items[this.#stored(visible)]?.position;
    const left = index === len ? this.#items.at(-1)?.position : at(index - 1);
    return [index === 0 ? undefined : left, index === 0 ? this.#items[0]?.position : at(index)];
  }

  /** The visible item at `index`, or `undefined`. */
  get(index: number): VisibleValue | undefined {
    return this.release(this.peek(index));
  }

  /** Replaces the visible item at `index` and returns the old value; `undefined` if there is none. */
  set(index: number, value: ValueInput): VisibleValue | undefined {
    const at = this.#stored(index);
    if (at < 0) return undefined;
    const item = toValue(value);
    const old = this.release(this.#items[at]!.value as VisibleValue);
    this.#replace(at, item);
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
    putItem(this.#change(), item, takeRight);
  }

  /** The stored value at a position, tombstones included. */
  getByPosition(position: Position): Value | undefined {
    requireInstance(position, Position, "look into a list", "the position");
    const at = findItem(this.#items, position);
    return at < 0 ? undefined : this.release(this.#items[at]!.value);
  }

  /** Physically removes a position, leaving no tombstone: a merge brings the item back. */
  removeByPosition(position: Position): Value | undefined {
    requireInstance(position, Position, "look into a list", "the position");
    const at = findItem(this.#items, position);
    if (at < 0) return undefined;
    const old = this.release(this.#items[at]!.value);
    this.#change().splice(at, 1);
    return old;
  }

  /** Physically removes everything, leaving no tombstones: a merge brings the items back. */
  clear(): void {
    this.#items = [];
    this.#shared = false;
    this.#visible = 0;
  }

  /** The visible values in order. */
  *values(): IterableIterator<VisibleValue> {
    for (const item of this.#snapshot()) {
      if (isVisible(item.value)) yield this.release(item.value);
    }
  }

  /** The visible values in order. */
  [Symbol.iterator](): IterableIterator<VisibleValue> {
    return this.values();
  }

  /** All stored values in order, tombstones included. */
  *iterAll(): IterableIterator<Value> {
    for (const item of this.#snapshot()) yield this.release(item.value);
  }

  /** All stored items in order, tombstones included. */
  *iterWithPositions(): IterableIterator<[Position, Value]> {
    for (const item of this.#snapshot()) yield [item.position, this.release(item.value)];
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

  /** The visible value at an index as it is stored. Internal: it must not be changed. */
  peek(index: number): VisibleValue | undefined {
    return this.#items[this.#stored(index)]?.value as VisibleValue | undefined;
  }

  /** All stored items. Internal: they must not be changed. */
  peekItems(): readonly Item[] {
    return this.#items;
  }

  /** The visible values as they are stored. Internal: they must not be changed. */
  *peekVisible(): IterableIterator<VisibleValue> {
    for (const { value } of this.#items) if (isVisible(value)) yield value;
  }

  /** See {@link Branch.peekChild}. */
  override peekChild(segment: string): Value | undefined {
    return INDEX.test(segment) ? this.peek(Number(segment)) : undefined;
  }

  /** See {@link Branch.putChild}. */
  override putChild(segment: string, value: Value): void {
    this.#replace(this.#stored(Number(segment)), value);
  }

  /** Whether the list replaces an earlier one. Internal: see `staging.ts`. */
  isReplacing(): boolean {
    return this.#isReplacing;
  }

  /** A copy that replaces an earlier list when merged over it. Internal. */
  asReplacing(): List {
    return this.#with(this.#items, true);
  }

  /** A copy that unites with an earlier list when merged over it, as stored lists do. Internal. */
  asStored(): List {
    return this.#with(this.#items, false);
  }

  /** Whether it has no items, not even tombstones. Internal. */
  holdsNothing(): boolean {
    return this.#items.length === 0;
  }

  /** An empty list. Internal. */
  blank(): List {
    return new List();
  }

  /** With what `change` makes of each item of `other` and the one at the same position here. Internal. */
  withEach(other: List, change: Change): List {
    const items = overlay(this.#items, other.#items, change);
    return items === this.#items ? this : this.#with(items, this.#isReplacing);
  }

  #with(items: readonly Item[], isReplacing: boolean): List {
    const copy = this.clone();
    copy.#items = items as Item[];
    copy.#shared = items === this.#items;
    copy.#visible = -1;
    copy.#isReplacing = isReplacing;
    return copy;
  }

  /** See {@link Branch.copy}. */
  protected override copy(): this {
    const copy = new List();
    copy.#isReplacing = this.#isReplacing;
    copy.#isNew = false;
    this.#shared = copy.#shared = true;
    copy.#items = this.#items;
    copy.#visible = this.#visible;
    return copy as this;
  }

  /** See {@link Branch.absorb}. */
  protected override absorb(right: this, token: number): void {
    if (right.#isReplacing) return this.#replaceBy(right);
    const combine = (l: Value, r: Value) => Branch.mergeValues(l, r, token);
    this.#items = mergeItems(this.#change(), right.#items, combine);
  }

  #replaceBy(right: this): void {
    this.#items = overlay(right.#items, this.#items, replacingItem) as Item[];
    this.#shared = this.#items === right.#items;
    right.#shared ||= this.#shared;
    this.#visible = -1;
    this.#isReplacing = true;
  }

  /** Index among the stored items of a visible one, or −1. */
  #stored(visible: number): number {
    if (!(visible >= 0 && visible < this.len()) || !Number.isInteger(visible)) return -1;
    if (this.len() === this.#items.length) return visible;
    let left = visible;
    return this.#items.findIndex((item) => item.value !== DELETED && left-- === 0);
  }

  #replace(at: number, value: Value): void {
    this.#change()[at] = { position: this.#items[at]!.position, value };
  }

  /** The array, from now on this list's own, for a change that may alter the visible length. */
  #change(): Item[] {
    if (this.#shared) this.#items = this.#items.slice();
    this.#shared = false;
    this.#visible = -1;
    return this.#items;
  }

  /** The array as it is now: a later change goes to another one. */
  #snapshot(): readonly Item[] {
    this.share();
    this.#shared = true;
    return this.#items;
  }
}
