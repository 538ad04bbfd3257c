/**
 * What a delta must hold so that what was deleted or replaced in it stays so when it is merged over history.
 *
 * A later document merges into an earlier one and a later list unites with it. So a document or list that a
 * delta puts in place of what it had deleted or replaced is *replacing*: merged over another one, it is all that
 * is left. That has no stored form. {@link completion} finds one, with history at hand: an atomic document
 * where something of the old one would come back, and tombstones in lists.
 *
 * @module
 */

import type { Doc } from "./doc.ts";
import type { List } from "./list.ts";
import { DELETED, isBranch, type Value } from "./value.ts";

/** What becomes of documents and lists that stand where something else was deleted or replaced. */
export interface Mark {
  /** Of a document. */
  doc(value: Doc): Doc;
  /** Of a list. */
  list(value: List): List;
}

/** Marks both as replacing: for deltas that {@link completion} looks at before they are written. */
export const REPLACING: Mark = {
  doc: (value) => value.asReplacing(),
  list: (value) => value.asReplacing(),
};

/** For deltas that are written as they are: replaces documents for certain, and lists not at all. */
export const STORED: Mark = { doc: (value) => value.asAtomic(), list: (value) => value };

/** What a delta that holds `old` somewhere holds after `value` was put there. */
export function putOver(old: Value | undefined, value: Value, mark: Mark): Value {
  if (old === undefined || !isBranch(value) || !isPlain(value)) return value;
  const carry = (was: Value, now: Value | undefined) => {
    return now === undefined ? marksOf(was) : putOver(was, now, mark);
  };
  const isSame = isBranch(old) && isPlain(old) && old.typeName === value.typeName;
  if (value.typeName === "doc") return isSame ? value.withEach(old as Doc, carry) : mark.doc(value);
  return isSame ? value.withEach(old as List, carry) : mark.list(value);
}

/** The deletions in `was`; undefined when there are none. */
function marksOf(was: Value): Value | undefined {
  if (was === DELETED) return DELETED;
  if (!isBranch(was)) return undefined;
  if (!isPlain(was)) return DELETED; // it stands where something was deleted
  const marks = was.typeName === "doc"
    ? was.blank().withEach(was, marksOf)
    : was.blank().withEach(was, marksOf);
  return marks.holdsNothing() ? undefined : marks;
}

/**
 * The delta that makes `after` of a value that was read as `before`: with tombstones for what is no longer
 * there. Merged over history it leaves what is in `after`, and what others have added meanwhile.
 */
export function changeOf(before: Value, after: Value): Value {
  if (before === after || !isBranch(before) || !isBranch(after)) return after;
  if (after.typeName !== before.typeName || !isPlain(after)) return after;
  return after.typeName === "doc"
    ? after.withEach(before as Doc, changeOfPart)
    : after.withEach(before as List, changeOfPart);
}

function changeOfPart(was: Value, now: Value | undefined): Value | undefined {
  if (now !== undefined) return changeOf(was, now);
  return was === DELETED ? undefined : DELETED;
}

/** What is left when a replacing list is merged over another one, of an item or its absence. */
export function replacingItem(was: Value, now: Value | undefined): Value {
  if (now === undefined) return DELETED;
  if (!isBranch(was) || !isBranch(now) || was.typeName !== now.typeName) return now;
  if (now.typeName === "list") return now.withEach(was as List, replacingItem);
  return comesBack(was, now) ? now.asAtomic() : now;
}

/** What makes of `delta` one whose stored form says all, on top of a history; undefined if it is one. */
export function completion(delta: Doc): ((history: Doc) => Doc) | undefined {
  return hasReplacing(delta) ? (history) => completed(delta, history) as Doc : undefined;
}

/** In an atomic document nothing needs to replace anything: nothing of history is left there. */
function hasReplacing(value: Value): boolean {
  if (!isBranch(value)) return false;
  if (value.isReplacing()) return true;
  if (value.typeName === "list" || value.isAtomic()) return false;
  let found = false;
  value.peekEach((_key, child) => void (found ||= hasReplacing(child)));
  return found;
}

function completed(value: Doc | List, before: Value | undefined): Doc | List {
  if (!hasReplacing(value)) return value;
  if (value.typeName === "list") {
    const isList = isBranch(before) && before.typeName === "list";
    return (isList ? before.merge(value) : value).asStored();
  }
  if (value.isReplacing() && comesBack(before, value)) return value.asAtomic();
  return value.asStored().withEach(value, (child, _now, key) => {
    return isBranch(child) ? completed(child, childOf(before, key)) : child;
  });
}

function childOf(value: Value | undefined, key: string): Value | undefined {
  return isBranch(value) && value.typeName === "doc" ? value.peekChild(key) : undefined;
}

/** Whether something of `before` is there that `after`, merged over it, would leave. */
function comesBack(before: Value | undefined, after: Value): boolean {
  if (!isBranch(before) || !isBranch(after) || before.typeName !== after.typeName) return false;
  if (after.typeName === "doc" && after.isAtomic()) return false;
  let found = false;
  const look = (was: Value, now: Value | undefined) => {
    found ||= was !== DELETED && (now === undefined || comesBack(was, now));
    return now;
  };
  if (after.typeName === "doc") after.withEach(before as Doc, look);
  else after.withEach(before as List, look);
  return found;
}

/** Whether a document or list merges with an earlier one. */
function isPlain(value: Doc | List): boolean {
  return !value.isReplacing() && !(value.typeName === "doc" && value.isAtomic());
}
