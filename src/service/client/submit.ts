import type { VerificationStatus } from "../../backend/backend.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { expected } from "./expected.ts";
import type { DaemonSession } from "./session.ts";
import type { TreeMirror } from "./tree_mirror.ts";

/** What a daemon makes of an entry. */
export interface Verdict {
  /** The verdict. */
  readonly status: VerificationStatus;
  /** Why it is not Verified, if the daemon tells. */
  readonly reason?: string | undefined;
}

/**
 * Submits an entry to a daemon that tells the verdict in its answer, and that refuses one that must be `alone` when
 * the database has other Verified tips.
 */
export async function submitForVerdict(
  session: DaemonSession,
  tree: ID,
  entry: Entry,
  alone: Snapshot | undefined,
): Promise<Verdict> {
  const response = await session.submit(tree, { type: "SubmitSignedEntry", entry, alone });
  return expected(response, "Submitted").submitted;
}

/**
 * Submits an entry to a daemon that tells no verdict: what becomes part of the copy is Verified. A root entry
 * stands on nothing that another could judge otherwise, and was judged here.
 */
export async function submitAndLook(
  session: DaemonSession,
  mirror: TreeMirror,
  entry: Entry,
): Promise<Verdict> {
  const submitted = session.submit(mirror.tree, { type: "SubmitSignedEntry", entry });
  expected(await submitted, "Ok");
  if (entry.isRoot) return { status: "Verified" };
  const isVerified = await mirror.looksFor(entry.id);
  return { status: isVerified ? "Verified" : "Unverified" };
}
