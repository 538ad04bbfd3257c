/**
 * Entries made by hand: whatever a stranger can put on a wire, true or not.
 *
 * @module
 */

import {
  AuthKey,
  type DelegatedTreeRef,
  Doc,
  Entry,
  ID,
  type Permission,
  PrivateKey,
  SigInfo,
  SigKey,
  Snapshot,
} from "../../mod.ts";
import type { EntryModel, SubtreeNode } from "../../src/entry/entry_codec.ts";
import { encodeEntry } from "../../src/entry/entry_encoder.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { utf8 } from "../../src/util/bytes.ts";

/** What an entry says of one store. */
export interface StoreLie {
  readonly data?: string;
  readonly parents?: readonly ID[];
  readonly height?: number;
}

/** What an entry says; everything can be a lie. */
export interface Lie {
  readonly root: ID;
  readonly parents: readonly Entry[];
  /** Pinned `_settings` tips. */
  readonly pin?: readonly ID[];
  /** Metadata in place of the pin. */
  readonly metadata?: string;
  readonly height?: number;
  readonly stores?: Readonly<Record<string, StoreLie>>;
  /** Who signs; nobody if absent. */
  readonly key?: PrivateKey;
  /** Under which identity; that of the key if absent. */
  readonly identity?: SigKey;
  /** A signature in place of the right one. */
  readonly sig?: string;
}

/** A payload that writes one key of a document. */
export const PAYLOAD = '{"children":{"forged":{"Text":"yes"}}}';

/** The key number `n`: always the same one. The crypto core must be ready. */
export function keyOf(n: number): PrivateKey {
  return PrivateKey.fromSeed(new Uint8Array(32).fill(n));
}

/** One more than the highest of some entries. */
export function above(entries: readonly Entry[]): number {
  return entries.reduce((height, entry) => Math.max(height, entry.height), -1) + 1;
}

/** The entry that says this: well-formed, and signed if a key is given. */
export function craft(lie: Lie): Entry {
  const builder = Entry.builder(lie.root).setParents(lie.parents.map((entry) => entry.id))
    .setHeight(lie.height ?? above(lie.parents)).setMetadata(metadataOf(lie));
  for (const [name, store] of Object.entries(lie.stores ?? { s: { data: PAYLOAD } })) {
    if (store.data !== undefined) builder.setSubtreeData(name, utf8(store.data));
    builder.setSubtreeParents(name, store.parents ?? []).setSubtreeHeight(name, store.height);
  }
  return signed(builder.build(), lie);
}

function metadataOf({ metadata, pin = [] }: Lie): Uint8Array {
  return metadata === undefined ? new EntryMetadata(Snapshot.of(pin)).encode() : utf8(metadata);
}

function signed(entry: Entry, { key, identity, sig }: Lie): Entry {
  const claimed = identity ?? (key === undefined ? SigKey.NONE : SigKey.fromPubkey(key.publicKey));
  const named = withModel(entry, { sig: new SigInfo(claimed, sig) });
  return key === undefined || sig !== undefined ? named : named.sign(key);
}

/** An entry with some parts replaced; fails as the decoder does where no node would read it. */
export function withModel(entry: Entry, change: Partial<EntryModel>): Entry {
  return Entry.decode(rawBytes(entry, change));
}

/** The bytes of an entry with some parts replaced, checked by nobody. */
export function rawBytes(entry: Entry, change: Partial<EntryModel>): Uint8Array {
  return encodeEntry({ ...entry.model, ...change }).bytes;
}

/** A node of a store as the encoder takes it. */
export function nodeOf(name: string, parents: readonly ID[] = []): SubtreeNode {
  return { name, parents, data: utf8(PAYLOAD), height: undefined };
}

/** A document with these members. */
export function docOf(members: Readonly<Record<string, Doc | string>>, atomic = false): Doc {
  const doc = atomic ? Doc.atomic() : new Doc();
  for (const [key, value] of Object.entries(members)) doc.set([key], value);
  return doc;
}

/** A `_settings` payload that lists keys. */
export function granting(keys: Readonly<Record<string, Permission>>, name?: string): string {
  const listed = Object.entries(keys).map(([text, permission]) =>
    [text, AuthKey.active(name, permission).toDoc()] as const
  );
  return docOf({ auth: docOf({ keys: docOf(Object.fromEntries(listed)) }) }).stringify();
}

/** A `_settings` payload that lets the keys of another database act. */
export function delegating(...references: readonly DelegatedTreeRef[]): string {
  const listed = references.map((one) => [`${one.tree.root}`, one.toDoc()] as const);
  return docOf({ auth: docOf({ delegations: docOf(Object.fromEntries(listed)) }) }).stringify();
}

/** The root entry of a database with these settings, signed by `key`. */
export function rootOf(key: PrivateKey, settings: string, entropy = 1n): Entry {
  const builder = Entry.rootBuilder().setSubtreeData("_settings", utf8(settings))
    .setMetadata(new EntryMetadata(Snapshot.EMPTY, entropy).encode());
  return signed(builder.build(), { root: ID.EMPTY, parents: [], key });
}
