import type { VerificationStatus } from "../../backend/backend.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { EideticaError, InstanceError } from "../../util/errors.ts";
import type { ReceivedEntry, Submitted } from "../protocol/messages.ts";
import type { ServedHost } from "./port.ts";
import { openTree } from "./reads.ts";

const REASONS: Readonly<Record<VerificationStatus, string | undefined>> = {
  Verified: undefined,
  Failed:
    "the settings that it names do not allow its signer to write it, or its signature is wrong",
  Unverified: "something that it names has not arrived",
};

/**
 * Stores an entry that a client, or somebody for whom it carries it, has signed, and judges it (11 §6). Nobody has
 * to be allowed to: the signature and the settings that the entry names decide. What refers to a database of which
 * the root is not held is not stored: it could be anything, and nobody could read it. One that must be `alone` is
 * not stored either, with `Overtaken`, when the database has other Verified tips than these.
 */
export async function submit(
  host: ServedHost,
  rootId: ID,
  entry: ReceivedEntry,
  alone?: Snapshot,
): Promise<Submitted> {
  if (entry instanceof EideticaError) throw entry;
  const tree = entry.root ?? entry.id;
  if (!tree.equals(entry.id)) await openTree(host, tree);
  const { rejected: [rejected] } = await host.putRemoteEntries(tree, [entry], { alone });
  if (rejected !== undefined) throw withEntry(rejected.error, entry);
  if (!rootId.equals(tree)) await openTree(host, rootId);
  const verifiedTips = await host.backend.tips.seen(tree);
  const status = await statusOf(host, entry, verifiedTips);
  return { status, reason: REASONS[status], verifiedTips };
}

/** The verdict on an entry, which mostly is a Verified tip now. */
async function statusOf(
  { backend }: ServedHost,
  { id }: Entry,
  { tips }: Snapshot,
): Promise<VerificationStatus> {
  if (tips.some((tip) => tip.equals(id))) return "Verified";
  return await backend.getVerificationStatus(id);
}

/** A refusal that says which entry it is about. */
function withEntry(error: EideticaError, { id }: Entry): EideticaError {
  if (error.code !== "EntryValidationFailed" || "entryId" in error.fields) return error;
  const fields = { ...error.fields, entryId: id };
  return new InstanceError(error.code, error.message, { cause: error, fields });
}
