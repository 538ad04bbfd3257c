import { IdError, InstanceError } from "../util/errors.ts";
import { ROOT } from "./constants.ts";
import type { EntryModel } from "./entry_codec.ts";

/** Whether an entry begins a tree: it is marked as root and builds on nothing. */
export function isRootModel(entry: EntryModel): boolean {
  return entry.root === undefined && entry.parents.length === 0 &&
    entry.nodes.some((node) => node.name === ROOT);
}

/**
 * What can be checked of an entry alone. Throws {@link InstanceError}
 * `EntryValidationFailed`, or {@link IdError} `InvalidFormat` for an empty root.
 */
export function validateModel(entry: EntryModel): void {
  const isRoot = isRootModel(entry);
  if (entry.parents.length > 0 && entry.nodes.some((node) => node.name === ROOT)) {
    throw invalid("a root entry must not have main tree parents");
  }
  if (entry.root?.isEmpty === true) {
    throw new IdError("InvalidFormat", "Entry validation failed: the root is the empty ID", {
      fields: { text: "" },
    });
  }
  for (const node of entry.nodes) {
    if (node.name === "") throw invalid("a subtree has an empty name");
    if (node.name !== ROOT && node.parents.some((id) => id.isEmpty)) {
      throw invalid(`the subtree "${node.name}" has an empty parent ID`);
    }
  }
  if (isRoot) return;
  if (entry.parents.length === 0) throw invalid("empty main tree parents on a non-root entry");
  if (entry.parents.some((id) => id.isEmpty)) throw invalid("an empty parent ID in the main tree");
}

function invalid(reason: string): InstanceError {
  return new InstanceError("EntryValidationFailed", `Entry validation failed: ${reason}`, {
    fields: { reason },
  });
}

/** As {@link validateModel}. */
export function validateEntry(entry: { readonly model: EntryModel }): void {
  validateModel(entry.model);
}
