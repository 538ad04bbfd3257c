import { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import type { Range, StorageDriver } from "../storage/driver.ts";
import { compareBytes, concat } from "../util/bytes.ts";
import { BackendError } from "../util/errors.ts";
import type { EntryCache } from "./entry_cache.ts";
import * as keys from "./keys.ts";
import { type IndexRow, indexRows } from "./change_buffer.ts";
import { decodeHeld, type IdRow } from "./records.ts";
import type { TreeCache } from "./tree_cache.ts";

/** How many entries of a tree are read by one call of the storage. */
const READ_AT_ONCE = 512;

/** Where an entry is in its tree. */
interface Placed {
  readonly id: ID;
  readonly height: number;
}

/** What listings read from. */
export interface ListingSource {
  /** The storage. */
  readonly driver: StorageDriver;
  /** Entries that need not be decoded again. */
  readonly entries: EntryCache;
  /** Heads of trees, which carry what is not listed yet. */
  readonly trees: TreeCache;
}

/** What storage holds of an entry; `bytes` are undefined when they should be there and are not. */
export interface Stored {
  /** Its row. */
  readonly row: IdRow;
  /** Its bytes. */
  readonly bytes: Uint8Array | undefined;
}

/** What storage holds of entries, in their order; undefined for those that are not held. */
export async function readStored(
  driver: StorageDriver,
  ids: readonly ID[],
): Promise<(Stored | undefined)[]> {
  const rows = await driver.getMany(ids.map(keys.idKey));
  const held = rows.map((row) => row && decodeHeld(row.value));
  const apart = ids.filter((_, at) => held[at] !== undefined && held[at]!.entry === undefined);
  const rest = apart.length === 0 ? [] : await driver.getMany(apart.map(keys.entryKey));
  let next = 0;
  return held.map((item) => item && { row: item.row, bytes: item.entry ?? rest[next++]?.value });
}

/** Every held entry of a tree, in fold order. */
export async function listTree(source: ListingSource, tree: ID): Promise<Entry[]> {
  const places = await placesInTree(source, tree);
  const found: Entry[] = [];
  for (let at = 0; at < places.length; at += READ_AT_ONCE) {
    found.push(...await loadAll(source, places.slice(at, at + READ_AT_ONCE).map(({ id }) => id)));
  }
  return found;
}

/** Where the entries of a tree are in it, in fold order: each store lists its own. */
async function placesInTree(source: ListingSource, tree: ID): Promise<Placed[]> {
  const found = new Map<string, Placed>();
  const range = keys.prefixRange(keys.treeIndexPrefix(tree));
  for await (const page of listIndex(source, tree, range)) {
    for (const { key, value } of page) {
      const { id } = keys.readPosition(key, keys.storeIndexPrefixLength(key));
      found.set(id.toString(), { id, height: keys.readHeight(value) });
    }
  }
  return [...found.values()].sort((a, b) => a.height - b.height || ID.compareFold(a.id, b.id));
}

/** Every held entry of a store, in fold order of the store; one read per page. */
export async function listStore(source: ListingSource, tree: ID, store: string): Promise<Entry[]> {
  const found: Entry[] = [];
  // What is listed under the empty name is in no store.
  if (store === "") return found;
  const prefix = keys.storeIndexPrefix(tree, store);
  for await (const page of listIndex(source, tree, keys.prefixRange(prefix))) {
    found.push(...await loadAll(source, idsOf(page, prefix)));
  }
  return found;
}

/**
 * The held entries of a store up to a store height, highest first, in pages: what a walk from the tips
 * of the store will ask for, in few reads. Damaged ones are left out: whoever needs one meets it then.
 */
export async function* listStoreBackwards(
  source: ListingSource,
  tree: ID,
  store: string,
  height: number,
): AsyncIterable<Entry[]> {
  const prefix = keys.storeIndexPrefix(tree, store);
  const end = concat(prefix, keys.heightBytes(height + 1));
  for await (const page of listIndex(source, tree, { start: prefix, end, reverse: true })) {
    yield await loadSound(source, idsOf(page, prefix));
  }
}

/**
 * A range of the store index of a tree, those rows included that the head still carries. The head is
 * read first: what is written in the meantime is then found twice, and not missed.
 */
async function* listIndex(
  { driver, trees }: ListingSource,
  tree: ID,
  range: Range,
): AsyncIterable<readonly IndexRow[]> {
  const carried = carriedIn(range, indexRows(tree, (await trees.read(tree)).head.buffer));
  for await (const page of driver.list(range)) yield merged(page, carried, range.reverse === true);
  if (carried.length > 0) yield carried;
}

/** The rows of a range in its order. */
function carriedIn({ start, end, reverse }: Range, rows: readonly IndexRow[]): IndexRow[] {
  const found = rows.filter(({ key }) => {
    return compareBytes(key, start) >= 0 && compareBytes(key, end) < 0;
  });
  found.sort((a, b) => compareBytes(a.key, b.key));
  return reverse === true ? found.reverse() : found;
}

/** A page with the rows of `carried` that belong before its last one, which are taken from there. */
function merged(page: readonly IndexRow[], carried: IndexRow[], isReverse: boolean): IndexRow[] {
  const found: IndexRow[] = [];
  for (const row of page) {
    while (carried.length > 0) {
      const order = compareBytes(carried[0]!.key, row.key);
      if (isReverse ? order < 0 : order > 0) break;
      const next = carried.shift()!;
      if (order !== 0) found.push(next);
    }
    found.push(row);
  }
  return found;
}

function idsOf(page: readonly IndexRow[], prefix: Uint8Array): ID[] {
  return page.map(({ key }) => keys.readPosition(key, prefix.length).id);
}

/** Entries that are listed, so must be there. */
async function loadAll({ driver, entries }: ListingSource, ids: readonly ID[]): Promise<Entry[]> {
  const known = ids.map((id) => entries.get(id)?.entry);
  const stored = await readStored(driver, ids.filter((_, at) => known[at] === undefined));
  let next = 0;
  return ids.map((id, at) => {
    if (known[at] !== undefined) return known[at];
    const bytes = stored[next++]?.bytes;
    if (bytes === undefined) throw damagedEntry(id, "its bytes are missing");
    return decodeStored(id, bytes);
  });
}

/** As {@link loadAll}, without the damaged ones; the others are remembered while there is room. */
async function loadSound({ driver, entries }: ListingSource, ids: readonly ID[]): Promise<Entry[]> {
  const sound: Entry[] = [];
  const stored = await readStored(driver, ids);
  for (const [at, id] of ids.entries()) {
    const known = entries.get(id)?.entry;
    const entry = known ?? decodeSound(id, stored[at]?.bytes);
    if (entry === undefined) continue;
    sound.push(entry);
    if (known === undefined) entries.offer({ entry, row: stored[at]!.row });
  }
  return sound;
}

function decodeSound(id: ID, bytes: Uint8Array | undefined): Entry | undefined {
  try {
    return bytes && decodeStored(id, bytes);
  } catch (error) {
    if (error instanceof BackendError) return undefined;
    throw error;
  }
}

/** The error for a stored entry that is not what it must be. */
export function damagedEntry(id: ID, reason: string, cause?: unknown): BackendError {
  const message = `The stored entry "${id}" is damaged: ${reason}`;
  return new BackendError("TreeIntegrityViolation", message, { cause, fields: { id, reason } });
}

/** Decodes stored bytes and makes sure that they are those of `id`. */
export function decodeStored(id: ID, bytes: Uint8Array): Entry {
  let entry: Entry;
  try {
    entry = Entry.decode(bytes);
  } catch (cause) {
    throw damagedEntry(id, "its bytes are not an entry", cause);
  }
  if (!entry.id.equals(id)) throw damagedEntry(id, `its bytes are those of "${entry.id}"`);
  return entry;
}
