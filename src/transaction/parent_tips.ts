import type { EntryReader } from "../backend/tree/walk.ts";
import { compareInTree } from "../backend/tree/walk.ts";
import { MAX_PARENTS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import { Snapshot } from "../entry/snapshot.ts";

/**
 * The tips that a new entry builds on: all of them, or the highest where there are more than an entry
 * can list. Those left out stay tips, and the next entry takes them, so nobody can stop a database by
 * branching it too often. The highest first, since one's own newest entry is among them.
 */
export async function parentTips(reader: EntryReader, tips: Snapshot): Promise<Snapshot> {
  if (areFew(tips)) return tips;
  const entries = await Promise.all(tips.tips.map((id) => reader.find(id)));
  const held = entries.filter((entry): entry is Entry => entry !== undefined).sort(compareInTree);
  return Snapshot.of(held.slice(-MAX_PARENTS).map(({ id }) => id));
}

/** Whether all of these tips can be the parents of one entry. */
export function areFew(tips: Snapshot): boolean {
  return tips.length <= MAX_PARENTS;
}
