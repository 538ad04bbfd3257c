import { Doc } from "../../crdt/doc.ts";
import { ID } from "../../entry/id.ts";
import { PublicKey } from "../../keys/public_key.ts";
import type { DocStore } from "../../store/doc_store.ts";
import { tryParse } from "./parse.ts";
import { readTexts, textAt } from "./records.ts";

/** Which trees are kept in step with which peers, within one transaction or view of `_sync`. */
export class Relationships {
  readonly #store: DocStore;

  /** Relationships in the store `trees`. */
  constructor(store: DocStore) {
    this.#store = store;
  }

  /** Adds a peer to a tree; tells whether it was new. */
  async add(tree: ID, peer: PublicKey): Promise<boolean> {
    const keys = await this.#keys(tree);
    if (keys.includes(peer.toString())) return false;
    await this.#write(tree, [...keys, peer.toString()]);
    return true;
  }

  /** Removes a peer from a tree, whose record goes with its last peer; tells whether it was there. */
  async remove(tree: ID, peer: PublicKey): Promise<boolean> {
    const keys = await this.#keys(tree);
    const left = keys.filter((key) => key !== peer.toString());
    if (left.length === keys.length) return false;
    if (left.length === 0) await this.#store.delete([tree.toString()]);
    else await this.#write(tree, left);
    return true;
  }

  /** Takes a peer out of every tree. */
  async removeEverywhere(peer: PublicKey): Promise<void> {
    for (const tree of await this.treesOf(peer)) await this.remove(tree, peer);
  }

  /** Peers of a tree, in the order in which they were added. Keys that cannot be read are left out. */
  async peersOf(tree: ID): Promise<PublicKey[]> {
    return (await this.#keys(tree)).flatMap((key) => tryParse(() => PublicKey.parse(key)));
  }

  /** Trees of a peer, in the order of their IDs' texts. IDs that cannot be read are left out. */
  async treesOf(peer: PublicKey): Promise<ID[]> {
    const found: ID[] = [];
    for await (const [tree, record] of this.#store.entries()) {
      const keys = record instanceof Doc ? readTexts(textAt(record, "peer_pubkeys")) : [];
      if (keys.includes(peer.toString())) found.push(...tryParse(() => ID.parse(tree)));
    }
    return found;
  }

  /** Whether a tree is kept in step with a peer. */
  async has(tree: ID, peer: PublicKey): Promise<boolean> {
    return (await this.#keys(tree)).includes(peer.toString());
  }

  async #keys(tree: ID): Promise<string[]> {
    const record = await this.#store.getOption([tree.toString()]);
    return record instanceof Doc ? readTexts(textAt(record, "peer_pubkeys")) : [];
  }

  async #write(tree: ID, keys: readonly string[]): Promise<void> {
    const key = tree.toString();
    await this.#store.set([key, "peer_pubkeys"], JSON.stringify(keys));
    await this.#store.set([key, "tree_id"], key);
  }
}
