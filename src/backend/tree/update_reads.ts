import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { RandomSource } from "../../util/random.ts";
import type { BacklogTrees } from "../backlog/backlog_trees.ts";
import { WaitingChildren } from "../backlog/waiting.ts";
import type { CommitRoom } from "../records/commit_room.ts";
import type { EntryCache } from "../records/entry_cache.ts";
import type { Frontiers, IdRow } from "../records/tree_records.ts";
import type { CachedTree, TreeCache } from "./tree_cache.ts";

/** Another writer changed the tree while an update was being prepared; the update starts again. */
export class UpdateConflict extends Error {}

/** Stands for the tree itself where stores use their names, which are not empty. */
export const MAIN = "";

/** What an update reads from the backend it belongs to. */
export interface UpdateSource {
  readonly driver: StorageDriver;
  readonly trees: TreeCache;
  /** The backlogs of trees, which are ready before anything is not Verified. */
  readonly backlogs: BacklogTrees;
  readonly entries: EntryCache;
  /** What one storage commit takes. */
  readonly room: CommitRoom;
  /** Names the logs of new trees. */
  readonly random: RandomSource;
  /** The entry and its row as storage holds them now. */
  load(id: ID): Promise<{ entry: Entry; row: IdRow } | undefined>;
  /** The row of an entry as storage holds it now. */
  loadRow(id: ID): Promise<IdRow | undefined>;
  /** The rows of entries as storage holds them now. */
  loadRows(ids: readonly ID[]): Promise<(IdRow | undefined)[]>;
}

/**
 * What an update knows of its tree as it was before: rows, frontiers of stores, children that wait.
 *
 * The update relies on the head that it began with, so nothing of the tree that was read since can have
 * changed when it is committed. All that an entry needs is read ahead, and putting it into its place
 * is then done at once.
 */
export class UpdateReads {
  /** The tree as the update found it. */
  readonly base: CachedTree;
  /** Children whose parents are not held. */
  readonly waiting: WaitingChildren;
  readonly #source: UpdateSource;
  readonly #tree: ID;
  /** Rows that were read; null for entries that are not held. */
  #rows: Map<string, IdRow | null> | undefined;

  /** Reads for an update of `tree`, which was found as `base`. */
  constructor(source: UpdateSource, tree: ID, base: CachedTree) {
    this.base = base;
    this.waiting = new WaitingChildren(source.driver, tree, base.head.waiting);
    this.#source = source;
    this.#tree = tree;
  }

  /** The row of an entry; null when it is not held, undefined when it must be read. */
  peekRow(id: ID): IdRow | null | undefined {
    const cached = this.#source.entries.get(id)?.row;
    // Verified is the one status that no other writer changes.
    return cached?.status === "Verified" ? cached : this.#rows?.get(id.toString());
  }

  /** The row of an entry; null when it is not held. */
  async row(id: ID): Promise<IdRow | null> {
    const known = this.peekRow(id);
    if (known !== undefined) return known;
    const row = await this.#source.loadRow(id) ?? null;
    this.#rows ??= new Map();
    this.#rows.set(id.toString(), row);
    return row;
  }

  /** Frontiers of a store, if they are in memory. */
  peekStore(store: string): Frontiers | undefined {
    return this.#source.trees.peekStore(this.base, store);
  }

  /** Frontiers of a store. */
  async store(store: string): Promise<Frontiers> {
    const tips = await this.#source.trees.store(this.#tree, this.base, store);
    if (tips === undefined) throw new UpdateConflict();
    return tips;
  }
}
