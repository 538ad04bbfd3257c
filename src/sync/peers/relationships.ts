import { Doc } from "../../crdt/doc.ts";
import { ID } from "../../entry/id.ts";
import { PublicKey } from "../../keys/public_key.ts";
import type { DocStore } from "../../store/doc_store.ts";
import { tryParse } from "./parse.ts";
import { readTexts, textAt } from "./records.ts";

/**
 * Peers that a tree is kept in step with because they have read it, by their keys; with the further keys that they have
 * vouched for when they did.
 */
export type Readers = ReadonlyMap<string, readonly PublicKey[]>;

/** With whom one tree is kept in step. */
export interface Relationship {
  /** All peers, in the order in which they were added. */
  readonly peers: readonly PublicKey[];
  /** Those of them whom nobody here has wished for. */
  readonly readers: Readers;
}

/**
 * Which trees are kept in step with which peers, within one transaction or view of `_sync`. Somebody here may wish it,
 * or the peer has read the tree; then it depends on whether it still may.
 */
export class Relationships {
  readonly #store: DocStore;

  /** Relationships in the store `trees`. */
  constructor(store: DocStore) {
    this.#store = store;
  }

  /** Adds a peer to a tree, as somebody wishes who lives here; tells whether it was new. */
  async add(tree: ID, peer: PublicKey): Promise<boolean> {
    await this.#forgetReader(tree, peer);
    return await this.#add(tree, peer);
  }

  /** Adds a peer to a tree because it has read it, vouching for these keys. Wishes are not changed by that. */
  async addReader(tree: ID, peer: PublicKey, vouched: readonly PublicKey[]): Promise<void> {
    const record = await this.#record(tree);
    const isWish = keysOf(record).includes(peer.toString()) &&
      !readersOf(record).has(peer.toString());
    if (isWish) return;
    await this.#add(tree, peer);
    await this.#store.set(readerPath(tree, peer), JSON.stringify(vouched.map(String)));
  }

  /** Removes a peer from a tree, whose record goes with its last peer; tells whether it was there. */
  async remove(tree: ID, peer: PublicKey): Promise<boolean> {
    const keys = keysOf(await this.#record(tree));
    const left = keys.filter((key) => key !== peer.toString());
    if (left.length === keys.length) return false;
    if (left.length === 0) {
      await this.#store.delete([tree.toString()]);
      return true;
    }
    await this.#forgetReader(tree, peer);
    await this.#write(tree, left);
    return true;
  }

  /** Takes a peer out of every tree. */
  async removeEverywhere(peer: PublicKey): Promise<void> {
    for (const tree of await this.treesOf(peer)) await this.remove(tree, peer);
  }

  /** Peers of a tree, in the order in which they were added. Keys that cannot be read are left out. */
  async peersOf(tree: ID): Promise<PublicKey[]> {
    return parseKeys(keysOf(await this.#record(tree)));
  }

  /** All trees with peers, by their IDs. */
  async all(): Promise<Map<string, Relationship>> {
    const found = new Map<string, Relationship>();
    for await (const [tree, record] of this.#store.entries()) {
      found.set(tree, { peers: parseKeys(keysOf(record)), readers: readersOf(record) });
    }
    return found;
  }

  /** Trees of a peer, in the order of their IDs' texts. IDs that cannot be read are left out. */
  async treesOf(peer: PublicKey): Promise<ID[]> {
    const found: ID[] = [];
    for await (const [tree, record] of this.#store.entries()) {
      if (keysOf(record).includes(peer.toString())) found.push(...tryParse(() => ID.parse(tree)));
    }
    return found;
  }

  /** Whether a tree is kept in step with a peer. */
  async has(tree: ID, peer: PublicKey): Promise<boolean> {
    return keysOf(await this.#record(tree)).includes(peer.toString());
  }

  async #record(tree: ID): Promise<unknown> {
    return await this.#store.getOption([tree.toString()]);
  }

  async #add(tree: ID, peer: PublicKey): Promise<boolean> {
    const keys = keysOf(await this.#record(tree));
    if (keys.includes(peer.toString())) return false;
    await this.#write(tree, [...keys, peer.toString()]);
    return true;
  }

  async #write(tree: ID, keys: readonly string[]): Promise<void> {
    const key = tree.toString();
    await this.#store.set([key, "peer_pubkeys"], JSON.stringify(keys));
    await this.#store.set([key, "tree_id"], key);
  }

  async #forgetReader(tree: ID, peer: PublicKey): Promise<void> {
    if (await this.#store.getOption(readerPath(tree, peer)) === undefined) return;
    await this.#store.delete(readerPath(tree, peer));
  }
}

function readerPath(tree: ID, peer: PublicKey): readonly string[] {
  return [tree.toString(), "readers", peer.toString()];
}

/** Keys out of their texts. Those that cannot be read are left out. */
function parseKeys(texts: readonly string[]): PublicKey[] {
  return texts.flatMap((text) => tryParse(() => PublicKey.parse(text)));
}

function keysOf(record: unknown): string[] {
  return record instanceof Doc ? readTexts(textAt(record, "peer_pubkeys")) : [];
}

/** Readers of a record. Who is no peer of the tree any more is none: others may have removed it and left this. */
function readersOf(record: unknown): Readers {
  const readers = record instanceof Doc ? record.get(["readers"]) : undefined;
  if (!(readers instanceof Doc)) return new Map();
  const found = keysOf(record).flatMap((peer): [string, PublicKey[]][] => {
    if (readers.get([peer]) === undefined) return [];
    return [[peer, parseKeys(readTexts(textAt(readers, peer)))]];
  });
  return new Map(found);
}
