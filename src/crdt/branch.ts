/**
 * What `Doc` and `List` share: value semantics at constant cost, and merging.
 *
 * Structure is shared between copies and copied on write. A holder may change a nested branch in place
 * only if nobody else can reach it. It knows that by a *token*: a number that a root branch draws on
 * its first nested write and puts on every nested branch it makes or copies. Whenever anything below a
 * root escapes (`clone`, a branch handed out, a branch merged elsewhere), the root forgets its token;
 * tokens are never reused, so everything below is then seen as shared and copied before the next change.
 *
 * @module
 */
import { setMembersInspection } from "#inspect";
import type { Doc } from "./doc.ts";
import type { List } from "./list.ts";
import { isBranch, type Value } from "./value.ts";

let lastToken = 0;

/** A document or list. Only the two classes of this folder extend it. */
export abstract class Branch {
  /** `"doc"` or `"list"`. */
  abstract readonly typeName: "doc" | "list";

  /** Token of whoever may change this branch in place; 0 for nobody. */
  #token = 0;

  /** A copy that shares all structure, in constant time. The copy belongs to nobody. */
  protected abstract copy(): this;

  /** Merges `right` into this branch in place; branches below that carry `token` may change too. */
  protected abstract absorb(right: this, token: number): void;

  /** The stored value under one path segment, tombstones included. Internal: do not change it. */
  abstract peekChild(segment: string): Value | undefined;

  /** Replaces the stored value under one path segment. Internal: takes ownership of `value`. */
  abstract putChild(segment: string, value: Value): void;

  /** An independent copy: changes to either never show in the other. Takes constant time. */
  clone(): this {
    this.share();
    return this.copy();
  }

  /** Notes that something below this root is now reachable from elsewhere. Internal. */
  share(): void {
    this.#token = 0;
  }

  /** The token under which this root changes branches below it. Internal. */
  token(): number {
    if (this.#token === 0) this.#token = ++lastToken;
    return this.#token;
  }

  /** This branch if it belongs to `token`, otherwise a copy that does. Internal. */
  owned(token: number): this {
    if (this.#token === token) return this;
    const copy = this.copy();
    copy.#token = token;
    return copy;
  }

  /** What a reader of this root gets for a stored value below it: branches as copies. Internal. */
  release<V extends Value | undefined>(value: V): V {
    if (!isBranch(value)) return value;
    this.share();
    return (value as Branch).copy() as V;
  }

  /** Merges `right` into this root in place. `right` stays as it is. Internal. */
  absorbRoot(right: Branch): void {
    const source = right === this ? right.copy() : right;
    source.share();
    this.absorb(source as this, this.token());
  }

  /**
   * The merge of two values, `right` being the later one. Changes `left` in place if it
   * belongs to `token`. Internal.
   */
  static mergeValues(left: Value, right: Value, token: number): Value {
    if (!isBranch(left) || !isBranch(right) || left.typeName !== right.typeName) return right;
    const result: Branch = (left as Branch).owned(token);
    result.absorb(right as Branch, token);
    return result as Doc | List;
  }
}

// What is stored is read, so that nothing is copied or marked as shared.
setMembersInspection(Branch as unknown as { prototype: Doc | List }, (branch) => {
  const isMap = branch.typeName === "doc";
  const members = isMap ? branch.peekChildren().entries() : branch.peekVisible();
  return { name: isMap ? "Doc" : "List", isMap, size: branch.len(), members };
});

/**
 * The merge of two values, `right` being the later one. Neither changes.
 * A later scalar or tombstone wins, two documents or two lists merge, otherwise `right` wins.
 */
export function mergeValues(left: Value, right: Value): Value {
  if (!isBranch(right)) return right;
  if (!isBranch(left) || left.typeName !== right.typeName) return right.clone();
  const result: Branch = left.clone();
  result.absorbRoot(right);
  return result as Doc | List;
}
