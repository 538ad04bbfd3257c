import type { Outcome } from "../auth/port.ts";
import type { AuthSettings } from "../auth/settings.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { IdRow } from "../backend/records/tree_records.ts";
import { checkReachable, type EntryReader, storeTipsAt } from "../backend/tree/walk.ts";
import { SETTINGS } from "../entry/constants.ts";
import type { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { AuthError, EideticaError } from "../util/errors.ts";
import { authAt } from "./pinned_settings.ts";

/** An answer that is none: never, or not yet. */
type Refusal = Exclude<Outcome<never>, { readonly outcome: "known" }>;

/** Reads entries and their verdicts: a backend, or an update that is being prepared on it. */
export interface VerdictReader extends EntryReader {
  /** Status, height and tree of an entry; undefined when it is not held. */
  row(id: ID): Promise<IdRow | undefined>;
  /** The tree that this reader sees changes of, before they are committed. */
  readonly tree: ID;
}

/**
 * Auth settings of a delegated database as of the claimed tips. The tips must be
 * Verified entries of that database at or above the committed floor; what is not held or not judged
 * yet leaves the question undecided, never refused for good. What of it is not held at all is added
 * to `absent`.
 */
export async function delegatedSettings(
  backend: LocalBackend,
  update: VerdictReader | undefined,
  tree: ID,
  claimed: readonly ID[],
  floor: readonly ID[],
  absent: ID[] = [],
): Promise<Outcome<AuthSettings>> {
  const tips = await claimedTips(backend, update, tree, claimed, absent);
  if (tips !== undefined) return tips;
  const reader: EntryReader = update?.tree.equals(tree) === true ? update : backend;
  const reached = await judgeFloor(reader, tree, claimed, floor);
  if (reached?.outcome === "undecided") absent.push(...reached.missing);
  if (reached !== undefined) return reached;
  return await readSettings(backend, reader, tree, Snapshot.of(claimed));
}

/**
 * Why the claimed tips of a delegated database are not good, or not yet; undefined when they are. What is not
 * held at all is added to `absent`.
 */
export async function claimedTips(
  backend: LocalBackend,
  update: VerdictReader | undefined,
  tree: ID,
  claimed: readonly ID[],
  absent: ID[],
): Promise<Refusal | undefined> {
  const own = update !== undefined && update.tree.equals(tree);
  const rowOf = async (id: ID) => {
    const row = await (own ? update.row(id) : backend.loadRow(id));
    if (row === undefined) absent.push(id);
    return row;
  };
  const root = await rowOf(tree);
  if (root !== undefined && !root.tree.equals(tree)) {
    return refused(tree, claimed, "it is no root of a database");
  }
  if (root === undefined || root.status === "Unverified") {
    return { outcome: "undecided", missing: [tree] };
  }
  return await judgeTips(tree, claimed, rowOf);
}

function refused(tree: ID, claimed: readonly ID[], reason: string): Refusal {
  const message = `Cannot accept the claimed tips of the delegated database "${tree}": ${reason}`;
  const fields = { treeId: tree, claimedTips: claimed };
  return { outcome: "refused", error: new AuthError("InvalidDelegationTips", message, { fields }) };
}

async function judgeTips(
  tree: ID,
  claimed: readonly ID[],
  rowOf: (id: ID) => Promise<IdRow | undefined>,
): Promise<Refusal | undefined> {
  if (claimed.length === 0) return refused(tree, claimed, "there are none");
  const missing: ID[] = [];
  for (const tip of claimed) {
    const row = await rowOf(tip);
    if (row !== undefined && !row.tree.equals(tree)) {
      return refused(tree, claimed, `"${tip}" is of another tree`);
    }
    if (row === undefined || row.status === "Unverified") missing.push(tip);
    else if (row.status === "Failed") return refused(tree, claimed, `"${tip}" is not valid`);
  }
  return missing.length === 0 ? undefined : { outcome: "undecided", missing };
}

async function judgeFloor(
  reader: EntryReader,
  tree: ID,
  claimed: readonly ID[],
  floor: readonly ID[],
): Promise<Outcome<AuthSettings> | undefined> {
  try {
    const reach = await checkReachable(reader, tree, claimed, floor);
    if (reach.verdict === "Reachable") return undefined;
    if (reach.verdict === "Indeterminate") return { outcome: "undecided", missing: reach.missing };
    return refused(tree, claimed, "they are behind the tips that the delegation was made with");
  } catch (error) {
    if (error instanceof EideticaError && error.code === "EntryNotInTree") {
      return refused(tree, claimed, "the delegation was made with tips of another tree");
    }
    throw error;
  }
}

async function readSettings(
  backend: LocalBackend,
  reader: EntryReader,
  tree: ID,
  claimed: Snapshot,
): Promise<Outcome<AuthSettings>> {
  try {
    const tips = reader === backend
      ? await backend.storeSnapshotAt(tree, SETTINGS, claimed)
      : await storeTipsAt(reader, SETTINGS, claimed);
    return { outcome: "known", value: await authAt(reader, backend.states, tree, tips) };
  } catch (cause) {
    if (!(cause instanceof EideticaError) || !["crdt", "serialize"].includes(cause.module)) {
      throw cause;
    }
    const message =
      `Cannot read the settings of the delegated database "${tree}" at the claimed tips`;
    const fields = { treeId: tree };
    return {
      outcome: "refused",
      error: new AuthError("InvalidAuthConfiguration", message, { cause, fields }),
    };
  }
}
