import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import { validateEntry } from "../../entry/validate.ts";
import type { Batch, Version } from "../../storage/driver.ts";
import { BackendError } from "../../util/errors.ts";
import type { VerificationStatus } from "../backend.ts";
import type { Backlog } from "../backlog/backlog.ts";
import { referencesOf } from "../backlog/references.ts";
import {
  type ChangeSize,
  HEADS,
  insertionSize,
  settledSize,
  storesSize,
  sum,
  VERDICT,
  type Waits,
} from "../records/commit_room.ts";
import { grown, LOG_ID_BYTES, newLog, type TreeLog } from "../records/arrivals.ts";
import { headKey } from "../records/keys.ts";
import { encodeHead, type Frontiers, type IdRow, type TreeHead } from "../records/tree_records.ts";
import { extraTips, moved, shared, verifiedBy } from "./frontier.ts";
import { MAIN, UpdateConflict, UpdateReads, type UpdateSource } from "./update_reads.ts";
import { nextBuffer, type Pending, rowOf, writeEntry } from "./update_records.ts";

export { UpdateConflict, type UpdateSource } from "./update_reads.ts";

/** So many entries in one commit are a part of a history that arrives: most of them are not read soon. */
const MANY_ENTRIES = 16;

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
  readonly #reads: UpdateReads;
  readonly #pending = new Map<string, Pending>();
  #newest: Pending | undefined;
  /** Frontiers of the stores that this update has changed. */
  readonly #stores = new Map<string, Frontiers>();
  readonly #set: [Uint8Array, Uint8Array][] = [];
  readonly #delete: Uint8Array[] = [];
  #backlog: Backlog | undefined;
  /** Whether it matters how much is changed. */
  readonly #isLimited: boolean;
  /** What entries and frontiers change. */
  #written: ChangeSize = HEADS;
  #main: Frontiers;
  #verified: Entry[] = [];
  /** The head that {@link batch} writes. */
  #head: TreeHead | undefined;

  private constructor(source: UpdateSource, reads: UpdateReads, tree: ID) {
    this.tree = tree;
    this.#source = source;
    this.#reads = reads;
    this.#main = reads.base.head;
    this.#isLimited = source.room.isLimited;
  }

  /** Begins a change of `tree`; `fresh` ignores what this process believes to know. */
  static async begin(source: UpdateSource, tree: ID, fresh: boolean): Promise<TreeUpdate> {
    const base = fresh ? await source.trees.read(tree) : await source.trees.lastSeen(tree);
    if (base.head.unverified > 0) await source.backlogs.ready();
    return new TreeUpdate(source, new UpdateReads(source, tree, base), tree);
  }

  /** As {@link begin} on what this process believes to know, if that is in memory. */
  static peek(source: UpdateSource, tree: ID): TreeUpdate | undefined {
    const base = source.trees.peek(tree);
    if (base === undefined || base.head.unverified > 0 && !source.backlogs.isReady) {
      return undefined;
    }
    return new TreeUpdate(source, new UpdateReads(source, tree, base), tree);
  }

  /** What has no verdict, and is to be looked at or waits; where there is nothing yet, `backlogs` must be ready. */
  get backlog(): Backlog {
    return this.#backlog ??= this.#source.backlogs.open(this.tree, this.#reads.base.head);
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
    return (this.#backlog?.counts ?? this.#reads.base.head).unverified;
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
    const others = this.#reads.waiting.changes;
    if (this.#backlog === undefined) return sum(this.#written, others);
    return sum(this.#written, others, this.#backlog.changes);
  }

  #count(size: ChangeSize): void {
    this.#written = sum(this.#written, size);
  }

  #change(store: string, tips: Frontiers): void {
    if (this.#isLimited && !this.#stores.has(store)) this.#count(storesSize([store]));
    this.#stores.set(store, tips);
  }

  /** Whether there is anything to write. */
  get isEmpty(): boolean {
    return this.#pending.size === 0 && this.#backlog?.isChanged !== true;
  }

  /** An entry of any tree, this change included; undefined when it is not held. */
  async find(id: ID): Promise<Entry | undefined> {
    return this.peek(id) ?? (await this.#source.load(id))?.entry;
  }

  /** As {@link find}, if the entry is in memory. */
  peek(id: ID): Entry | undefined {
    return (this.#pendingOf(id) ?? this.#source.entries.get(id))?.entry;
  }

  /** Status, height and tree of an entry, this change included; undefined when it is not held. */
  async row(id: ID): Promise<IdRow | undefined> {
    return this.#pendingOf(id)?.row ?? await this.#reads.row(id) ?? undefined;
  }

  /** As {@link row}; null when it is not held, undefined when it must be read. */
  peekRow(id: ID): IdRow | null | undefined {
    return this.#pendingOf(id)?.row ?? this.#reads.peekRow(id);
  }

  #pendingOf(id: ID): Pending | undefined {
    // Most entries of a log build on the one before.
    const newest = this.#newest;
    return newest?.entry.id.equals(id) === true ? newest : this.#pending.get(id.toString());
  }

  #setPending(pending: Pending): void {
    this.#pending.set(pending.entry.id.toString(), pending);
    this.#newest = pending;
  }

  /** Whether an entry builds on a tip. No held entry has a tip as its parent, so such a one is new. */
  isOnTip({ parents }: Entry): boolean {
    const { raw } = this.#main;
    return parents.some((parent) => raw.some((tip) => tip.equals(parent)));
  }

  /** Frontiers of a store, this change included. */
  async storeTips(store: string): Promise<Frontiers> {
    return this.#peekStore(store) ?? await this.#reads.store(store);
  }

  #peekStore(store: string): Frontiers | undefined {
    return this.#stores.get(store) ?? this.#reads.peekStore(store);
  }

  // --- reading ahead -------------------------------------------------------------------------

  /** Whether all that is needed to put an entry into its place is in memory. */
  #isReady(entry: Entry): boolean {
    const isRowKnown = (id: ID) => this.peekRow(id) !== undefined;
    const { waiting } = this.#reads;
    if (!entry.parents.every(isRowKnown) || !waiting.knows(MAIN, entry.id)) return false;
    return entry.subtrees.every((store) =>
      this.#peekStore(store) !== undefined && waiting.knows(store, entry.id) &&
      entry.subtreeParents(store).every(isRowKnown)
    );
  }

  async #makeReady(entry: Entry): Promise<void> {
    const { waiting } = this.#reads;
    for (const id of entry.parents) await this.row(id);
    if (!waiting.knows(MAIN, entry.id)) await waiting.load(MAIN, entry.id);
    for (const store of entry.subtrees) {
      await this.storeTips(store);
      if (!waiting.knows(store, entry.id)) await waiting.load(store, entry.id);
      for (const id of entry.subtreeParents(store)) await this.row(id);
    }
  }

  // --- changing ------------------------------------------------------------------------------

  /**
   * Stores an entry. One that is held already keeps its status, except that an Unverified one is
   * settled when `status` is `Verified`. A Verified one needs Verified parents, else it waits.
   *
   * @returns whether the entry is new.
   */
  async insert(entry: Entry, status: VerificationStatus): Promise<boolean> {
    const held = this.isOnTip(entry) ? undefined : await this.row(entry.id);
    if (held !== undefined) {
      if (status === "Verified" && held.status === "Unverified") await this.settle(entry, status);
      return false;
    }
    validateEntry(entry);
    if (!this.#isReady(entry)) await this.#makeReady(entry);
    this.#checkHeight(entry);
    const isValid = status === "Verified" && this.#hasVerifiedParents(entry);
    if (isValid) this.#place(entry, status);
    else await this.add(entry, status === "Failed" ? status : "Unverified");
    return true;
  }

  /** As {@link add} for an entry that is Verified, if all that it takes is in memory; says whether it did it. */
  addAtOnce(entry: Entry): boolean {
    const isReady = this.#isReady(entry);
    if (isReady) this.#place(entry, "Verified");
    return isReady;
  }

  /** Stores an entry that is not held and was checked, with its verdict, or with what it waits for. */
  async add(entry: Entry, status: VerificationStatus, waits?: Waits): Promise<void> {
    if (status !== "Verified") await this.#source.backlogs.ready();
    if (status === "Unverified") await this.backlog.stored(entry, waits);
    if (!this.#isReady(entry)) await this.#makeReady(entry);
    this.#place(entry, status);
  }

  /** Puts a new entry into its place. Everything about it must have been read. */
  #place(entry: Entry, status: VerificationStatus): void {
    this.#setPending({ entry, row: rowOf(this.tree, entry, status), inserted: true });
    if (this.#isLimited) this.#count(insertionSize(entry));
    const isVerified = status === "Verified";
    if (isVerified) this.#verified.push(entry);
    // What is valid concerns the backlog only where somebody may wait for it.
    if (status === "Failed" || (isVerified && this.unverified > 0)) {
      this.backlog.arrived(entry, status);
    }
    this.#main = this.#grown(this.#main, MAIN, entry.id, entry.parents, isVerified);
    for (const store of entry.subtrees) {
      const tips = this.#peekStore(store);
      // Somebody has written to the tree since it was read.
      if (tips === undefined) throw new UpdateConflict();
      const parents = entry.subtreeParents(store);
      this.#change(store, this.#grown(tips, store, entry.id, parents, isVerified));
    }
  }

  /** Frontiers after a new entry, whatever order parents and children arrive in. */
  #grown(
    { sequence, verified, raw }: Frontiers,
    scope: string,
    id: ID,
    parents: readonly ID[],
    isVerified: boolean,
  ): Frontiers {
    const { waiting } = this.#reads;
    for (const parent of parents) {
      if (this.peekRow(parent) === null) waiting.add(scope, parent, id);
    }
    const isCovered = waiting.take(scope, id);
    const nextVerified = isVerified ? moved(verified, id, parents) : verified;
    if (isVerified && !isCovered && raw === verified) {
      return { sequence, verified: nextVerified, raw: nextVerified };
    }
    return {
      sequence,
      verified: nextVerified,
      raw: moved(raw, isCovered ? undefined : id, parents),
    };
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

  /** Refuses heights that do not exceed a held parent's. */
  #checkHeight(entry: Entry): void {
    for (const parent of entry.parents) {
      const row = this.peekRow(parent)!;
      if (row === null || !row.tree.equals(this.tree) || row.height < entry.height) continue;
      throw tooLow(entry, parent, row.height);
    }
  }

  /** Whether all parents, those in stores included, are Verified entries of this tree. */
  #hasVerifiedParents(entry: Entry): boolean {
    const isVerified = (id: ID) => {
      const row = this.peekRow(id)!;
      return row?.status === "Verified" && row.tree.equals(this.tree);
    };
    return entry.parents.every(isVerified) &&
      entry.subtrees.every((store) => entry.subtreeParents(store).every(isVerified));
  }

  /** How much a verdict on a stored entry changes, at most. */
  verdictSize(entry: Entry): ChangeSize {
    const released = Math.min(this.backlog.mostReleased, referencesOf(entry).length);
    return settledSize(entry, released);
  }

  /** Gives an Unverified entry its verdict. */
  async settle(entry: Entry, status: "Verified" | "Failed"): Promise<void> {
    const pending = this.#pendingOf(entry.id);
    if (pending !== undefined && pending.row.status !== "Unverified") return;
    const inserted = pending?.inserted === true;
    if (!inserted) this.#count(VERDICT);
    this.#setPending({ entry, row: rowOf(this.tree, entry, status), inserted });
    // Who is Verified has been woken by all that it waited for; who fails may still be marked.
    this.backlog.settled(entry, status, status === "Failed" ? referencesOf(entry) : []);
    if (status === "Verified") await this.#addVerified(entry);
  }

  async #addVerified(entry: Entry): Promise<void> {
    this.#verified.push(entry);
    this.#main = verifiedBy(this.#main, entry.id, entry.parents);
    for (const store of entry.subtrees) {
      const tips = await this.storeTips(store);
      this.#change(store, verifiedBy(tips, entry.id, entry.subtreeParents(store)));
    }
  }

  /** The storage commit that makes this change real. */
  batch(): Batch {
    for (const pending of this.#pending.values()) writeEntry(pending, this.#set);
    this.#reads.waiting.write(this.#set, this.#delete);
    this.#backlog?.write(this.#set, this.#delete);
    const { version } = this.#reads.base;
    const key = headKey(this.tree);
    this.#head = this.#nextHead();
    this.#set.push([key, encodeHead(this.#head)]);
    return { checks: [{ key, version }], set: this.#set, delete: this.#delete };
  }

  #nextHead(): TreeHead {
    const { verified, raw } = this.#main;
    const { head } = this.#reads.base;
    const sequence = head.sequence + 1;
    for (const [store, { verified, raw }] of this.#stores) {
      this.#stores.set(store, shared({ sequence, verified, raw }));
    }
    const { buffer, log } = nextBuffer(this.tree, head.buffer, {
      stores: this.#stores,
      entries: this.#pending.values(),
      log: this.#nextLog(head),
      verified: this.#verified,
    }, this.#set);
    // Named one by one, which takes a fraction of what spreading takes.
    const counts = this.#backlog?.counts ?? head;
    return shared({
      sequence,
      verified,
      raw,
      unverified: counts.unverified,
      unverifiedBytes: counts.unverifiedBytes,
      failed: counts.failed,
      failedBytes: counts.failedBytes,
      waiting: this.#reads.waiting.count,
      awaitedAbroad: counts.awaitedAbroad,
      abroad: counts.abroad,
      log,
      buffer,
    });
  }

  /** The log of the tree with what has become Verified; a new tree begins one. */
  #nextLog({ log, sequence }: TreeHead): TreeLog | undefined {
    if (log !== undefined) return grown(log, this.#verified.length);
    if (sequence > 0) return undefined;
    return grown(newLog(this.#source.random.bytes(LOG_ID_BYTES)), this.#verified.length);
  }

  /** Tells the caches what the commit has made true. */
  committed(version: Version): void {
    const { stores } = this.#reads.base;
    for (const [store, tips] of this.#stores) stores.set(store, tips);
    this.#source.trees.replace(this.tree, { head: this.#head!, version, stores });
    const { entries } = this.#source;
    const areMany = this.#pending.size >= MANY_ENTRIES;
    for (const { entry, row } of this.#pending.values()) {
      if (areMany) entries.pass({ entry, row });
      else entries.set({ entry, row });
    }
  }
}

function tooLow(entry: Entry, parent: ID, height: number): BackendError {
  return new BackendError(
    "EntryValidationFailed",
    `Cannot store entry "${entry.id}": its height ${entry.height} does not exceed the height ${height} of its parent "${parent}"`,
    { fields: { entryId: entry.id, reason: "height" } },
  );
}
