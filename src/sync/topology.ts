import type { ID } from "../entry/id.ts";
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
 * it. It is read again when `_sync` has changed, in this process or another.
 */
export class Topology {
  readonly #records: SyncDatabase;
  #trees: ReadonlyMap<string, FollowedTree> = new Map();
  #reading: Promise<void> | undefined;
  #isStale = true;

  /** The trees of `_sync`. */
  constructor(records: SyncDatabase) {
    this.#records = records;
  }

  /** `_sync` has changed. */
  changed(): void {
    this.#isStale = true;
  }

  /** Whether what is known is what `_sync` says. */
  get isFresh(): boolean {
    return !this.#isStale && this.#reading === undefined;
  }

  /** What was known last of a tree. */
  peek(tree: ID): FollowedTree | undefined {
    return this.#trees.get(tree.toString());
  }

  /** All trees that are kept in step, as `_sync` says now. */
  async all(): Promise<readonly FollowedTree[]> {
    while (this.#isStale) {
      this.#reading ??= this.#read().finally(() => this.#reading = undefined);
      await this.#reading;
    }
    return [...this.#trees.values()];
  }

  async #read(): Promise<void> {
    this.#isStale = false;
    const view = this.#records.view();
    const relationships = await view.relationships();
    const trees = new Map<string, FollowedTree>();
    try {
      for (const [tree, settings] of await (await view.users()).allCombined()) {
        if (!settings.syncEnabled) continue;
        const peers = await relationships.peersOf(tree);
        trees.set(tree.toString(), { tree, settings, peers });
      }
      this.#trees = trees;
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }
}
