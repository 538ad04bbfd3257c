import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { SyncSettings } from "../user/records.ts";
import type { Relationship } from "./peers/relationships.ts";
import type { SyncDatabase } from "./sync_database.ts";

/** A tree that is kept in step with peers. */
export interface FollowedTree {
  /** Root of the tree. */
  readonly tree: ID;
  /** What users want of it. */
  readonly settings: SyncSettings;
  /** With whom. */
  readonly peers: readonly PublicKey[];
}

/** What `_sync` says at one time. */
interface Told {
  readonly trees: ReadonlyMap<string, FollowedTree>;
  readonly relationships: ReadonlyMap<string, Relationship>;
}

/**
 * Which trees are kept in step with which peers, out of `_sync`, in memory: every commit of the instance asks for
 * it. It is read again when the tips of `_sync` are others, whoever has changed it.
 */
export class Topology {
  readonly #records: SyncDatabase;
  #told: Told = { trees: new Map(), relationships: new Map() };
  #tips: Snapshot | undefined;

  /** The trees of `_sync`. */
  constructor(records: SyncDatabase) {
    this.#records = records;
  }

  /** All trees that are kept in step, as `_sync` says now, by their roots. */
  async all(): Promise<ReadonlyMap<string, FollowedTree>> {
    return (await this.#now()).trees;
  }

  /**
   * Further keys by which a peer has read a tree that is kept in step with it because of that alone. Undefined when
   * somebody here wishes it. The same list, until `_sync` changes.
   */
  async readerKeys(tree: ID, peer: PublicKey): Promise<readonly PublicKey[] | undefined> {
    const { relationships } = await this.#now();
    return relationships.get(tree.toString())?.readers.get(peer.toString());
  }

  /** Whether a tree, followed or not, is kept in step with a peer. */
  async isKept(tree: ID, peer: PublicKey): Promise<boolean> {
    const { relationships } = await this.#now();
    const peers = relationships.get(tree.toString())?.peers ?? [];
    return peers.some((other) => other.equals(peer));
  }

  async #now(): Promise<Told> {
    const tips = await this.#records.database.snapshot();
    if (this.#tips?.equals(tips) === true) return this.#told;
    const told = await this.#read(tips);
    // Somebody who began later may have been faster, and knows more.
    if (tips.equals(await this.#records.database.snapshot())) {
      [this.#told, this.#tips] = [told, tips];
    }
    return told;
  }

  async #read(tips: Snapshot): Promise<Told> {
    const view = this.#records.view(tips);
    const relationships = await (await view.relationships()).all();
    const trees = new Map<string, FollowedTree>();
    for (const [tree, settings] of await (await view.users()).allCombined()) {
      if (!settings.syncEnabled) continue;
      const peers = relationships.get(tree.toString())?.peers ?? [];
      trees.set(tree.toString(), { tree, settings, peers });
    }
    return { trees, relationships };
  }
}
