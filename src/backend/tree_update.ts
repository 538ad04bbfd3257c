import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { Snapshot } from "../entry/snapshot.ts";
import { validateEntry } from "../entry/validate.ts";
import type { Batch, StorageDriver, Version } from "../storage/driver.ts";
import { BackendError } from "../util/errors.ts";
import { EntryMetadata } from "../entry/metadata.ts";
import { Backlog, type Waits } from "./backlog.ts";
import type { VerificationStatus } from "./backend.ts";
import {
  type ChangeSize,
  type CommitRoom,
  HEADS,
  ID_KEY,
  insertionSize,
  settledSize,
  storesSize,
  sum,
} from "./commit_room.ts";
import type { EntryCache } from "./entry_cache.ts";
import { moved, shared } from "./frontier.ts";
import {
  entryKey,
  headKey,
  heightBytes,
  idKey,
  rootKey,
  storeIndexKey,
  storeTipsKey,
} from "./keys.ts";
import {
  encodeHead,
  encodeIdRow,
  encodeStoreTips,
  type Frontiers,
  type IdRow,
  isInline,
  type TreeHead,
} from "./records.ts";
import type { CachedTree, TreeCache } from "./tree_cache.ts";
import { WaitingChildren } from "./waiting.ts";

/** Another writer changed the tree while an update was being prepared; the update starts again. */
export class UpdateConflict extends Error {}

/** Stands for the tree itself where stores use their names, which are not empty. */
const MAIN = "";
const NOTHING = new Uint8Array(0);

/** What an update reads from the backend it belongs to. */
export interface UpdateSource {
  readonly driver: StorageDriver;
  readonly trees: TreeCache;
  readonly entries: EntryCache;
  /** What one storage commit takes. */
  readonly room: CommitRoom;
  /** The entry and its row as storage holds them now. */
  load(id: ID): Promise<{ entry: Entry; row: IdRow } | undefined>;
  /** The row of an entry as storage holds it now. */
  loadRow(id: ID): Promise<IdRow | undefined>;
  /** The rows of entries as storage holds them now. */
  loadRows(ids: readonly ID[]): Promise<(IdRow | undefined)[]>;
}

interface Pending {
  readonly entry: Entry;
  status: VerificationStatus;
  readonly inserted: boolean;
}

/**
 * One atomic change of one tree: entries stored, verdicts given, frontiers moved (05 §4, §12).
 *
 * All is prepared in memory over a head of known version; {@link batch} then turns it into one
 * storage commit that fails if any other writer has changed the tree in between.
 */
export class TreeUpdate {
  /** Root of the tree that is changed. */
  readonly tree: ID;
  readonly #source: UpdateSource;
  readonly #base: CachedTree;
  readonly #pending = new Map<string, Pending>();
  readonly #stores = new Map<string, Frontiers>();
  readonly #touched = new Set<string>();
  readonly #set: [Uint8Array, Uint8Array][] = [];
  readonly #delete: Uint8Array[] = [];
  readonly #waiting: WaitingChildren;
  /** What has no verdict, and is to be looked at or waits. */
  readonly backlog: Backlog;
  /** Whether it matters how much is changed. */
  readonly #isLimited: boolean;
  /** What entries and frontiers change. */
  #written: ChangeSize = HEADS;
  #main: Frontiers;
  #verified: Entry[] = [];

  private constructor(source: UpdateSource, tree: ID, base: CachedTree) {
    this.#source = source;
    this.tree = tree;
    this.#base = base;
    this.#main = base.head;
    this.#isLimited = source.room.isLimited;
    this.backlog = new Backlog(source.driver, tree, base.head);
    this.#waiting = new WaitingChildren(source.driver, tree, base.head.waiting);
  }

  /** Begins a change of `tree`; `fresh` ignores what this process believes to know. */
  static async begin(source: UpdateSource, tree: ID, fresh: boolean): Promise<TreeUpdate> {
    const base = fresh ? await source.trees.read(tree) : await source.trees.lastSeen(tree);
    return new TreeUpdate(source, tree, base);
  }

  /** Verified tips before this change. */
  get previousTips(): Snapshot {
    return Snapshot.of(this.#base.head.verified);
  }

  /** Verified tips after this change. */
  get postTips(): Snapshot {
    return Snapshot.of(this.#main.verified);
  }

  /** Entries that this change makes Verified, in the order in which it did. */
  get verified(): readonly Entry[] {
    return this.#verified;
  }

  /** How many entries of the tree are Unverified after this change. */
  get unverified(): number {
    return this.backlog.counts.unverified;
  }

  /** How many entries are stored or settled by this change. */
  get size(): number {
    return this.#pending.size;
  }

  /** How many changes of a size there is room for in the storage commit, besides what it has. */
  roomFor(each: ChangeSize): number {
    return this.#source.room.left(this.changes, each);
  }

  /** How much of a storage commit this change takes, at most; of a storage without limits, nothing. */
  get changes(): ChangeSize {
    if (!this.#isLimited) return this.#written;
    return sum(this.#written, this.#waiting.changes, this.backlog.changes);
  }

  #count(size: ChangeSize): void {
    this.#written = sum(this.#written, size);
  }

  #touch(store: string): void {
    if (this.#isLimited && !this.#touched.has(store)) this.#count(storesSize([store]));
    this.#touched.add(store);
  }

  /** Whether there is anything to write. */
  get isEmpty(): boolean {
    return this.#pending.size === 0 && !this.backlog.isChanged;
  }

  /** An entry of any tree, this change included; undefined when it is not held. */
  async find(id: ID): Promise<Entry | undefined> {
    const pending = this.#pending.get(id.toString());
    if (pending !== undefined) return pending.entry;
    return (this.#source.entries.get(id) ?? await this.#source.load(id))?.entry;
  }

  /** Status, height and tree of an entry, this change included; undefined when it is not held. */
  async row(id: ID): Promise<IdRow | undefined> {
    return this.#knownRow(id) ?? await this.#source.loadRow(id);
  }

  /** As {@link row}, as far as nothing must be read: saves a turn of the microtask queue. */
  #knownRow(id: ID): IdRow | undefined {
    const pending = this.#pending.get(id.toString());
    if (pending !== undefined) return this.#rowOf(pending);
    const cached = this.#source.entries.get(id)?.row;
    // Verified is the one status that no other writer changes.
    return cached?.status === "Verified" ? cached : undefined;
  }

  /** The row of an entry that is to be stored; undefined when it is not held. */
  async heldRow(entry: Entry): Promise<IdRow | undefined> {
    const { raw } = this.#main;
    // No held entry has a tip as its parent, so one on a tip is new.
    const isNew = entry.parents.some((parent) => raw.some((tip) => tip.equals(parent)));
    return isNew ? undefined : await this.row(entry.id);
  }

  #rowOf(pending: Pending): IdRow {
    return { status: pending.status, height: pending.entry.height, tree: this.tree };
  }

  /** Frontiers of a store, this change included. */
  async storeTips(store: string): Promise<Frontiers> {
    const changed = this.#stores.get(store);
    if (changed !== undefined) return changed;
    const tips = await this.#source.trees.store(this.tree, this.#base, store);
    if (tips === undefined) throw new UpdateConflict();
    this.#stores.set(store, tips);
    return tips;
  }

  /**
   * Stores an entry. One that is held already keeps its status, except that an Unverified one is
   * settled when `status` is `Verified`. A Verified one needs Verified parents, else it waits.
   *
   * @returns whether the entry is new.
   */
  async insert(entry: Entry, status: VerificationStatus): Promise<boolean> {
    const held = await this.heldRow(entry);
    if (held !== undefined) {
      if (status === "Verified" && held.status === "Unverified") await this.settle(entry, status);
      return false;
    }
    await this.check(entry);
    const waits = status === "Verified" && !await this.#hasVerifiedParents(entry);
    await this.add(entry, waits ? "Unverified" : status);
    return true;
  }

  /** Stores an entry that is not held and was checked, with its verdict, or with what it waits for. */
  async add(entry: Entry, status: VerificationStatus, waits?: Waits): Promise<void> {
    this.#pending.set(entry.id.toString(), { entry, status, inserted: true });
    if (this.#isLimited) this.#count(insertionSize(entry));
    if (status === "Unverified") await this.backlog.stored(entry, waits);
    else this.backlog.arrived(entry, status);
    await this.#addRaw(entry);
    if (status === "Verified") await this.#addVerified(entry);
  }

  /** How many more tips than Verified ones the tree, or a store, would have with a further entry. */
  async extraTipsWith(entry: Entry): Promise<number> {
    let most = extraTips(this.#main, entry.parents);
    for (const store of entry.subtrees) {
      const tips = await this.storeTips(store);
      most = Math.max(most, extraTips(tips, entry.subtreeParents(store)));
    }
    return most;
  }

  /** Refuses an entry of a wrong form, and heights that do not exceed a held parent's (00 §B5). */
  async check(entry: Entry): Promise<void> {
    validateEntry(entry);
    for (const parent of entry.parents) {
      const row = this.#knownRow(parent) ?? await this.row(parent);
      if (row === undefined || !row.tree.equals(this.tree) || row.height < entry.height) continue;
      throw tooLow(entry, parent, row.height);
    }
  }

  /** Whether all parents, those in stores included, are Verified entries of this tree. */
  async #hasVerifiedParents(entry: Entry): Promise<boolean> {
    const inStores = entry.subtrees.flatMap((store) => entry.subtreeParents(store));
    for (const parent of [...entry.parents, ...inStores]) {
      const row = this.#knownRow(parent) ?? await this.row(parent);
      if (row?.status !== "Verified" || !row.tree.equals(this.tree)) return false;
    }
    return true;
  }

  /** How much a verdict on a stored entry changes, at most. */
  verdictSize(entry: Entry): ChangeSize {
    const released = Math.min(this.backlog.mostReleased, referencesOf(entry).length);
    return settledSize(entry, released);
  }

  /** Gives an Unverified entry its verdict. */
  async settle(entry: Entry, status: "Verified" | "Failed"): Promise<void> {
    const key = entry.id.toString();
    const pending = this.#pending.get(key) ?? { entry, status: "Unverified", inserted: false };
    if (pending.status !== "Unverified") return;
    if (!pending.inserted) this.#count(ID_KEY);
    pending.status = status;
    this.#pending.set(key, pending);
    // Who is Verified has been woken by all that it waited for; who fails may still be marked.
    this.backlog.settled(entry, status, status === "Failed" ? referencesOf(entry) : []);
    if (status === "Verified") await this.#addVerified(entry);
  }

  async #addVerified(entry: Entry): Promise<void> {
    this.#verified.push(entry);
    this.#main = moved(this.#main, "verified", entry.id, entry.parents);
    for (const store of entry.subtrees) {
      const tips = moved(
        await this.storeTips(store),
        "verified",
        entry.id,
        entry.subtreeParents(store),
      );
      this.#stores.set(store, tips);
      this.#touch(store);
    }
  }

  async #addRaw(entry: Entry): Promise<void> {
    this.#main = await this.#moveRaw(this.#main, MAIN, entry.id, entry.parents);
    for (const store of entry.subtrees) {
      const tips = await this.storeTips(store);
      this.#stores.set(
        store,
        await this.#moveRaw(tips, store, entry.id, entry.subtreeParents(store)),
      );
      this.#touch(store);
    }
  }

  /** Moves the frontier of all held entries, whatever order parents and children arrive in. */
  async #moveRaw(
    tips: Frontiers,
    scope: string,
    id: ID,
    parents: readonly ID[],
  ): Promise<Frontiers> {
    for (const parent of parents) {
      const row = this.#knownRow(parent) ?? await this.row(parent);
      if (row === undefined) this.#waiting.add(scope, parent, id);
    }
    return moved(tips, "raw", await this.#waiting.take(scope, id) ? undefined : id, parents);
  }

  /** The storage commit that makes this change real. */
  batch(): Batch {
    for (const pending of this.#pending.values()) this.#write(pending);
    this.#waiting.write(this.#set, this.#delete);
    this.backlog.write(this.#set, this.#delete);
    const sequence = this.#base.head.sequence + 1;
    this.#set.push([headKey(this.tree), encodeHead(this.#head(sequence))]);
    for (const store of this.#touched) {
      const tips = { ...this.#stores.get(store)!, sequence };
      this.#set.push([storeTipsKey(this.tree, store), encodeStoreTips(shared(tips))]);
    }
    const checks = [{ key: headKey(this.tree), version: this.#base.version }];
    return { checks, set: this.#set, delete: this.#delete };
  }

  #head(sequence: number): TreeHead {
    const { verified, raw } = this.#main;
    const counts = { ...this.backlog.counts, waiting: this.#waiting.count };
    return shared({ sequence, verified, raw, ...counts });
  }

  #write(pending: Pending): void {
    const { entry } = pending;
    this.#set.push([idKey(entry.id), encodeIdRow(this.#rowOf(pending), entry.bytes)]);
    if (!pending.inserted) return;
    if (!isInline(entry.bytes)) this.#set.push([entryKey(entry.id), entry.bytes]);
    if (entry.isRoot) this.#set.push([rootKey(entry.id), NOTHING]);
    const height = heightBytes(entry.height);
    for (const store of entry.subtrees) {
      const key = storeIndexKey(this.tree, store, entry.subtreeHeight(store), entry.id);
      this.#set.push([key, height]);
    }
    if (entry.subtrees.length > 0) return;
    this.#set.push([storeIndexKey(this.tree, MAIN, entry.height, entry.id), height]);
  }

  /** Tells the caches what the commit has made true. */
  committed(version: Version): void {
    const sequence = this.#base.head.sequence + 1;
    const stores = new Map(this.#base.stores);
    for (const store of this.#touched) {
      stores.set(store, shared({ ...this.#stores.get(store)!, sequence }));
    }
    this.#source.trees.replace(this.tree, { head: this.#head(sequence), version, stores });
    for (const pending of this.#pending.values()) {
      this.#source.entries.set({ entry: pending.entry, row: this.#rowOf(pending) });
    }
  }
}

/** How many more tips than Verified ones there are with an entry on top of `parents`. */
function extraTips({ raw, verified }: Frontiers, parents: readonly ID[]): number {
  const covered = new Set(parents.map(String));
  const left = raw === verified
    ? raw.length
    : raw.filter((id) => !covered.has(id.toString())).length;
  return left + 1 - verified.length;
}

/** Everything that an entry names and might have waited for. */
function referencesOf(entry: Entry): ID[] {
  const ids = [...entry.parents, ...entry.subtrees.flatMap((name) => entry.subtreeParents(name))];
  for (const step of entry.sig.key.path ?? []) ids.push(step.tree, ...step.tips);
  try {
    if (entry.metadata !== undefined) {
      ids.push(...EntryMetadata.parse(entry.metadata).settingsTips.tips);
    }
  } catch {
    // Without metadata that can be read there is no pin to wait for.
  }
  return ids;
}

function tooLow(entry: Entry, parent: ID, height: number): BackendError {
  return new BackendError(
    "EntryValidationFailed",
    `Cannot store entry "${entry.id}": its height ${entry.height} does not exceed the height ${height} of its parent "${parent}"`,
    { fields: { entryId: entry.id, reason: "height" } },
  );
}
