import { AuthSettings } from "../auth/settings.ts";
import type { StateCache } from "../backend/materialize.ts";
import { inTree, storeParents } from "../backend/walk.ts";
import { type Doc, Doc as DocClass } from "../crdt/doc.ts";
import { docState } from "../backend/doc_state.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { EntryReader } from "../backend/walk.ts";

/** Auth settings by the settings document they were read from. */
const parsed = new WeakMap<Doc, AuthSettings>();

/** The auth settings inside a settings document; empty when `auth` is missing or not a document. */
export function authOf(settings: Doc): AuthSettings {
  const known = parsed.get(settings);
  if (known !== undefined) return known;
  const auth = settings.get("auth");
  const made = AuthSettings.fromDoc(auth instanceof DocClass ? auth : new DocClass());
  parsed.set(settings, made);
  return made;
}

/** The settings document of a tree at some `_settings` tips. The value is shared. */
export async function settingsAt(
  reader: EntryReader,
  states: StateCache,
  tree: ID,
  tips: Snapshot,
): Promise<Doc> {
  return await states.stateAt(reader, tree, SETTINGS, tips, docState);
}

/**
 * Whether `id` is one of the `_settings` entries that `pin` covers: a tip of it, or an ancestor of
 * a tip over `_settings` parents. Only entries above the height of `id` are walked.
 */
export async function pinCovers(
  reader: EntryReader,
  tree: ID,
  pin: readonly ID[],
  id: ID,
): Promise<boolean> {
  if (pin.some((tip) => tip.equals(id))) return true;
  const target = await reader.find(id);
  if (target === undefined) return false;
  const seen = new Set<string>();
  const queue = [...pin];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const key = next.toString();
    if (seen.has(key)) continue;
    seen.add(key);
    const entry: Entry | undefined = await reader.find(next);
    if (entry === undefined || !inTree(entry, tree) || entry.height < target.height) continue;
    const parents = storeParents(entry, SETTINGS);
    if (parents.some((parent) => parent.equals(id))) return true;
    queue.push(...parents);
  }
  return false;
}
