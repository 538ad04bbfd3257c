import type { ID } from "../entry/id.ts";
import { Entry } from "../entry/entry.ts";
import type { StorageDriver } from "../storage/driver.ts";
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
    const places = page.map(({ key, value }) => ({
      id: keys.readPosition(key, prefix.length).id,
      height: keys.readHeight(value),
    }));
    found.push(...await loadAt(source, tree, places));
  }
  return found;
}

/** Entries of a tree whose heights are known. */
async function loadAt(
  { driver, entries }: ListingSource,
  tree: ID,
  places: readonly { readonly id: ID; readonly height: number }[],
): Promise<Entry[]> {
  const wanted = places.map(({ id, height }) => keys.entryKey(tree, height, id));
  const stored = await driver.getMany(wanted);
  return stored.map((item, at) => {
    const { id } = places[at]!;
    if (item === undefined) throw damagedEntry(id, "its bytes are missing");
    return entries.get(id)?.entry ?? decodeStored(id, item.value);
  });
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
