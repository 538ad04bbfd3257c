import type { LocalBackend } from "../backend/local.ts";
import { entriesBetween } from "../backend/tree/difference.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { turns } from "../util/turns.ts";

/** The entries between two frontiers, parents first; see {@link entriesBetween}. */
export async function idsAdded(
  backend: LocalBackend,
  previous: Snapshot,
  post: Snapshot,
): Promise<ID[]> {
  if (turns.isOver) await turns.next();
  if (previous.equals(post)) return [];
  return (await entriesBetween(backend, previous.tips, post.tips)).map((entry) => entry.id);
}
