import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { EntryMetadata } from "../../entry/metadata.ts";

/** Everything that an entry names and might have waited for. */
export function referencesOf(entry: Entry): ID[] {
  const ids = [...entry.parents, ...entry.subtrees.flatMap((name) => entry.subtreeParents(name))];
  for (const step of entry.sig.key.path ?? []) ids.push(step.tree, ...step.tips);
  try {
    if (entry.metadata !== undefined) {
      ids.push(...EntryMetadata.parse(entry.metadata).settingsTips.tips);
    }
  } catch {
    // Without metadata that can be read there is no pin to wait for.
  }
  return ids;
}
