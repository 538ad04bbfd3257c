import { ArrivalLog } from "../../backend/log/arrival_log.ts";
import type { Permission } from "../../auth/permission.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { LogCursor } from "../../backend/log/log_cursor.ts";
import { treeNotFound } from "../access/gate.ts";
import { storeRequest } from "../access/requests.ts";
import {
  type OutgoingEntries,
  type OutgoingEntry,
  PENDING_MESSAGE,
  type SyncResponse,
  type SyncTreeRequest,
} from "./messages.ts";
import type { Serving } from "./serving.ts";

/** Entries that may be sent although the other side has them. */
export const MOST_REPEATED = 256;
/** Entries that are read at once. */
const READ_AT_ONCE = 64;

/** Serves a tree, whole or beyond some tips, to whom may read it. */
export async function serveTree(
  serving: Serving,
  request: SyncTreeRequest,
): Promise<SyncResponse> {
  if (request.ourTips.length > 0) {
    const { provenKey } = await serving.access.requireIncremental(request);
    const response = await incremental(serving, request);
    await noteReader(serving, request, provenKey);
    return response;
  }
  const verdict = await serving.access.judgeBootstrap(request);
  if (verdict.verdict === "serve") {
    const response = await bootstrap(serving, request.treeId, verdict);
    await noteReader(serving, request, verdict.provenKey);
    return response;
  }
  const requestId = await storeRequest(serving, request);
  serving.requested(requestId);
  return { type: "BootstrapPending", body: { requestId, message: PENDING_MESSAGE } };
}

/** The peer has named itself; what it was let read by is a key that it has proved. */
async function noteReader(
  serving: Serving,
  { treeId, peerPubkey }: SyncTreeRequest,
  provenKey: PublicKey | undefined,
): Promise<void> {
  if (peerPubkey === undefined) return;
  const keys = provenKey === undefined ? [peerPubkey] : [peerPubkey, provenKey];
  await serving.noteReader(treeId, keys);
}

async function incremental(
  serving: Serving,
  { treeId, ourTips }: SyncTreeRequest,
): Promise<SyncResponse> {
  const { backend } = serving.host.host;
  const theirTips = (await backend.verifiedSnapshot(treeId)).tips;
  const missingEntries = await fewAbove(serving, theirTips, ourTips) ??
    await exactly(serving, treeId, ourTips);
  return { type: "Incremental", body: { treeId, theirTips, missingEntries } };
}

/**
 * What is met on the way down from the tips, stopping at those of the other side alone: what every node of this
 * protocol answers. It mends a copy that has holes, and repeats what lies below a tip that the other side lacks, so
 * it is done only while that is little; undefined when it is more.
 */
async function fewAbove(
  serving: Serving,
  own: readonly ID[],
  theirs: Snapshot,
): Promise<OutgoingEntry[] | undefined> {
  const met = new Map<string, Entry>();
  let level = own.filter((id) => !theirs.contains(id));
  while (level.length > 0) {
    if (met.size + level.length > MOST_REPEATED) return undefined;
    const entries = await Promise.all(level.map((id) => serving.host.host.backend.get(id)));
    for (const entry of entries) met.set(entry.id.toString(), entry);
    const parents = new Map(entries.flatMap((it) => it.parents.map((id) => [id.toString(), id])));
    level = [...parents.values()].filter((id) => !theirs.contains(id) && !met.has(id.toString()));
  }
  return [...met.values()].sort((a, b) => a.height - b.height);
}

/** What the tips of the other side do not reach. */
async function exactly(
  serving: Serving,
  tree: ID,
  theirs: Snapshot,
): Promise<OutgoingEntries> {
  const { lacking } = await ArrivalLog.of(serving.host.host.backend).difference(tree, theirs.tips);
  // Too many to be told apart: then everything is sent, as to somebody who knows nothing.
  if (lacking === undefined) return wholeLog(serving, tree);
  return inTurn(serving, lacking.map(({ id }) => id));
}

async function bootstrap(
  serving: Serving,
  tree: ID,
  { keyApproved, grantedPermission }: {
    readonly keyApproved: boolean;
    readonly grantedPermission: Permission | undefined;
  },
): Promise<SyncResponse> {
  const rootEntry = await serving.host.host.backend.find(tree);
  if (rootEntry === undefined) throw treeNotFound(tree);
  const allEntries = wholeLog(serving, tree, rootEntry);
  return {
    type: "Bootstrap",
    body: { treeId: tree, rootEntry, allEntries, keyApproved, grantedPermission },
  };
}

/** Everything that is Verified, in the order in which it became so, without the root if it is named. */
async function* wholeLog(
  serving: Serving,
  tree: ID,
  root?: Entry,
): AsyncGenerator<readonly OutgoingEntry[]> {
  let from: LogCursor | undefined;
  for (;;) {
    const page = await ArrivalLog.of(serving.host.host.backend).entriesAfter(tree, from);
    if (page === undefined) return;
    yield page.entries.filter((entry) => root?.id.equals(entry.id) !== true);
    if (page.left === 0) return;
    from = page.next;
  }
}

/** Entries by their IDs, a few at a time. */
async function* inTurn(
  serving: Serving,
  ids: readonly ID[],
): AsyncGenerator<readonly OutgoingEntry[]> {
  const { backend } = serving.host.host;
  for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
    const some = ids.slice(at, at + READ_AT_ONCE);
    yield await Promise.all(some.map((id) => backend.get(id)));
  }
}
