import type { LocalBackend } from "../backend/local.ts";
import { TreeUpdate } from "../backend/tree/tree_update.ts";
import type { Entry } from "../entry/entry.ts";
import { EntryJudge } from "./entry_judge.ts";

/**
 * Whether an entry is valid under the settings that it pins; false while something that it relies on
 * is not held or not judged. Nothing is written.
 */
export async function verifyEntrySignature(backend: LocalBackend, entry: Entry): Promise<boolean> {
  const update = await TreeUpdate.begin(backend, entry.root ?? entry.id, true);
  return await new EntryJudge(backend, update).judge(entry) === "Verified";
}
