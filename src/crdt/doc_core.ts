/**
 * Storage, navigation and merging of documents; `doc.ts` adds the operations users call.
 *
 * @module
 */
import { BTree, compareStrings } from "../util/btree.ts";
import { CrdtError } from "../util/errors.ts";
import { Branch } from "./branch.ts";
import type { Doc } from "./doc.ts";
import { MAX_PATH_LEVELS, type PathLike, segmentsOf } from "./path.ts";
import { type Mark, putOver } from "./staging.ts";
import { DELETED, isBranch, isVisible, toText, type Value, type VisibleValue } from "./value.ts";

/** Children of a document: stored values by key, tombstones included. */
export type Children = BTree<string, Value>;

/** Which children an iteration visits. */
export interface KeyRange {
  /** First key, inclusive. */
  readonly from?: string;
  /** End of the keys, exclusive. */
  readonly to?: string;
  /** Descending instead of ascending order. */
  readonly reverse?: boolean;
}

/** The part of a document that knows how its children are stored. */
export abstract class DocCore extends Branch {
  #children: Children = new BTree(compareStrings);
  #atomic = false;
  /** Whether the document replaces an earlier one as a whole when it is merged over it. It is not stored. */
  #isReplacing = false;
  /** Number of visible children, or −1 when it must be counted. */
  #visible = 0;

  override get typeName(): "doc" {
    return "doc";
  }

  /** A new empty document. Internal. */
  abstract blank(): this;

  /** Whether it has no children, not even tombstones. Internal. */
  holdsNothing(): boolean {
    return this.#children.size === 0;
  }

  /** Whether the document replaces an earlier one. Internal: see `staging.ts`. */
  isReplacing(): boolean {
    return this.#isReplacing;
  }

  /** A copy that replaces an earlier document, also when it is stored. Internal. */
  asAtomic(): this {
    return this.#as(true, false);
  }

  /** A copy that replaces an earlier document, as long as it is not stored. Internal. */
  asReplacing(): this {
    return this.#as(this.#atomic, true);
  }

  /** A copy that is merged over an earlier document as its stored form is. Internal. */
  asStored(): this {
    return this.#as(this.#atomic, false);
  }

  #as(isAtomic: boolean, isReplacing: boolean): this {
    const copy = this.clone();
    copy.#atomic = isAtomic;
    copy.#isReplacing = isReplacing;
    return copy;
  }

  /** With what `change` makes of each child of `other` and the one under the same key here. Internal. */
  withEach(
    other: DocCore,
    change: (was: Value, now: Value | undefined, key: string) => Value | undefined,
  ): this {
    let result: this | undefined;
    other.peekEach((key, was) => {
      const now = this.#children.get(key);
      const value = change(was, now, key);
      if (value !== undefined && value !== now) (result ??= this.clone()).putChild(key, value);
    });
    return result ?? this;
  }

  /** Takes over children and flag; only for documents nobody else knows yet. Internal. */
  protected fill(children: Children, atomic: boolean): this {
    this.#children = children;
    this.#atomic = atomic;
    this.#visible = -1;
    return this;
  }

  /** Whether the document replaces an earlier one as a unit when merged over it. */
  isAtomic(): boolean {
    return this.#atomic;
  }

  /** Number of visible direct children. */
  len(): number {
    if (this.#visible < 0) {
      let count = 0;
      this.peekEach((_key, value) => count += value === DELETED ? 0 : 1);
      this.#visible = count;
    }
    return this.#visible;
  }

  /** Whether no child is visible; tombstones do not count. */
  isEmpty(): boolean {
    return this.len() === 0;
  }

  /** The visible direct keys in order. */
  *keys(range?: KeyRange): IterableIterator<string> {
    for (const [key, value] of this.#pairs(range)) if (value !== DELETED) yield key;
  }

  /** The visible direct values in order of keys. */
  *values(range?: KeyRange): IterableIterator<VisibleValue> {
    for (const [, value] of this.#pairs(range)) if (isVisible(value)) yield this.release(value);
  }

  /** The visible direct children in order of keys. Later changes do not show. */
  *entries(range?: KeyRange): IterableIterator<[string, VisibleValue]> {
    for (const [key, value] of this.#pairs(range)) {
      if (isVisible(value)) yield [key, this.release(value)];
    }
  }

  /** All direct children in order of keys, tombstones included. Later changes do not show. */
  *allEntries(range?: KeyRange): IterableIterator<[string, Value]> {
    for (const [key, value] of this.#pairs(range)) yield [key, this.release(value)];
  }

  /** The visible direct children in order of keys. */
  [Symbol.iterator](): IterableIterator<[string, VisibleValue]> {
    return this.entries();
  }

  *#pairs(range: KeyRange = {}): IterableIterator<[string, Value]> {
    const { from, to, reverse } = range;
    this.share();
    const children = this.#children.clone();
    const pairs = reverse ? children.entriesReversed(to) : children.entries(from);
    for (const pair of pairs) {
      const [key] = pair;
      if (reverse ? from !== undefined && key < from : to !== undefined && key >= to) return;
      yield pair;
    }
  }

  /** The stored value at a path, tombstones included. Internal: it must not be changed. */
  peek(path: PathLike): Value | undefined {
    if (typeof path === "string" && !path.includes(".")) return this.#children.get(path);
    const segments = segmentsOf(path);
    let value: Value | undefined = segments.length === 0 ? undefined : this as unknown as Value;
    for (const segment of segments) {
      if (!isBranch(value)) return undefined;
      value = value.peekChild(segment);
    }
    return value;
  }

  /** The stored children. Internal: they must not be changed. */
  peekChildren(): Children {
    return this.#children;
  }

  /** Calls back with each stored child in order of keys. Internal: they must not be changed. */
  peekEach(callback: (key: string, value: Value) => void): void {
    this.#children.forEachPair((key, value) => {
      callback(key, value); // without its result, which the tree would take as an order to stop
    });
  }

  override peekChild(segment: string): Value | undefined {
    return this.#children.get(segment);
  }

  override putChild(segment: string, value: Value): void {
    this.#put(segment, value, this.#children.get(segment));
  }

  #put(key: string, value: Value, old: Value | undefined): void {
    this.#children.set(key, value);
    if (this.#visible < 0) return;
    this.#visible += (value === DELETED ? 0 : 1) - (isVisible(old) ? 1 : 0);
  }

  /**
   * Stores a value that nobody else holds and returns the old one, making documents on the way. What
   * stands in their place is replaced. In a delta, for which `mark` is given, what is replaced stays so.
   */
  protected write(path: PathLike, value: Value, mark?: Mark): VisibleValue | undefined {
    const segments = segmentsOf(path);
    const last = segments.at(-1);
    if (last === undefined) return undefined;
    checkSegments(segments);
    const parent = segments.length === 1 ? this : DocCore.#makeParent(this, segments, mark);
    const old = parent.#children.get(last);
    parent.#put(last, mark === undefined ? value : putOver(old, value, mark), old);
    return isVisible(old) ? this.release(old) : undefined;
  }

  static #makeParent(root: DocCore, segments: readonly string[], mark?: Mark): DocCore {
    const token = root.token();
    let parent = root;
    for (const segment of segments.slice(0, -1)) {
      const old = parent.#children.get(segment);
      const isDoc = isBranch(old) && old.typeName === "doc";
      const child: DocCore = (isDoc ? old : DocCore.#standIn(root, old, mark)).owned(token);
      if (child !== old) parent.#put(segment, child as unknown as Value, old);
      parent = child;
    }
    return parent;
  }

  /** A new document in place of `old`. */
  static #standIn(root: DocCore, old: Value | undefined, mark: Mark | undefined): DocCore {
    const doc = root.blank() as unknown as Doc;
    return old === undefined || mark === undefined ? doc : mark.doc(doc);
  }

  /** Replaces what is visible at a path, which may lead through lists; false if nothing is. */
  protected replace(path: PathLike, value: Value): boolean {
    const segments = segmentsOf(path);
    const last = segments.at(-1);
    if (last === undefined || !isVisible(this.peek(path))) return false;
    DocCore.#ownedParent(this, segments).putChild(last, value);
    return true;
  }

  static #ownedParent(root: Branch, segments: readonly string[]): Branch {
    const token = root.token();
    let parent = root;
    for (const segment of segments.slice(0, -1)) {
      const child = (parent.peekChild(segment) as unknown as Branch).owned(token);
      parent.putChild(segment, child as unknown as Value);
      parent = child;
    }
    return parent;
  }

  protected override copy(): this {
    const copy = this.blank();
    copy.#children = this.#children.clone();
    copy.#atomic = this.#atomic;
    copy.#isReplacing = this.#isReplacing;
    copy.#visible = this.#visible;
    return copy;
  }

  protected override absorb(right: this, token: number): void {
    this.#isReplacing ||= right.#isReplacing;
    if (right.#atomic || right.#isReplacing || this.#children.size === 0) {
      this.#children = right.#children.clone();
      // Counted once, where it costs what parsing has cost: every state on top then knows its length.
      this.#visible = right.len();
      this.#atomic ||= right.#atomic;
    } else right.peekEach((key, value) => this.#absorbChild(key, value, token));
  }

  #absorbChild(key: string, value: Value, token: number): void {
    const old = this.#children.get(key);
    const merged = old === undefined ? value : Branch.mergeValues(old, value, token);
    if (merged !== old) this.#put(key, merged, old);
  }
}

function checkSegments(segments: readonly string[]): void {
  for (const segment of segments) toText(segment);
  if (segments.length <= MAX_PATH_LEVELS) return;
  throw new CrdtError(
    "InvalidPath",
    `Cannot write at a path of ${segments.length} levels: no reader accepts more than ${MAX_PATH_LEVELS}`,
    { fields: { path: segments.join("."), levels: segments.length } },
  );
}
