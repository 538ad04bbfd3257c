import { docState } from "../../backend/state/doc_state.ts";
import { entriesBetween } from "../../backend/tree/difference.ts";
import { inTree, storeHeight } from "../../backend/tree/walk.ts";
import type { Doc } from "../../crdt/doc.ts";
import { SETTINGS } from "../../entry/constants.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { settingsAt } from "../../settings/pinned_settings.ts";
import { EideticaError, SerializeError, TransactionError } from "../../util/errors.ts";
import { turns } from "../../util/turns.ts";
import type { ParentHeight, ReadScope, TransactionContext } from "../protocol/messages.ts";
import type { ServedHost } from "./port.ts";

/** Makes sure that the root of a tree is held; `EntryNotFound`. */
export async function openTree({ backend }: ServedHost, tree: ID): Promise<void> {
  await backend.get(tree);
}

/** Verified tips of a tree, after a look at what waits for a verdict. */
export async function verifiedTips(host: ServedHost, tree: ID): Promise<Snapshot> {
  await host.settle(tree);
  return await host.backend.verifiedSnapshot(tree);
}

/**
 * Tips of a tree among what is not Failed. Where only Failed entries stand on an entry it is one of them: nobody
 * can keep others from going on by sending what fails.
 */
async function tolerantTips(host: ServedHost, tree: ID): Promise<Snapshot> {
  await host.settle(tree);
  const tips: ID[] = [];
  const failed: Entry[] = [];
  for (const id of (await host.backend.snapshot(tree)).tips) {
    const loaded = await host.backend.load(id);
    if (loaded?.row.status === "Failed") failed.push(loaded.entry);
    else tips.push(id);
  }
  if (failed.length === 0) return Snapshot.of(tips);
  const below = await soundBelow(host, tree, failed);
  return Snapshot.of([...tips, ...await uncovered(host, tips, below)]);
}

/** The nearest entries below Failed ones that are not Failed. */
async function soundBelow(host: ServedHost, tree: ID, failed: readonly Entry[]): Promise<ID[]> {
  const found = new Map<string, ID>();
  const queue = failed.flatMap(({ parents }) => parents);
  const seen = new Set<string>();
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (turns.isOver) await turns.next();
    if (seen.has(id.toString())) continue;
    seen.add(id.toString());
    const loaded = await host.backend.load(id);
    if (loaded === undefined || !inTree(loaded.entry, tree)) continue;
    if (loaded.row.status === "Failed") queue.push(...loaded.entry.parents);
    else found.set(id.toString(), id);
  }
  return [...found.values()];
}

/** Those of `ids` that no tip and no other of them reaches. */
async function uncovered(
  { backend }: ServedHost,
  tips: readonly ID[],
  ids: readonly ID[],
): Promise<ID[]> {
  const found: ID[] = [];
  for (const id of ids) {
    const others = [...tips, ...ids.filter((other) => !other.equals(id))];
    if ((await entriesBetween(backend, others, [id])).length > 0) found.push(id);
  }
  return found;
}

/** What a transaction needs to begin; `EmptyTipsNotAllowed` where nothing of the tree is visible. */
export async function transactionContext(
  host: ServedHost,
  tree: ID,
  stores: readonly string[],
  scope: ReadScope,
): Promise<TransactionContext> {
  const { backend } = host;
  const main = scope === "Verified"
    ? await verifiedTips(host, tree)
    : await tolerantTips(host, tree);
  if (main.tips.length === 0) throw emptyTips(tree);
  const subtreeParents = new Map<string, readonly ParentHeight[]>();
  for (const store of stores) {
    const tips = await backend.storeSnapshotAt(tree, store, main);
    subtreeParents.set(store, await heights(host, tips, (entry) => storeHeight(entry, store)));
  }
  const settings = await backend.storeSnapshotAt(tree, SETTINGS, main);
  return {
    mainParents: await heights(host, main, (entry) => entry.height),
    subtreeParents,
    settingsTips: settings.tips,
    settingsValue: (await settingsAt(backend, backend.states, tree, settings)).stringify(),
  };
}

async function heights(
  { backend }: ServedHost,
  { tips }: Snapshot,
  heightOf: (entry: Entry) => number,
): Promise<ParentHeight[]> {
  return await Promise.all(tips.map(async (id) => [id, heightOf(await backend.get(id))] as const));
}

/** The merged document of a store; `SerializeError` where the store holds something else, or is encrypted. */
export async function storeState(
  host: ServedHost,
  tree: ID,
  store: string,
  tips: Snapshot,
): Promise<Doc> {
  try {
    return await host.backend.stateAt(tree, store, tips, docState);
  } catch (error) {
    if (!(error instanceof EideticaError) || error instanceof SerializeError) throw error;
    if (error.module !== "crdt") throw error;
    const message = `Cannot read the store "${store}" as a document: ${error.message}`;
    throw new SerializeError("DeserializationFailed", message, { cause: error });
  }
}

/** Where the entries with these IDs last were one, and the path from there, in fold order. */
export async function mergeState(
  { backend }: ServedHost,
  tree: ID,
  store: string,
  ids: readonly ID[],
): Promise<{ mergeBase: ID; path: ID[] }> {
  const mergeBase = await backend.findMergeBase(tree, store, ids);
  if (ids.length === 1) return { mergeBase, path: [] };
  return { mergeBase, path: await backend.getPathFromTo(tree, store, mergeBase, ids) };
}

function emptyTips(tree: ID): TransactionError {
  const message = `Cannot begin a transaction on database "${tree}": nothing of it is visible`;
  return new TransactionError("EmptyTipsNotAllowed", message, { fields: { databaseId: tree } });
}
