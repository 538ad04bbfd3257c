/**
 * A data type that remembers what was folded and in which order, for tests of materialised states.
 *
 * @module
 */

import type { StateType } from "../../src/backend/state/state_cache.ts";
import { Entry } from "../../src/entry/entry.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { ids } from "./helpers.ts";

/** The store that the entries of a trail are in. */
export const STORE = "s";

/** States are the labels in the order in which they were folded; whatever follows a NUL is padding. */
export const trail: StateType<readonly string[]> = {
  name: "trail",
  empty: () => [],
  parse: (bytes) => fromUtf8(bytes).split("\0")[0]!.split(" "),
  merge: (left, right) => [...left, ...right],
  serialize: (labels) => utf8(labels.join(" ")),
  checkpoint: { version: 1 },
};

/** An entry of the store whose payload is a label and `padding` bytes. */
export function labelled(
  root: Entry,
  parents: readonly Entry[],
  label: string,
  padding = 0,
  storeHeight?: number,
): Entry {
  const builder = Entry.builder(root.id).setParents(ids(parents.length > 0 ? parents : [root]));
  builder.setHeight(Math.max(0, ...parents.map((parent) => parent.height)) + 1);
  if (storeHeight !== undefined) builder.setSubtreeHeight(STORE, storeHeight);
  builder.setSubtreeData(STORE, utf8(`${label}\0${"-".repeat(padding)}`));
  return builder.setSubtreeParents(STORE, ids(parents)).build();
}

/** A chain of entries `<prefix>0` … on top of `parents`. */
export function chain(
  root: Entry,
  parents: readonly Entry[],
  prefix: string,
  length: number,
  padding = 0,
): Entry[] {
  const made: Entry[] = [];
  for (let at = 0; at < length; at++) {
    made.push(labelled(root, at === 0 ? parents : [made[at - 1]!], `${prefix}${at}`, padding));
  }
  return made;
}

/** The slow, obvious fold: labels of all entries by height, then by the text of the ID. */
export function slowTrail(entries: readonly Entry[]): string[] {
  const order = [...entries].sort((a, b) =>
    a.subtreeHeight(STORE) - b.subtreeHeight(STORE) || (`${a.id}` < `${b.id}` ? -1 : 1)
  );
  return order.flatMap((entry) => trail.parse(entry.findData(STORE)!));
}
