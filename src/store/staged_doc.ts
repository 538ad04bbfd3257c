import type { Doc } from "../crdt/doc.ts";
import { mergeValues } from "../crdt/branch.ts";
import type { Value } from "../crdt/value.ts";
import { StoreError } from "../util/errors.ts";

/**
 * A top-level child of the merged view of a store: what this transaction has staged on top of its
 * history. Only this child is merged, so that reading one key costs the same in any document.
 */
export function mergedChild(staged: Doc | undefined, history: Doc, key: string): Value | undefined {
  const before = staged?.isAtomic() === true ? undefined : history.peek(key);
  const change = staged?.peek(key);
  if (change === undefined) return before;
  return before === undefined ? change : mergeValues(before, change);
}

/** The error for a key that a store does not have. */
export function keyNotFound(store: string, key: string): StoreError {
  return new StoreError("KeyNotFound", `Key "${key}" is not in store "${store}"`, {
    fields: { store, key },
  });
}

/** The error for a value of another kind than the one asked for. */
export function typeMismatch(store: string, expected: string, actual: string): StoreError {
  const message = `Type mismatch in store "${store}": expected ${expected}, found ${actual}`;
  return new StoreError("TypeMismatch", message, { fields: { store, expected, actual } });
}
