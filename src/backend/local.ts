import { setInspection } from "#inspect";
import type { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { BackendError } from "../util/errors.ts";
import { type RandomSource, systemRandom } from "../util/random.ts";
import { turns } from "../util/turns.ts";
import type {
  Backend,
  InstanceMetadata,
  InstanceSecrets,
  Reachability,
  VerificationStatus,
} from "./backend.ts";
import type { BacklogCounts } from "./backlog/backlog.ts";
import { BacklogTrees } from "./backlog/backlog_trees.ts";
import { BACKLOG_LIMITS, type BacklogLimits } from "./backlog/limits.ts";
import type { ArrivalLog, LogOwner } from "./log/arrival_log.ts";
import { loadRest } from "./load_rest.ts";
import { MAX_ATTEMPTS, outrun } from "./records/attempts.ts";
import { CommitRoom } from "./records/commit_room.ts";
import { EntryCache } from "./records/entry_cache.ts";
import { InstanceRecords } from "./records/instance_records.ts";
import * as keys from "./records/keys.ts";
import {
  damagedEntry,
  decodeStored,
  listStore,
  listTree,
  readStored,
} from "./records/stored_entries.ts";
import { decodeIdRow, type IdRow } from "./records/tree_records.ts";
import { StateCache, type StateType } from "./state/state_cache.ts";
import { findMergeBase, requireEntry } from "./tree/frontier_walk.ts";
import { readAhead } from "./tree/read_ahead.ts";
import { TreeCache } from "./tree/tree_cache.ts";
import { TreeTips } from "./tree/tree_tips.ts";
import { TreeUpdate, UpdateConflict, type UpdateSource } from "./tree/tree_update.ts";
import * as walk from "./tree/walk.ts";

/** Records that storing an entry changes, at most: id, bytes, markers, head, three per store. */
const CHANGES_PER_ENTRY = 16;

/** The engine: trees of entries on any {@link StorageDriver} (05). */
export class LocalBackend implements Backend, UpdateSource, LogOwner {
  /** Where everything is stored. */
  readonly driver: StorageDriver;
  /** Heads and store frontiers. */
  readonly trees: TreeCache;
  /** Frontiers, now and at older snapshots. */
  readonly tips: TreeTips;
  /** Entries used last. */
  readonly entries: EntryCache = new EntryCache();
  /** What one storage commit takes. */
  readonly room: CommitRoom;
  /** Trees with entries that have no verdict. */
  readonly backlogs: BacklogTrees;
  /** Materialised store states. */
  readonly states: StateCache;
  /** What makes this storage an instance. */
  readonly records: InstanceRecords;
  /** In which order entries became Verified, once somebody has asked; see `ArrivalLog.of`. */
  log: ArrivalLog | undefined;

  /** See {@link UpdateSource.random}. */
  readonly random: RandomSource;
  /** How much of what cannot be judged yet a tree holds at most. */
  readonly limits: BacklogLimits;

  /** An engine over `driver`, which it closes when it is closed. */
  constructor(
    driver: StorageDriver,
    limits: BacklogLimits = BACKLOG_LIMITS,
    random: RandomSource = systemRandom,
  ) {
    this.driver = driver;
    this.random = random;
    // All markers of one entry must fit into one storage commit.
    const awaited = Math.min(limits.awaited, Math.floor(driver.capabilities.maxBatchChanges / 8));
    this.limits = { ...limits, awaited };
    const { isFar } = driver.capabilities;
    this.trees = new TreeCache(driver, isFar ? (...tree) => readAhead(this, ...tree) : undefined);
    this.tips = new TreeTips(this.trees, this);
    this.room = new CommitRoom(driver.capabilities);
    this.backlogs = new BacklogTrees(driver, async () => (await loadRest("judge entries")).Backlog);
    this.records = new InstanceRecords(driver);
    this.states = new StateCache(this, async () => {
      return (await loadRest("keep a state in storage")).Checkpoints;
    });
  }

  /** How many entries one storage commit can take, if each touches a handful of stores. */
  get maxEntriesPerCommit(): number {
    return Math.max(1, Math.floor(this.driver.capabilities.maxBatchChanges / CHANGES_PER_ENTRY));
  }

  /** Releases the storage. */
  async close(): Promise<void> {
    await this.states.close();
    await this.log?.close();
    await this.driver.close();
  }

  // --- entries -------------------------------------------------------------------------------

  /** See {@link Backend.get}. */
  async get(id: ID): Promise<Entry> {
    return await requireEntry(this, id);
  }

  /** See {@link Backend.hasEntry}. */
  async hasEntry(id: ID): Promise<boolean> {
    if (turns.isOver) await turns.next();
    return this.entries.get(id) !== undefined || await this.loadRow(id) !== undefined;
  }

  /** The entry with this ID; undefined when it is not held. */
  async find(id: ID): Promise<Entry | undefined> {
    // All walks come by here.
    if (turns.isOver) await turns.next();
    return (this.entries.get(id) ?? await this.load(id))?.entry;
  }

  /** The entries with these IDs, if all are in memory. */
  peekAll(ids: readonly ID[]): Entry[] | undefined {
    const found: Entry[] = [];
    for (const id of ids) {
      const held = this.entries.get(id);
      if (held === undefined) return undefined;
      found.push(held.entry);
    }
    return found;
  }

  /** See {@link UpdateSource.loadRow}. */
  async loadRow(id: ID): Promise<IdRow | undefined> {
    const stored = await this.driver.get(keys.idKey(id));
    return stored === undefined ? undefined : decodeIdRow(stored.value);
  }

  /** See {@link UpdateSource.loadRows}. */
  async loadRows(ids: readonly ID[]): Promise<(IdRow | undefined)[]> {
    const stored = await this.driver.getMany(ids.map((id) => keys.idKey(id)));
    return stored.map((item) => item === undefined ? undefined : decodeIdRow(item.value));
  }

  /** See {@link UpdateSource.load}. */
  async load(id: ID): Promise<{ entry: Entry; row: IdRow } | undefined> {
    const [stored] = await readStored(this.driver, [id]);
    if (stored === undefined) return undefined;
    const { row, bytes } = stored;
    if (bytes === undefined) throw damagedEntry(id, "its bytes are missing");
    const held = { entry: decodeStored(id, bytes), row };
    this.entries.set(held);
    return held;
  }

  /** See {@link Backend.put}. */
  async put(entry: Entry): Promise<void> {
    await this.update(entry.root ?? entry.id, (update) => update.insert(entry, "Unverified"));
  }

  /** See {@link Backend.getVerificationStatus}. */
  async getVerificationStatus(id: ID): Promise<VerificationStatus> {
    if (turns.isOver) await turns.next();
    const cached = this.entries.get(id)?.row;
    const row = cached?.status === "Verified" ? cached : await this.loadRow(id);
    if (row !== undefined) return row.status;
    throw new BackendError(
      "VerificationStatusNotFound",
      `Cannot tell the status of entry "${id}": this node does not hold it`,
      {
        fields: { id },
      },
    );
  }

  /** See {@link Backend.updateVerificationStatus}. */
  async updateVerificationStatus(id: ID, status: VerificationStatus): Promise<void> {
    const entry = await this.get(id);
    const { overwriteStatus } = await loadRest("overwrite a verdict");
    await overwriteStatus(this, entry, status);
  }

  /** Takes the Verified verdict from an entry and from all its Verified descendants. */
  async demoteToUnverified(tree: ID, id: ID): Promise<void> {
    await this.get(id);
    const { demote } = await loadRest("take back a verdict");
    await demote(this, tree, id);
  }

  /** See {@link Backend.getEntriesByVerificationStatus}. */
  async getEntriesByVerificationStatus(status: VerificationStatus): Promise<ID[]> {
    const found: ID[] = [];
    for await (const page of this.driver.list(keys.prefixRange(keys.allOf("id")))) {
      for (const { key, value } of page) {
        if (decodeIdRow(value).status === status) found.push(keys.readId(key));
      }
    }
    return found;
  }

  // --- changes -------------------------------------------------------------------------------

  /**
   * Prepares a change of one tree and commits it atomically. `change` runs again from a fresh state
   * when another writer got in between, so it must do nothing but work on the update.
   */
  async update<T>(
    tree: ID,
    change: (update: TreeUpdate) => Promise<T>,
  ): Promise<{ value: T; update: TreeUpdate }> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        const seen = attempt === 0 ? TreeUpdate.peek(this, tree) : undefined;
        const update = seen ?? await TreeUpdate.begin(this, tree, attempt > 0);
        const value = await change(update);
        if (update.isEmpty) return { value, update };
        const result = await this.driver.commit(update.batch());
        if (result.ok) {
          update.committed(result.version);
          this.backlogs.note(tree, update.unverified);
          return { value, update };
        }
      } catch (error) {
        if (!(error instanceof UpdateConflict)) throw error;
      }
      this.trees.forget(tree);
    }
    throw outrun(`write to tree "${tree}"`);
  }

  // --- frontiers -----------------------------------------------------------------------------

  /** See {@link Backend.snapshot}. */
  async snapshot(tree: ID): Promise<Snapshot> {
    return await this.tips.raw(tree);
  }

  /** See {@link Backend.verifiedSnapshot}. */
  async verifiedSnapshot(tree: ID): Promise<Snapshot> {
    return await this.tips.verified(tree);
  }

  /** What of the tree has no verdict, and the number of the last write to it. */
  async pending(tree: ID): Promise<BacklogCounts & { readonly sequence: number }> {
    return (await this.trees.read(tree)).head;
  }

  /** See {@link Backend.storeSnapshot}. */
  async storeSnapshot(tree: ID, store: string): Promise<Snapshot> {
    return Snapshot.of((await this.tips.store(tree, store)).tips.raw);
  }

  /** Tips of a store over the Verified entries. */
  async verifiedStoreSnapshot(tree: ID, store: string): Promise<Snapshot> {
    return Snapshot.of((await this.tips.store(tree, store)).tips.verified);
  }

  /** See {@link Backend.storeSnapshotAt}. */
  async storeSnapshotAt(tree: ID, store: string, main: Snapshot): Promise<Snapshot> {
    return await this.tips.storeAt(tree, store, main);
  }

  /** See {@link Backend.allRoots}. */
  async allRoots(): Promise<ID[]> {
    const roots: ID[] = [];
    for await (const page of this.driver.list(keys.prefixRange(keys.allOf("root")))) {
      for (const { key } of page) roots.push(keys.readId(key));
    }
    return roots;
  }

  /** IDs of all trees of which anything is held, in no order. */
  async allTrees(): Promise<ID[]> {
    const trees: ID[] = [];
    for await (const page of this.driver.list(keys.prefixRange(keys.allOf("head")))) {
      for (const { key } of page) trees.push(keys.readId(key));
    }
    return trees;
  }

  // --- traversals ----------------------------------------------------------------------------

  /** See {@link Backend.getTree}. */
  async getTree(tree: ID): Promise<Entry[]> {
    return await listTree(this, tree);
  }

  /** See {@link Backend.getStore}. */
  async getStore(tree: ID, store: string): Promise<Entry[]> {
    return await listStore(this, tree, store);
  }

  /** See {@link Backend.getTreeFromTips}. */
  async getTreeFromTips(tree: ID, tips: Snapshot): Promise<Entry[]> {
    for (const tip of tips.tips) walk.requireInTree(await this.get(tip), tree);
    const found = await walk.collect(this, tips.tips, (entry) => entry.parents);
    return found.sort(walk.compareInTree);
  }

  /** See {@link Backend.storeAt}. */
  async storeAt(tree: ID, store: string, tips: Snapshot): Promise<Entry[]> {
    const found = await walk.collect(this, tips.tips, (entry) => walk.storeParents(entry, store));
    return found.filter((entry) => walk.inTree(entry, tree) && walk.inStore(entry, store))
      .sort(walk.compareInStore(store));
  }

  /** See {@link Backend.getSortedStoreParents}. */
  async getSortedStoreParents(tree: ID, id: ID, store: string): Promise<ID[]> {
    const entry = await this.get(id);
    if (!walk.inTree(entry, tree) || !walk.inStore(entry, store)) return [];
    const parents = await Promise.all(
      entry.subtreeParents(store).map(async (parent) => {
        const held = await this.find(parent);
        return { id: parent, height: held === undefined ? 0 : walk.storeHeight(held, store) };
      }),
    );
    parents.sort((a, b) => a.height - b.height || ID.compareFold(a.id, b.id));
    return parents.map((parent) => parent.id);
  }

  /** See {@link Backend.getPathFromTo}. */
  async getPathFromTo(tree: ID, store: string, from: ID, to: readonly ID[]): Promise<ID[]> {
    const starts = to.filter((id) => !id.equals(from));
    const parents = (entry: Entry) =>
      walk.storeParents(entry, store).filter((id) => !id.equals(from));
    const found = await walk.collect(this, starts, parents);
    return found.filter((entry) => walk.inTree(entry, tree) && walk.inStore(entry, store))
      .sort(walk.compareInStore(store)).map((entry) => entry.id);
  }

  /** See {@link Backend.findMergeBase}. */
  async findMergeBase(tree: ID, store: string, ids: readonly ID[]): Promise<ID> {
    return await findMergeBase(this, tree, store, ids);
  }

  /** See {@link Backend.checkTargetsReachableFrom}. */
  async checkTargetsReachableFrom(
    tree: ID,
    from: readonly ID[],
    targets: readonly ID[],
  ): Promise<Reachability> {
    return await walk.checkReachable(this, tree, from, targets);
  }

  /** The state of a store at some of its tips. The value is shared: do not change it. */
  async stateAt<T>(tree: ID, store: string, tips: Snapshot, type: StateType<T>): Promise<T> {
    return await this.states.stateAt(this, tree, store, tips, type);
  }

  /** Notes a payload that this process has written to a store, as one of `type`. */
  wrote(tree: ID, store: string, type: StateType<unknown>, data: Uint8Array): void {
    this.states.wrote(tree, store, type, data, async () => {
      await this.stateAt(tree, store, await this.verifiedStoreSnapshot(tree, store), type);
    });
  }

  // --- instance records ----------------------------------------------------------------------

  /** See {@link Backend.getInstanceMetadata}. */
  async getInstanceMetadata(): Promise<InstanceMetadata | undefined> {
    return await this.records.getMetadata();
  }

  /** See {@link Backend.setInstanceMetadata}. */
  async setInstanceMetadata(metadata: InstanceMetadata): Promise<void> {
    await this.records.setMetadata(metadata);
  }

  /** See {@link Backend.getInstanceSecrets}. */
  async getInstanceSecrets(): Promise<InstanceSecrets | undefined> {
    return await this.records.getSecrets();
  }

  /** See {@link Backend.setInstanceSecrets}. */
  async setInstanceSecrets(secrets: InstanceSecrets): Promise<void> {
    await this.records.setSecrets(secrets);
  }
}

setInspection(LocalBackend, "LocalBackend", ({ driver }) => [driver.name]);
