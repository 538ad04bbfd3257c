import type { Doc } from "../crdt/doc.ts";
import type { EntryBuilder } from "../entry/builder.ts";
import type { Entry } from "../entry/entry.ts";
import { type HeightStrategy, nextHeight, parseHeightStrategy } from "../entry/height.ts";
import type { ID } from "../entry/id.ts";
import type { Transaction } from "./transaction.ts";

type Parents = readonly (Entry | undefined)[];

/** What the heights of an entry follow from. Parents that are not held are undefined. */
export interface HeightGround {
  /** The parents in the tree. */
  readonly parents: Parents;
  /** The stores that have a strategy of their own, with the parents there. */
  readonly stores: readonly OwnHeight[];
}

/** A store with a strategy of its own. */
interface OwnHeight {
  readonly store: string;
  readonly strategy: HeightStrategy;
  readonly parents: Parents;
}

const NONE: readonly OwnHeight[] = [];

/** Reads what the heights of the entry under construction follow from. */
export async function readHeights(
  transaction: Transaction,
  builder: EntryBuilder,
): Promise<HeightGround> {
  const stores: OwnHeight[] = [];
  for (const store of userStores(builder)) {
    // A registration that cannot be read says nothing about heights.
    const info = await transaction.getIndex().find(store).catch(() => undefined);
    const strategy = info?.heightStrategy;
    if (strategy === undefined) continue;
    const { tips } = await transaction.storeParents(store);
    stores.push({ store, strategy, parents: await readEntries(transaction, tips) });
  }
  return { parents: await readEntries(transaction, transaction.parents.tips), stores };
}

/** As {@link readHeights}, if it is in memory and no store has a strategy of its own. */
export function peekHeights(
  transaction: Transaction,
  builder: EntryBuilder,
): HeightGround | undefined {
  const parents = transaction.base.host.backend.peekAll(transaction.parents.tips);
  if (parents === undefined) return undefined;
  for (const store of userStores(builder)) {
    if (!isWithoutStrategy(transaction, store)) return undefined;
  }
  return { parents, stores: NONE };
}

/** Whether it is known that a store has no strategy of its own. */
function isWithoutStrategy(transaction: Transaction, store: string): boolean {
  try {
    const found = transaction.getIndex().peek(store);
    return found !== undefined && found.info?.heightStrategy === undefined;
  } catch {
    return true;
  }
}

function userStores(builder: EntryBuilder): string[] {
  return builder.subtrees().filter((store) => !store.startsWith("_"));
}

async function readEntries({ base }: Transaction, ids: readonly ID[]): Promise<Parents> {
  const found: (Entry | undefined)[] = [];
  for (const id of ids) found.push(await base.host.backend.find(id));
  return found;
}

/**
 * Gives the entry under construction its heights. The database's strategy is read from
 * its settings, those that this very entry changes included; a store with a strategy of its own gets
 * an explicit height, any other inherits the entry's.
 */
export function setHeights(
  transaction: Transaction,
  builder: EntryBuilder,
  settings: Doc,
  { parents, stores }: HeightGround,
): void {
  const text = settings.peek("height_strategy");
  const strategy = typeof text === "string" ? parseHeightStrategy(text) : undefined;
  const above = heightAbove(transaction, strategy ?? "incremental", parents, (it) => it.height);
  builder.setHeight(above);
  for (const { store, strategy, parents } of stores) {
    const heightOf = (it: Entry) => it.inSubtree(store) ? it.subtreeHeight(store) : undefined;
    builder.setSubtreeHeight(store, heightAbove(transaction, strategy, parents, heightOf));
  }
}

/** Height of an entry above `parents`; those that are not held are left out. */
function heightAbove(
  { base }: Transaction,
  strategy: HeightStrategy,
  parents: Parents,
  heightOf: (entry: Entry) => number | undefined,
): number {
  let highest = parents.length === 0 ? undefined : 0;
  for (const entry of parents) {
    const height = entry && heightOf(entry);
    if (height !== undefined) highest = Math.max(highest ?? 0, height);
  }
  return nextHeight(strategy, highest, base.host.clock);
}
