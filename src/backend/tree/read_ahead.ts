import { INDEX, SETTINGS } from "../../entry/constants.ts";
import type { ID } from "../../entry/id.ts";
import {
  prefixRange,
  readPosition,
  readStoreKey,
  storeIndexPrefix,
  storeTipsPrefix,
  treeIndexPrefix,
} from "../records/keys.ts";
import { readPlaces } from "../records/store_index.ts";
import { type ListingSource, offerSound } from "../records/stored_entries.ts";
import { decodeStoreTips, type Frontiers, type TreeHead } from "../records/tree_records.ts";
import type { CachedTree, TreeCache } from "./tree_cache.ts";

/** Most entries that are read before anybody asks for them. */
const MOST_ENTRIES = 128;
/** Most stores whose frontiers are. */
const MOST_STORES = 64;
/** Records of the index of a tree, of sixteen entries or so each: all of a small one. */
const TREE_RECORDS = 16;

/** What a far storage has told of a tree before its head was there, and which may be out of date: hints. */
interface Hints {
  readonly stores: ReadonlyMap<string, Frontiers>;
  readonly ids: readonly ID[];
}

/** What {@link readAhead} reads through. */
export interface AheadSource extends ListingSource {
  /** Heads and frontiers in memory. */
  readonly trees: ListingSource["trees"] & Pick<TreeCache, "readStores">;
}

/**
 * Asks a far storage for what whoever meets a tree asks for next, while the head of the tree is on its way: which
 * stores it has, and where the last entries of its settings are, and all of a small tree. What is returned
 * then reads these entries, the root and the tips, and the frontiers of its stores, in one more round trip.
 * Frontiers must be read after the head that they are to belong to.
 */
export function readAhead(
  source: AheadSource,
  tree: ID,
  stores: readonly string[],
): (cached: CachedTree) => Promise<void> {
  const reading = readHints(source, tree);
  // The head may not come, and then nobody waits for this.
  reading.catch(() => undefined);
  return async (cached) => {
    const hints = await reading;
    const all = distinct([tree, ...namedIn(cached.head), ...tipsOf(hints.stores), ...hints.ids]);
    const wanted = all.filter((id) => source.entries.get(id) === undefined);
    await Promise.all([
      offerSound(source, wanted.slice(0, MOST_ENTRIES)),
      source.trees.readStores(tree, cached, [SETTINGS, ...stores, ...hints.stores.keys()]),
    ]);
  };
}

async function readHints(source: ListingSource, tree: ID): Promise<Hints> {
  const last = { reverse: true, limit: 1 } as const;
  const ranges = [
    ...[SETTINGS, INDEX].map((it) => ({ ...prefixRange(storeIndexPrefix(tree, it)), ...last })),
    { ...prefixRange(treeIndexPrefix(tree)), limit: TREE_RECORDS },
  ];
  const [stores, ...places] = await Promise.all([
    readTips(source, tree),
    ...ranges.map((range) => readPlaces(source.driver, range)),
  ]);
  return { stores, ids: places.flat().map(({ id }) => id) };
}

async function readTips({ driver }: ListingSource, tree: ID): Promise<Map<string, Frontiers>> {
  const range = { ...prefixRange(storeTipsPrefix(tree)), limit: MOST_STORES };
  const tips = new Map<string, Frontiers>();
  for await (const page of driver.list(range)) {
    for (const { key, value } of page) tips.set(readStoreKey(key).store, decodeStoreTips(value));
  }
  return tips;
}

/** The tips, and what the head names besides, newest first. */
function namedIn({ raw, verified, buffer }: TreeHead): ID[] {
  const rows = buffer.rows.map(({ place }) => readPosition(place, 0).id).reverse();
  return [...raw, ...verified, ...tipsOf(buffer.stores), ...rows];
}

function tipsOf(stores: ReadonlyMap<string, Frontiers>): ID[] {
  return [...stores.values()].flatMap(({ verified }) => verified);
}

function distinct(ids: readonly ID[]): ID[] {
  return [...new Map(ids.map((id) => [id.toString(), id])).values()];
}
