import { Doc } from "../crdt/doc.ts";
import { mergeValues } from "../crdt/branch.ts";
import { segmentsOf } from "../crdt/path.ts";
import type { Value } from "../crdt/value.ts";
import { INDEX } from "../entry/constants.ts";
import { StoreError } from "../util/errors.ts";

/**
 * A top-level child of the merged view of a store: what this transaction has staged on top of its
 * history. Only this child is merged, so that reading one key costs the same in any document.
 */
export function mergedChild(staged: Doc | undefined, history: Doc, key: string): Value | undefined {
  const before = staged?.isAtomic() === true ? undefined : history.peekChild(key);
  const change = staged?.peekChild(key);
  if (change === undefined) return before;
  return before === undefined ? change : mergeValues(before, change);
}

/**
 * As {@link mergedChild}, for names and keys that may contain dots. We store them as they are; the
 * reference reads them as paths. What it stored nested is found when `isRecord` says that it is one.
 */
export function mergedName(
  staged: Doc | undefined,
  history: Doc,
  name: string,
  isRecord: (value: Value) => boolean,
): Value | undefined {
  const own = mergedChild(staged, history, name);
  if (own !== undefined || !name.includes(".")) return own;
  const [first, ...rest] = segmentsOf(name);
  const outer = first === undefined ? undefined : mergedChild(staged, history, first);
  const nested = outer instanceof Doc && rest.length > 0 ? outer.peek(rest) : undefined;
  return nested !== undefined && isRecord(nested) ? nested : undefined;
}

/** The error for a key that a store does not have. */
export function keyNotFound(store: string, key: string): StoreError {
  const message = store === INDEX
    ? `Cannot find the store "${key}": the database has none of this name`
    : `Cannot find "${key}" in the store "${store}": nothing is stored there`;
  return new StoreError("KeyNotFound", message, { fields: { store, key } });
}

/** The error for a value of another kind than the one asked for. */
export function typeMismatch(store: string, expected: string, actual: string): StoreError {
  const message = `Cannot read the store "${store}": expected ${expected}, found ${actual}`;
  return new StoreError("TypeMismatch", message, { fields: { store, expected, actual } });
}
