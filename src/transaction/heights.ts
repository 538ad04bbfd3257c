import type { Doc } from "../crdt/doc.ts";
import type { Entry } from "../entry/entry.ts";
import type { EntryBuilder } from "../entry/builder.ts";
import { type HeightStrategy, nextHeight, parseHeightStrategy } from "../entry/height.ts";
import type { ID } from "../entry/id.ts";
import type { Clock } from "../util/clock.ts";
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
  const { tips } = transaction.parents;
  const parents = peekEntries(transaction, tips) ?? await readEntries(transaction, tips);
  const { clock } = transaction.base.host;
  builder.setHeight(heightAbove(clock, strategy ?? "incremental", parents, ({ height }) => height));
  for (const store of builder.subtrees()) {
    if (store.startsWith("_")) continue;
    const own = peekStrategy(transaction, store) ?? await readStrategy(transaction, store);
    if (own.strategy !== undefined) await setOwnHeight(transaction, builder, store, own.strategy);
  }
}

/** The strategy of a store's own, if it has one. */
interface Own {
  readonly strategy: HeightStrategy | undefined;
}

const NONE: Own = { strategy: undefined };

/** A registration that cannot be read says nothing about heights. */
async function readStrategy(transaction: Transaction, store: string): Promise<Own> {
  const info = await transaction.getIndex().find(store).catch(() => undefined);
  return { strategy: info?.heightStrategy };
}

/** As {@link readStrategy}, if the registry is in memory. */
function peekStrategy(transaction: Transaction, store: string): Own | undefined {
  try {
    const found = transaction.getIndex().peek(store);
    return found && { strategy: found.info?.heightStrategy };
  } catch {
    return NONE;
  }
}

async function setOwnHeight(
  transaction: Transaction,
  builder: EntryBuilder,
  store: string,
  strategy: HeightStrategy,
): Promise<void> {
  const { tips } = await transaction.storeParents(store);
  const parents = await readEntries(transaction, tips);
  const height = (entry: Entry) => entry.inSubtree(store) ? entry.subtreeHeight(store) : undefined;
  const { clock } = transaction.base.host;
  builder.setSubtreeHeight(store, heightAbove(clock, strategy, parents, height));
}

type Parents = readonly (Entry | undefined)[];

async function readEntries({ base }: Transaction, ids: readonly ID[]): Promise<Parents> {
  const found: (Entry | undefined)[] = [];
  for (const id of ids) found.push(await base.host.backend.find(id));
  return found;
}

function peekEntries({ base }: Transaction, ids: readonly ID[]): Parents | undefined {
  return base.host.backend.peekAll(ids);
}

/** Height of an entry above `parents`; those that are not held are left out. */
function heightAbove(
  clock: Clock,
  strategy: HeightStrategy,
  parents: Parents,
  heightOf: (entry: Entry) => number | undefined,
): number {
  let highest = parents.length === 0 ? undefined : 0;
  for (const entry of parents) {
    const height = entry && heightOf(entry);
    if (height !== undefined) highest = Math.max(highest ?? 0, height);
  }
  return nextHeight(strategy, highest, clock);
}
