import { EideticaError, ServiceError } from "../../util/errors.ts";
import { utf8 } from "../../util/bytes.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { inTree } from "../../backend/tree/walk.ts";
import { requireFrameLength } from "../protocol/frames.ts";
import type { DatabaseOp, ReceivedEntry, ServiceResponse } from "../protocol/messages.ts";
import type { BlobCache } from "./blob_cache.ts";
import { type Actor, isHeld, requireAccess, requireAccessIfHeld } from "./gate.ts";
import { MAX_BATCH } from "./limits.ts";
import type { ServedNode } from "./port.ts";
import { mergeState, openTree, storeState, transactionContext, verifiedTips } from "./reads.ts";

/** What operations are done with. */
export interface Served {
  /** The instance. */
  readonly node: ServedNode;
  /** States that clients have put aside. */
  readonly blobs: BlobCache;
}

/** Who asks for what, where. */
export interface Asked {
  /** Root of the database, as the client says. */
  readonly tree: ID;
  /** Who acts. */
  readonly actor: Actor;
  /** Row key of the user. */
  readonly user: string;
}

/** The operations that only read, or concern the server alone. */
export type PlainOp = Exclude<
  DatabaseOp<ReceivedEntry>,
  { readonly type: "SubmitSignedEntry" | "SubscribeWrites" | "UnsubscribeWrites" }
>;

/** Does an operation for somebody who may (11 §5.1, §6). */
export async function operate(
  served: Served,
  asked: Asked,
  op: PlainOp,
): Promise<ServiceResponse<Entry>> {
  const { node: { host, databasesDbId } } = served;
  if (op.type === "SetInstanceMetadata") {
    await requireAccess(host, databasesDbId, asked.actor, "Admin");
    await host.backend.setInstanceMetadata(op.metadata);
    return { type: "Ok" };
  }
  const mayRead = await requireAccessIfHeld(host, asked.tree, asked.actor);
  return await read(served, { ...asked, mayRead }, op);
}

/** What is asked for after the look at who asks. */
interface Admitted extends Asked {
  /** Whether the tree was held, and may be read. */
  readonly mayRead: boolean;
}

type ReadOp = Exclude<PlainOp, { readonly type: "SetInstanceMetadata" }>;

async function read(
  served: Served,
  asked: Admitted,
  op: ReadOp,
): Promise<ServiceResponse<Entry>> {
  switch (op.type) {
    case "GetEntry":
      return { type: "Entry", entry: await entry(served, asked, op.id) };
    case "GetEntries":
      return { type: "Entries", entries: await entries(served, asked, op.ids) };
    case "GetCachedCrdtState":
      return await cached(served, asked, op.store, op.key);
    case "CacheCrdtState":
      return await cache(served, asked, op);
    default:
      await openTree(served.node.host, asked.tree);
      // It may have come since it was looked for.
      if (!asked.mayRead) await requireAccessIfHeld(served.node.host, asked.tree, asked.actor);
      return await readTree(served, asked, op);
  }
}

type TreeOp = Exclude<
  ReadOp,
  { readonly type: "GetEntry" | "GetEntries" | "GetCachedCrdtState" | "CacheCrdtState" }
>;

async function readTree(
  served: Served,
  { tree }: Asked,
  op: TreeOp,
): Promise<ServiceResponse<Entry>> {
  const { host } = served.node;
  switch (op.type) {
    case "GetVerifiedTips":
      return { type: "Ids", ids: (await verifiedTips(host, tree)).tips };
    case "BeginTransaction": {
      const context = await transactionContext(host, tree, op.stores, op.scope);
      return { type: "TransactionContext", context };
    }
    case "GetStoreState":
      return await mergedState(served, tree, op.store);
    case "GetStoreEntries": {
      const found = await host.backend.storeAt(tree, op.store, Snapshot.of(op.tips));
      return { type: "Entries", entries: found };
    }
    case "GetStoreTipsUpToEntries":
      return { type: "Ids", ids: await storeTips(served, tree, op.store, op.upTo) };
    case "ComputeMergeState":
      return { type: "MergeState", ...await mergeState(host, tree, op.store, op.entryIds) };
  }
}

// --- entries -----------------------------------------------------------------------------------

/** An entry of a tree that the actor may read, whichever the request names. */
async function entry(
  { node: { host } }: Served,
  { tree, actor, mayRead }: Admitted,
  id: ID,
): Promise<Entry> {
  const found = await host.backend.get(id);
  const owner = found.root ?? found.id;
  if (!mayRead || !owner.equals(tree)) await requireAccess(host, owner, actor, "Read");
  return found;
}

/** Those of many entries that are held. */
async function entries(served: Served, asked: Admitted, ids: readonly ID[]): Promise<Entry[]> {
  const { host } = served.node;
  const allowed = new Set(asked.mayRead ? [asked.tree.toString()] : []);
  const found: Entry[] = [];
  let bytes = 0;
  for (const id of ids) {
    const held = await host.backend.find(id);
    if (held === undefined) continue;
    const owner = held.root ?? held.id;
    if (!allowed.has(owner.toString())) await requireAccess(host, owner, asked.actor, "Read");
    allowed.add(owner.toString());
    // What no answer could hold is not read to its end.
    requireFrameLength(bytes += held.bytes.length);
    found.push(held);
  }
  return found;
}

/** Fails with `LimitExceeded` when an operation names more entries, tips or stores than one may. */
export function requireModest(op: DatabaseOp<ReceivedEntry>): void {
  const count = namedBy(op).length;
  if (count > MAX_BATCH) throw tooMany(op.type, count);
}

function namedBy(op: DatabaseOp<ReceivedEntry>): readonly unknown[] {
  switch (op.type) {
    case "GetEntries":
      return op.ids;
    case "BeginTransaction":
      return op.stores;
    case "GetStoreEntries":
      return op.tips;
    case "GetStoreTipsUpToEntries":
      return op.upTo.tips;
    case "ComputeMergeState":
      return op.entryIds;
    case "SubscribeWrites":
      return op.tips.tips;
    default:
      return [];
  }
}

function tooMany(operation: string, count: number): ServiceError {
  const message =
    `Cannot do ${operation} for ${count} at once: at most ${MAX_BATCH} entries, tips or stores may be named`;
  const fields = { operation, count, limit: MAX_BATCH };
  return new ServiceError("LimitExceeded", message, { fields });
}

/** Tips of a store below some entries; those that are not held, or of another tree, count for nothing. */
async function storeTips(
  { node: { host } }: Served,
  tree: ID,
  store: string,
  upTo: Snapshot,
): Promise<readonly ID[]> {
  const own: ID[] = [];
  for (const id of upTo.tips) {
    const held = await host.backend.find(id);
    if (held !== undefined && inTree(held, tree)) own.push(id);
  }
  return (await host.backend.storeSnapshotAt(tree, store, Snapshot.of(own))).tips;
}

// --- states ------------------------------------------------------------------------------------

/** The state of a store, which others of the tree then find as the one of everybody. */
async function mergedState(
  { node: { host }, blobs }: Served,
  tree: ID,
  store: string,
): Promise<ServiceResponse<Entry>> {
  await host.settle(tree);
  const { backend } = host;
  const tips = await backend.verifiedStoreSnapshot(tree, store);
  const state = await storeState(host, tree, store, tips);
  const key = await baseOf(tips);
  if (key !== undefined && !blobs.has("shared", { tree, store, key })) {
    const base = tips.tips.length === 1
      ? state
      : await storeState(host, tree, store, Snapshot.of([key]));
    blobs.set("shared", { tree, store, key }, utf8(base.stringify()));
  }
  return { type: "CrdtValue", json: state.stringify() };

  async function baseOf({ tips }: Snapshot): Promise<ID | undefined> {
    if (tips.length <= 1) return tips[0];
    try {
      return await backend.findMergeBase(tree, store, tips);
    } catch (error) {
      if (error instanceof EideticaError && error.code === "NoCommonAncestor") return undefined;
      throw error;
    }
  }
}

/** States belong to a tree that is held: of others there are none. */
async function cached(
  { blobs }: Served,
  { tree, user }: Asked,
  store: string,
  key: ID,
): Promise<ServiceResponse<Entry>> {
  return await Promise.resolve({
    type: "CachedCrdtState",
    blob: blobs.get(user, { tree, store, key }),
  });
}

/** Puts a state aside. A cache may forget: what belongs to a tree that is not held is forgotten at once. */
async function cache(
  { node: { host }, blobs }: Served,
  { tree, user }: Asked,
  { store, key, blob }: { readonly store: string; readonly key: ID; readonly blob: Uint8Array },
): Promise<ServiceResponse<Entry>> {
  if (await isHeld(host, tree)) blobs.set({ user }, { tree, store, key }, blob);
  return { type: "Ok" };
}
