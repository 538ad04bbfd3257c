import type { ID } from "../entry/id.ts";
import { Entry } from "../entry/entry.ts";
import type { Pair, StorageDriver, Stored } from "../storage/driver.ts";
import { concat } from "../util/bytes.ts";
import { BackendError } from "../util/errors.ts";
import type { EntryCache } from "./entry_cache.ts";
import * as keys from "./keys.ts";

/** What listings read from. */
export interface ListingSource {
  /** The storage. */
  readonly driver: StorageDriver;
  /** Entries that need not be decoded again. */
  readonly entries: EntryCache;
}

/** Every held entry of a tree, in fold order. */
export async function listTree({ driver, entries }: ListingSource, tree: ID): Promise<Entry[]> {
  const prefix = keys.entryPrefix(tree);
  const found: Entry[] = [];
  for await (const page of driver.list(keys.prefixRange(prefix))) {
    for (const { key, value } of page) {
      const { id } = keys.readPosition(key, prefix.length);
      found.push(entries.get(id)?.entry ?? decodeStored(id, value));
    }
  }
  return found;
}

/** Every held entry of a store, in fold order of the store; one read per page. */
export async function listStore(source: ListingSource, tree: ID, store: string): Promise<Entry[]> {
  const prefix = keys.storeIndexPrefix(tree, store);
  const found: Entry[] = [];
  for await (const page of source.driver.list(keys.prefixRange(prefix))) {
    found.push(...await loadAt(source, tree, placesOf(page, prefix)));
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
  for await (const page of source.driver.list({ start: prefix, end, reverse: true })) {
    yield await loadSound(source, tree, placesOf(page, prefix));
  }
}

function placesOf(page: readonly Pair[], prefix: Uint8Array): Placed[] {
  return page.map(({ key, value }) => ({
    id: keys.readPosition(key, prefix.length).id,
    height: keys.readHeight(value),
  }));
}

/** Where the bytes of an entry are. */
interface Placed {
  readonly id: ID;
  readonly height: number;
}

/** Entries of a tree whose heights are known. */
async function loadAt(
  source: ListingSource,
  tree: ID,
  places: readonly Placed[],
): Promise<Entry[]> {
  const stored = await readAt(source, tree, places);
  return stored.map((item, at) => {
    const { id } = places[at]!;
    if (item === undefined) throw damagedEntry(id, "its bytes are missing");
    return source.entries.get(id)?.entry ?? decodeStored(id, item.value);
  });
}

/** As {@link loadAt}, without the damaged ones; the others are remembered while there is room. */
async function loadSound(
  source: ListingSource,
  tree: ID,
  places: readonly Placed[],
): Promise<Entry[]> {
  const sound: Entry[] = [];
  for (const [at, item] of (await readAt(source, tree, places)).entries()) {
    const { id, height } = places[at]!;
    const known = source.entries.get(id)?.entry;
    const entry = known ?? decodeSound(id, item?.value);
    if (entry === undefined) continue;
    sound.push(entry);
    // Of a cached row nobody believes any verdict but Verified.
    if (known === undefined) {
      source.entries.offer({ entry, row: { status: "Unverified", height, tree } });
    }
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

async function readAt(
  { driver }: ListingSource,
  tree: ID,
  places: readonly Placed[],
): Promise<(Stored | undefined)[]> {
  return await driver.getMany(places.map(({ id, height }) => keys.entryKey(tree, height, id)));
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
