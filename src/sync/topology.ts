import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { SyncSettings } from "../user/records.ts";
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

/**
 * Which trees are kept in step with which peers, out of `_sync`, in memory: every commit of the instance asks for
 * it. It is read again when the tips of `_sync` are others, whoever has changed it.
 */
export class Topology {
  readonly #records: SyncDatabase;
  #trees: ReadonlyMap<string, FollowedTree> = new Map();
  #tips: Snapshot | undefined;

  /** The trees of `_sync`. */
  constructor(records: SyncDatabase) {
    this.#records = records;
  }

  /** All trees that are kept in step, as `_sync` says now, by their roots. */
  async all(): Promise<ReadonlyMap<string, FollowedTree>> {
    const tips = await this.#records.database.snapshot();
    if (this.#tips?.equals(tips) === true) return this.#trees;
    const trees = await this.#read(tips);
    // Somebody who began later may have been faster, and knows more.
    if (tips.equals(await this.#records.database.snapshot())) {
      [this.#trees, this.#tips] = [trees, tips];
    }
    return trees;
  }

  async #read(tips: Snapshot): Promise<ReadonlyMap<string, FollowedTree>> {
    const view = this.#records.view(tips);
    const relationships = await view.relationships();
    const trees = new Map<string, FollowedTree>();
    for (const [tree, settings] of await (await view.users()).allCombined()) {
      if (!settings.syncEnabled) continue;
      const peers = await relationships.peersOf(tree);
      trees.set(tree.toString(), { tree, settings, peers });
    }
    return trees;
  }
}
