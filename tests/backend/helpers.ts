import { ready } from "../../wasm/mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { Entry } from "../../src/entry/entry.ts";
import type { ID } from "../../src/entry/id.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { newStorage } from "../helpers/storages.ts";

/** Runs `test` on a new engine and closes it. */
export async function withBackend(
  place: string,
  test: (backend: LocalBackend) => Promise<void>,
): Promise<void> {
  await ready();
  const backend = new LocalBackend(await newStorage(place));
  try {
    await test(backend);
  } finally {
    await backend.close();
  }
}

/** A root entry, unlike any other. */
export function makeRoot(): Entry {
  return Entry.rootBuilder().build();
}

/** What an entry of a test is made of. */
export interface Parts {
  /** Parents in the tree. */
  readonly parents: readonly Entry[];
  /** Parents per store; a store without parents is a root of it. */
  readonly stores?: Readonly<Record<string, readonly Entry[]>>;
  /** Makes equal entries differ. */
  readonly label?: string;
  /** Height; one above the parents by default. */
  readonly height?: number;
}

/** An unsigned entry of the tree of `root`. */
export function makeEntry(root: Entry, parts: Parts): Entry {
  const builder = Entry.builder(root.id).setParents(ids(parts.parents));
  builder.setMetadata(utf8(parts.label ?? ""));
  const highest = Math.max(...parts.parents.map((parent) => parent.height), -1);
  builder.setHeight(parts.height ?? highest + 1);
  for (const [store, parents] of Object.entries(parts.stores ?? {})) {
    builder.setSubtreeData(store, utf8(parts.label ?? "")).setSubtreeParents(store, ids(parents));
  }
  return builder.build();
}

/** IDs of entries. */
export function ids(entries: readonly Entry[]): ID[] {
  return entries.map((entry) => entry.id);
}

/** ID texts, sorted, for comparison as sets. */
export function names(of: Iterable<ID>): string[] {
  return [...of].map(String).sort();
}

/** Stores entries as Unverified, in order. */
export async function putAll(backend: LocalBackend, ...entries: Entry[]): Promise<void> {
  for (const entry of entries) await backend.put(entry);
}
