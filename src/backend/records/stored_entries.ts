import { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { BackendError } from "../../util/errors.ts";
import { turns } from "../../util/turns.ts";
import type { EntryCache } from "./entry_cache.ts";
import * as keys from "./keys.ts";
import {
  type IndexSource,
  listPlaces,
  listPlacesBackwards,
  listTreePlaces,
  type Place,
} from "./store_index.ts";
import { decodeHeld, type IdRow } from "./tree_records.ts";

/** How many entries of a tree are read by one call of the storage. */
const READ_AT_ONCE = 512;

/** What listings read from. */
export interface ListingSource extends IndexSource {
  /** Entries that need not be decoded again. */
  readonly entries: EntryCache;
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
  const places = await listTreePlaces(source, tree);
  const found: Entry[] = [];
  for (let at = 0; at < places.length; at += READ_AT_ONCE) {
    found.push(...await loadAll(source, places.slice(at, at + READ_AT_ONCE)));
  }
  return found;
}

/** Every held entry of a store, in fold order of the store. */
export async function listStore(source: ListingSource, tree: ID, store: string): Promise<Entry[]> {
  const found: Entry[] = [];
  // What is listed under the empty name is in no store.
  if (store === "") return found;
  for await (const places of listPlaces(source, tree, store, READ_AT_ONCE)) {
    found.push(...await loadAll(source, places));
  }
  return found;
}

/**
 * The held entries of a store up to a store height, highest first, about, and many at a time: what a walk
 * from the tips of the store will ask for, in few reads. Damaged ones are left out: whoever needs one meets
 * it then.
 */
export async function* listStoreBackwards(
  source: ListingSource,
  tree: ID,
  store: string,
  height: number,
): AsyncIterable<Entry[]> {
  for await (const places of listPlacesBackwards(source, tree, store, height, READ_AT_ONCE)) {
    yield await loadSound(source, places.map(({ id }) => id));
  }
}

/** Entries that are listed, so must be there. */
async function loadAll(
  { driver, entries }: ListingSource,
  places: readonly Place[],
): Promise<Entry[]> {
  const ids = places.map(({ id }) => id);
  const known = ids.map((id) => entries.get(id)?.entry);
  const stored = await readStored(driver, ids.filter((_, at) => known[at] === undefined));
  const found: Entry[] = [];
  let next = 0;
  for (const [at, id] of ids.entries()) {
    found.push(known[at] ?? decodeListed(id, stored[next++]?.bytes));
    if (turns.isOver) await turns.next();
  }
  return found;
}

function decodeListed(id: ID, bytes: Uint8Array | undefined): Entry {
  if (bytes === undefined) throw damagedEntry(id, "its bytes are missing");
  return decodeStored(id, bytes);
}

/** Reads entries that are not held in memory, to have them there while there is room; not the damaged ones. */
export async function offerSound(source: ListingSource, ids: readonly ID[]): Promise<void> {
  if (ids.length > 0) await loadSound(source, ids);
}

/** As {@link loadAll}, without the damaged ones; the others are remembered while there is room. */
async function loadSound(
  { driver, entries }: ListingSource,
  ids: readonly ID[],
): Promise<Entry[]> {
  const sound: Entry[] = [];
  const stored = await readStored(driver, ids);
  for (const [at, id] of ids.entries()) {
    const known = entries.get(id)?.entry;
    const entry = known ?? decodeSound(id, stored[at]?.bytes);
    if (entry === undefined) continue;
    sound.push(entry);
    if (known === undefined) entries.offer({ entry, row: stored[at]!.row });
    if (turns.isOver) await turns.next();
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
  const message = `Cannot read the stored entry "${id}": it is damaged, ${reason}`;
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
