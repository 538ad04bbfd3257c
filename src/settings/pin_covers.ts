import type { LocalBackend } from "../backend/local.ts";
import type { EntryReader } from "../backend/tree/walk.ts";
import type { ID } from "../entry/id.ts";
import { SettingsIndex } from "./settings_index.ts";
import { SettingsWalk } from "./settings_walk.ts";

/** What is among so many entries is found sooner by a walk than by an index. */
const NEAR = 64;

/**
 * Whether all of `ids` are among the `_settings` entries that `pin` covers: its tips and their
 * ancestors over `_settings` parents.
 */
export async function pinCovers(
  backend: LocalBackend,
  reader: EntryReader,
  tree: ID,
  pin: readonly ID[],
  ids: readonly ID[],
): Promise<boolean> {
  const wanted = new Set(ids.map(String));
  for (const tip of pin) wanted.delete(tip.toString());
  if (wanted.size === 0) return true;
  const walk = new SettingsWalk(reader, tree);
  for (const tip of pin) await walk.add(tip);
  for (let left = NEAR; left > 0; left--) {
    const entry = await walk.next();
    if (entry === undefined) return false;
    wanted.delete(entry.id.toString());
    if (wanted.size === 0) return true;
  }
  return (await SettingsIndex.of(backend, reader, tree, pin)).covers(pin, ids);
}
