import type { Doc } from "../crdt/doc.ts";
import type { Entry } from "../entry/entry.ts";
import type { EntryBuilder } from "../entry/builder.ts";
import { type HeightStrategy, nextHeight, parseHeightStrategy } from "../entry/height.ts";
import type { ID } from "../entry/id.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Gives the entry under construction its heights (01 §11.3). The database's strategy is read from
 * its settings, those that this very entry changes included; a store with a strategy of its own gets
 * an explicit height, any other inherits the entry's.
 */
export async function setHeights(
  transaction: Transaction,
  builder: EntryBuilder,
  settings: Doc,
): Promise<void> {
  const text = settings.peek("height_strategy");
  const strategy = typeof text === "string" ? parseHeightStrategy(text) : undefined;
  const parents = transaction.parents.tips;
  builder.setHeight(
    await heightAbove(transaction, strategy ?? "incremental", parents, (entry) => entry.height),
  );
  for (const store of builder.subtrees()) await setStoreHeight(transaction, builder, store);
}

async function setStoreHeight(
  transaction: Transaction,
  builder: EntryBuilder,
  store: string,
): Promise<void> {
  if (store.startsWith("_")) return;
  const info = await transaction.getIndex().find(store).catch(() => undefined);
  if (info?.heightStrategy === undefined) return;
  const parents = (await transaction.storeParents(store)).tips;
  const height = (entry: Entry) =>
    entry.subtrees.includes(store) ? entry.subtreeHeight(store) : undefined;
  builder.setSubtreeHeight(
    store,
    await heightAbove(transaction, info.heightStrategy, parents, height),
  );
}

/** Height of an entry above `parents`; those that are not held are left out. */
async function heightAbove(
  transaction: Transaction,
  strategy: HeightStrategy,
  parents: readonly ID[],
  heightOf: (entry: Entry) => number | undefined,
): Promise<number> {
  const { backend, clock } = transaction.base.host;
  let highest = parents.length === 0 ? undefined : 0;
  for (const id of parents) {
    const entry = await backend.find(id);
    const height = entry === undefined ? undefined : heightOf(entry);
    if (height !== undefined) highest = Math.max(highest ?? 0, height);
  }
  return nextHeight(strategy, highest, clock);
}
