import type { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import { Logger } from "../../util/log.ts";
import type { SyncResponse } from "./messages.ts";
import type { Serving } from "./serving.ts";

const log = new Logger("sync");

/**
 * Takes entries that were pushed, of trees that are kept in step here, and hardly any of others. Each is judged here, whoever sent it; the answer counts those that are held now, once for each time they stand in the message.
 */
export async function takeEntries(
  serving: Serving,
  entries: readonly Entry[],
  refused: number,
): Promise<SyncResponse> {
  let count = 0;
  for (const [root, group] of byTree(entries)) count += await takeGroup(serving, root, group);
  return entries.length + refused < 2 ? { type: "Ack" } : { type: "Count", body: count };
}

/** Entries by tree, in the order of the roots; within a tree in the order in which they came. */
function byTree(entries: readonly Entry[]): [ID, Entry[]][] {
  const groups = new Map<string, [ID, Entry[]]>();
  for (const entry of entries) {
    const root = entry.root ?? entry.id;
    const group = groups.get(root.toString());
    if (group === undefined) groups.set(root.toString(), [root, [entry]]);
    else group[1].push(entry);
  }
  return [...groups.values()].sort(([a], [b]) => ID.compare(a, b));
}

async function takeGroup(serving: Serving, root: ID, entries: readonly Entry[]): Promise<number> {
  try {
    if (!await serving.takes(root, entries)) return 0;
    const { rejected } = await serving.host.host.putRemoteEntries(root, entries);
    // Without its root nothing of a tree can be judged, and nothing counts.
    if (!await serving.host.host.backend.hasEntry(root)) return 0;
    const gone = new Set(rejected.map(({ entry }) => entry));
    return entries.filter((entry) => !gone.has(entry)).length;
  } catch (error) {
    log.warn("cannot take entries of {tree}: {error}", { tree: `${root}`, error });
    return 0;
  }
}
