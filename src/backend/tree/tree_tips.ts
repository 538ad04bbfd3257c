import type { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { LruMap } from "../../util/lru.ts";
import { MAX_ATTEMPTS, outrun } from "../records/attempts.ts";
import type { Frontiers, TreeHead } from "../records/tree_records.ts";
import type { CachedTree, TreeCache } from "./tree_cache.ts";
import { type EntryReader, storeTipsAt } from "./walk.ts";

/** How many answers about store tips at older snapshots are kept. */
const CACHED_STORE_TIPS = 8_192;

/**
 * The frontiers of trees and of their stores, now and at older snapshots (05 §4, §5.1).
 *
 * `peek…` tells what is in memory, undefined when it must be read: a commit asks for a dozen things that are
 * known, and each promise that it does not wait for is time saved.
 */
export class TreeTips {
  readonly #trees: TreeCache;
  readonly #reader: EntryReader;
  readonly #older = new LruMap<Snapshot>(CACHED_STORE_TIPS);
  /** Number of the write after which a frontier was the Verified one, by its tips. */
  readonly #sequences = new LruMap<number>(CACHED_STORE_TIPS);

  /** Frontiers of `trees`; walks over older history read by `reader`. */
  constructor(trees: TreeCache, reader: EntryReader) {
    this.#trees = trees;
    this.#reader = reader;
  }

  /** Tips of all held entries of a tree. */
  async raw(tree: ID): Promise<Snapshot> {
    return Snapshot.of((await this.#trees.read(tree)).head.raw);
  }

  /** Verified tips of a tree as storage holds them now. */
  async verified(tree: ID): Promise<Snapshot> {
    return this.#verifiedOf(await this.#trees.read(tree));
  }

  /**
   * Verified tips of a tree as this process has last seen them: what a read just before has found. Saves
   * asking the storage again; another process may have moved on.
   */
  async seen(tree: ID): Promise<Snapshot> {
    return this.peekSeen(tree) ?? this.#verifiedOf(await this.#trees.lastSeen(tree));
  }

  /** As {@link seen}, if it is in memory. */
  peekSeen(tree: ID): Snapshot | undefined {
    const cached = this.#trees.peek(tree);
    return cached && this.#verifiedOf(cached);
  }

  #verifiedOf(cached: CachedTree): Snapshot {
    return cached.snapshot ??= this.#noteSnapshot(cached.head);
  }

  #noteSnapshot({ verified, sequence }: TreeHead): Snapshot {
    const snapshot = Snapshot.of(verified);
    this.#sequences.set(nameOf(snapshot), sequence);
    return snapshot;
  }

  /** The head of a tree and the frontiers of a store that belong together. */
  async store(tree: ID, store: string): Promise<{ cached: CachedTree; tips: Frontiers }> {
    for (let attempt = 0;; attempt++) {
      if (attempt >= MAX_ATTEMPTS) throw outrun(`read store "${store}" of tree "${tree}"`);
      const cached = await this.#trees.read(tree);
      const tips = await this.#trees.store(tree, cached, store);
      if (tips !== undefined) return { cached, tips };
      this.#trees.forget(tree);
    }
  }

  /** Tips of a store as of a snapshot of the tree. */
  async storeAt(tree: ID, store: string, main: Snapshot): Promise<Snapshot> {
    return this.peekStoreAt(tree, store, main) ?? await this.#readStoreAt(tree, store, main);
  }

  /** As {@link storeAt}, if it is in memory. */
  peekStoreAt(tree: ID, store: string, main: Snapshot): Snapshot | undefined {
    if (main.tips.length === 0) return Snapshot.EMPTY;
    // What a store looked like at given tips never changes, so what was last seen is good enough.
    const seen = this.#trees.peek(tree);
    if (seen === undefined || !main.equals(this.#verifiedOf(seen))) return undefined;
    const tips = this.#trees.peekStore(seen, store);
    return tips && Snapshot.of(tips.verified);
  }

  async #readStoreAt(tree: ID, store: string, main: Snapshot): Promise<Snapshot> {
    const seen = await this.#trees.lastSeen(tree);
    if (main.equals(this.#verifiedOf(seen))) {
      const tips = await this.#trees.store(tree, seen, store);
      if (tips !== undefined) return Snapshot.of(tips.verified);
    }
    const { cached, tips } = await this.store(tree, store);
    if (main.equals(this.#verifiedOf(cached))) return Snapshot.of(tips.verified);
    const sequence = this.#sequences.get(nameOf(main));
    // The store has not changed since `main` was the Verified frontier.
    if (sequence !== undefined && tips.sequence <= sequence) return Snapshot.of(tips.verified);
    return await this.#olderStoreAt(store, main);
  }

  async #olderStoreAt(store: string, main: Snapshot): Promise<Snapshot> {
    // A CID holds no "|", so no name of a store can be taken for tips.
    const key = `${nameOf(main)}|${store}`;
    const known = this.#older.get(key);
    if (known !== undefined) return known;
    let isComplete = true;
    const found = await storeTipsAt(this.#reader, store, main, () => isComplete = false);
    // While ancestors are missing the answer is not final.
    if (isComplete) this.#older.set(key, found);
    return found;
  }
}

/** The tips as one text. Tips are of one tree, so they say which. */
function nameOf({ tips }: Snapshot): string {
  return tips.length === 1 ? tips[0]!.toString() : tips.join(" ");
}
