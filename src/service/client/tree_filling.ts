import { compareInTree } from "../../backend/tree/walk.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { RemoteTree } from "./remote_tree.ts";

/** Says which of some entries are not held yet. */
export type Lacking = (ids: readonly ID[]) => Promise<ID[]>;

/**
 * The entries that `tips` reach over their parents and that are not held, parents first: what makes a copy of a
 * database whole. A copy that holds nothing yet is given whole stores at once, and then what they lack; one that
 * only lacks the newest entries walks back to what it holds.
 */
export async function entriesLacking(
  remote: RemoteTree,
  tips: readonly ID[],
  lacking: Lacking,
  isNew: boolean,
): Promise<Entry[]> {
  const found = new Map<string, Entry>();
  let wanted = await lacking(tips);
  let isFirst = isNew;
  while (wanted.length > 0) {
    const named = await remote.entries(wanted);
    const fresh = isFirst ? [...named, ...await inStores(remote, tips, named)] : named;
    isFirst = false;
    for (const entry of fresh) found.set(entry.id.toString(), entry);
    wanted = await lacking(unknownParents(fresh, found));
  }
  return [...found.values()].sort(compareInTree);
}

/** What the stores of the tips hold; nothing where a daemon cannot give it at once: it is walked to then. */
async function inStores(
  remote: RemoteTree,
  tips: readonly ID[],
  entries: readonly Entry[],
): Promise<Entry[]> {
  if (entries.every((entry) => entry.parents.length === 0)) return [];
  const stores = new Set(entries.flatMap((entry) => entry.subtrees));
  const held = [...stores].map((store) => remote.store(store, tips).catch(() => []));
  return (await Promise.all(held)).flat();
}

function unknownParents(fresh: readonly Entry[], found: ReadonlyMap<string, Entry>): ID[] {
  const unknown = new Map<string, ID>();
  for (const entry of fresh) {
    for (const parent of entry.parents) {
      const name = parent.toString();
      if (!found.has(name)) unknown.set(name, parent);
    }
  }
  return [...unknown.values()];
}
