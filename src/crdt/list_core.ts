/**
 * How a list keeps its items: a sorted array, shared between copies until one of them changes. Removed items stay
 * as tombstones; a *visible index* does not count them.
 *
 * @module
 */
import { Branch } from "./branch.ts";
import { type Change, type Item, mergeItems, overlay, putItem, takeRight } from "./list_items.ts";
import { replacingItem } from "./staging.ts";
import { DELETED, isVisible, type Value, type VisibleValue } from "./value.ts";

/** A path segment that names a list item: decimal digits, perhaps after a plus sign. */
const INDEX = /^\+?[0-9]+$/;

/** The items of a list, and what merges, paths and transactions do with them. */
export abstract class ListCore extends Branch {
  /** Name of the variant. */
  override get typeName(): "list" {
    return "list";
  }

  #items: Item[] = [];
  /** Whether another list uses the same array. */
  #shared = false;
  /** Number of visible items, or −1 when it must be counted. */
  #visible = 0;
  #isNew = true;
  /** Whether the list replaces an earlier one as a whole when it is merged over it. It is not stored. */
  #isReplacing = false;

  /** An empty list. Internal. */
  abstract blank(): this;

  /** Takes over items, which must be sorted; only for lists nobody else knows yet. Internal. */
  protected fill(items: Item[]): this {
    this.#items = items;
    this.#visible = -1;
    this.#isNew = false;
    return this;
  }

  /** Whether nobody else can have the list: it is no copy and was not read. */
  protected get isNew(): boolean {
    return this.#isNew;
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

  /** Physically removes everything, leaving no tombstones: a merge brings the items back. */
  clear(): void {
    this.#items = [];
    this.#shared = false;
    this.#visible = 0;
  }

  // --- reading -------------------------------------------------------------------------------

  /** The visible value at an index as it is stored. Internal: it must not be changed. */
  peek(index: number): VisibleValue | undefined {
    return this.#items[this.stored(index)]?.value as VisibleValue | undefined;
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

  /** Index among the stored items of a visible one, or −1. */
  protected stored(visible: number): number {
    if (!(visible >= 0 && visible < this.len()) || !Number.isInteger(visible)) return -1;
    if (this.len() === this.#items.length) return visible;
    let left = visible;
    return this.#items.findIndex((item) => item.value !== DELETED && left-- === 0);
  }

  /** The array as it is now: a later change goes to another one. */
  protected snapshot(): readonly Item[] {
    this.share();
    this.#shared = true;
    return this.#items;
  }

  // --- changing ------------------------------------------------------------------------------

  /** The array, from now on this list's own, for a change that may alter the visible length. */
  protected change(): Item[] {
    if (this.#shared) this.#items = this.#items.slice();
    this.#shared = false;
    this.#visible = -1;
    return this.#items;
  }

  /** Adds an item at a position that no other one has, after all others if it is the `last`. */
  protected addItem(item: Item, isLast: boolean): void {
    const len = this.len();
    if (isLast) this.change().push(item);
    else putItem(this.change(), item, takeRight);
    this.#visible = len + (item.value === DELETED ? 0 : 1);
  }

  /** Puts another value in the place of a stored item. */
  protected replaceItem(at: number, value: Value): void {
    this.change()[at] = { position: this.#items[at]!.position, value };
  }

  /** See {@link Branch.putChild}. */
  override putChild(segment: string, value: Value): void {
    this.replaceItem(this.stored(Number(segment)), value);
  }

  // --- copies and merges ---------------------------------------------------------------------

  /** Whether the list replaces an earlier one. Internal: see `staging.ts`. */
  isReplacing(): boolean {
    return this.#isReplacing;
  }

  /** A copy that replaces an earlier list when merged over it. Internal. */
  asReplacing(): this {
    return this.#with(this.#items, true);
  }

  /** A copy that unites with an earlier list when merged over it, as stored lists do. Internal. */
  asStored(): this {
    return this.#with(this.#items, false);
  }

  /** Whether it has no items, not even tombstones. Internal. */
  holdsNothing(): boolean {
    return this.#items.length === 0;
  }

  /** With what `change` makes of each item of `other` and the one at the same position here. Internal. */
  withEach(other: this, change: Change): this {
    const items = overlay(this.#items, other.#items, change);
    return items === this.#items ? this : this.#with(items, this.#isReplacing);
  }

  #with(items: readonly Item[], isReplacing: boolean): this {
    const copy = this.clone();
    copy.#items = items as Item[];
    copy.#shared = items === this.#items;
    copy.#visible = -1;
    copy.#isReplacing = isReplacing;
    return copy;
  }

  /** See {@link Branch.copy}. */
  protected override copy(): this {
    const copy = this.blank();
    copy.#isReplacing = this.#isReplacing;
    copy.#isNew = false;
    this.#shared = copy.#shared = true;
    copy.#items = this.#items;
    copy.#visible = this.#visible;
    return copy;
  }

  /** See {@link Branch.absorb}. */
  protected override absorb(right: this, token: number): void {
    if (right.#isReplacing) return this.#replaceBy(right);
    const combine = (l: Value, r: Value) => Branch.mergeValues(l, r, token);
    this.#items = mergeItems(this.change(), right.#items, combine);
  }

  #replaceBy(right: this): void {
    this.#items = overlay(right.#items, this.#items, replacingItem) as Item[];
    this.#shared = this.#items === right.#items;
    right.#shared ||= this.#shared;
    this.#visible = -1;
    this.#isReplacing = true;
  }
}
