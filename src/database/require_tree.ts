import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { BackendError } from "../util/errors.ts";

/** Refuses an entry that is of another tree. */
export function requireTree(tree: ID, entry: Entry): void {
  if (entry.isRoot ? entry.id.equals(tree) : entry.root?.equals(tree) === true) return;
  throw new BackendError(
    "EntryNotInTree",
    `Cannot store entry "${entry.id}" in tree "${tree}": it belongs to "${entry.root ?? entry.id}"`,
    { fields: { entryId: entry.id, treeId: tree } },
  );
}
