/**
 * The entries of a tree that are not Verified: what is to be looked at, who waits for whom, how much of
 * them a tree may hold.
 *
 * An entry comes on the {@link Agenda}. A pass judges it; when something that it relies on has no
 * verdict yet, or is missing, it is {@link Parked} with that, and comes on the agenda again when that
 * has its verdict; one that waits for many, when the last of them has ({@link WaitCounts}). So a pass costs what has
 * changed, however much waits, and however much for. What other trees must bring is noted
 * apart, since nobody tells this tree when it is there: it looks when those trees have changed.
 * What arrives in another tree than it should is found as `elsewhere.ts` says.
 *
 * @module
 */

import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { BackendError } from "../../util/errors.ts";
import { ABROAD_KEY, type ChangeSize, sum, times, type Waits } from "../records/commit_room.ts";
import { abroadKey, abroadPrefix, backlogKey, prefixRange, readAwaited } from "../records/keys.ts";
import type { IdRow, TreeHead } from "../records/tree_records.ts";
import { Agenda } from "./agenda.ts";
import type { BacklogLimits } from "./limits.ts";
import { Parked } from "./parked.ts";
import { type Arrived, WaitCounts } from "./wait_counts.ts";

/** The part of {@link TreeHead} that counts what is not Verified. */
export type BacklogCounts = Pick<
  TreeHead,
  "unverified" | "unverifiedBytes" | "failed" | "failedBytes" | "awaitedAbroad" | "abroad"
>;

/** Reads the rows of entries of any tree. */
export type ReadRows = (ids: readonly ID[]) => Promise<(IdRow | undefined)[]>;

const NOTHING = new Uint8Array(0);
/** Most markers of one entry that are removed when it has failed; others are harmless. */
const MAX_RELEASED = 64;
/** The same as a part of what a storage commit takes. */
const RELEASED_SHARE = 16;

/** The entries without verdict of one tree, as an update changes them. */
export class Backlog {
  /** What is to be looked at. */
  readonly agenda: Agenda;
  readonly #driver: StorageDriver;
  readonly #tree: ID;
  readonly #parked: Parked;
  readonly #waitCounts: WaitCounts;
  /** Markers of awaited entries of other trees: whether storage is to hold them. */
  readonly #abroad = new Map<string, { readonly key: Uint8Array; isWanted: boolean }>();
  readonly #head: TreeHead;
  #counts: BacklogCounts;

  /** The backlog of `tree`, whose head was read. */
  constructor(driver: StorageDriver, tree: ID, head: TreeHead) {
    this.#driver = driver;
    this.#tree = tree;
    this.#head = head;
    this.#counts = head;
    this.agenda = new Agenda(driver, tree);
    this.#parked = new Parked(driver, tree, head.unverified > 0);
    this.#waitCounts = new WaitCounts(driver, tree, head.unverified > 0);
  }

  /** What the head of the tree says of it after this update. */
  get counts(): BacklogCounts {
    const { unverified, unverifiedBytes, failed, failedBytes, awaitedAbroad, abroad } =
      this.#counts;
    return { unverified, unverifiedBytes, failed, failedBytes, awaitedAbroad, abroad };
  }

  /** Whether anything will be stored otherwise than it was, apart from entries and verdicts. */
  get isChanged(): boolean {
    const hasAbroadChanged = this.#counts.abroad !== this.#head.abroad || this.#abroad.size > 0;
    return hasAbroadChanged || this.#parked.isChanged || this.agenda.isChanged;
  }

  /** What entries wait for since this update, and nobody held. */
  get missing(): readonly ID[] {
    return this.#parked.missing;
  }

  /** What is held and is not marked as awaited any more since this update. */
  get unmarked(): readonly ID[] {
    return this.#parked.unmarked;
  }

  /** How much storing it changes. */
  get changes(): ChangeSize {
    const abroad = times(ABROAD_KEY, this.#abroad.size);
    return sum(this.agenda.changes, this.#parked.changes, this.#waitCounts.changes, abroad);
  }

  /** How many markers are removed, at most, of an entry that has failed. */
  get mostReleased(): number {
    const share = Math.floor(this.#driver.capabilities.maxBatchChanges / RELEASED_SHARE);
    return Math.min(MAX_RELEASED, share);
  }

  #count(entries: number, bytes: number): void {
    const { unverified, unverifiedBytes } = this.#counts;
    this.#counts = {
      ...this.#counts,
      unverified: unverified + entries,
      unverifiedBytes: unverifiedBytes + bytes,
    };
  }

  /** An entry was stored without a verdict; one of which it is known what it waits for was judged. */
  async stored(entry: Entry, waits: Waits | undefined): Promise<void> {
    this.#count(1, entry.bytes.length);
    if (waits === undefined) this.agenda.add(entry, { judge: true });
    else await this.park(entry, waits);
  }

  #countFailed(entry: Entry): void {
    const { failed, failedBytes } = this.#counts;
    const bytes = failedBytes + entry.bytes.length;
    this.#counts = { ...this.#counts, failed: failed + 1, failedBytes: bytes };
  }

  /** An entry was stored with its verdict. */
  arrived(entry: Entry, verdict: "Verified" | "Failed"): void {
    if (verdict === "Failed") this.#countFailed(entry);
    if (this.#counts.unverified > 0) this.agenda.add(entry, { wake: true });
  }

  /** An entry that was stored before has got its verdict; it may have waited for `references`. */
  settled(entry: Entry, verdict: "Verified" | "Failed", references: readonly ID[]): void {
    this.#count(-1, -entry.bytes.length);
    this.#waitCounts.end(entry);
    this.#parked.release(entry, references.slice(0, this.mostReleased));
    this.arrived(entry, verdict);
  }

  /** Why an entry that has failed is not kept; undefined when there is room. See {@link refusal}. */
  failureRefusal(entry: Entry, tips: number, limits: BacklogLimits): string | undefined {
    const { failed, failedBytes } = this.#counts;
    if (tips > limits.tips) return tooManyTips(tips);
    if (failed >= limits.failed) return `the tree holds ${failed} such entries already`;
    if (failedBytes + entry.bytes.length <= limits.failedBytes) return undefined;
    return `the tree holds ${failedBytes} bytes of such entries, at most ${limits.failedBytes} are kept`;
  }

  /**
   * Why there is no room for an entry that waits; undefined when there is. With it the tree, or a store,
   * would have `tips` tips beyond the Verified ones.
   */
  async refusal(
    entry: Entry,
    waits: Waits,
    tips: number,
    limits: BacklogLimits,
  ): Promise<string | undefined> {
    const { awaitedAbroad, failed, failedBytes } = this.#counts;
    const unverified = this.#counts.unverified + Math.max(0, failed - limits.failed);
    const tooManyBytes = Math.max(0, failedBytes - limits.failedBytes);
    const unverifiedBytes = this.#counts.unverifiedBytes + tooManyBytes;
    if (tips > limits.tips) return tooManyTips(tips);
    if (waits.ids.length > limits.awaited) {
      return `it waits for ${waits.ids.length} entries, at most ${limits.awaited} may be missing`;
    }
    if (unverified >= limits.entries) {
      return `the tree holds ${unverified} entries that wait, or that have waited and failed, the most that it may`;
    }
    if (unverifiedBytes + entry.bytes.length > limits.bytes) {
      return `the tree holds ${unverifiedBytes} bytes of entries that wait, at most ${limits.bytes} are kept`;
    }
    if (waits.abroad === undefined) return undefined;
    const added = (await this.#newAbroad(waits.abroad, waits.ids)).length;
    if (awaitedAbroad + added <= limits.abroad) return undefined;
    return `the tree waits for ${awaitedAbroad} entries of other trees already, at most ${limits.abroad} may be missing`;
  }

  /** Parks an entry until what it waits for, or some of that, has arrived or got its verdict. */
  async park(entry: Entry, waits: Waits): Promise<void> {
    const { ids, roles, abroad } = waits;
    this.#parked.add(entry, waits);
    this.#waitCounts.begin(entry, roles);
    if (abroad === undefined) return;
    for (const key of await this.#newAbroad(abroad, ids)) this.#mark(key, true);
    if (this.#counts.abroad.some((tree) => tree.equals(abroad))) return;
    this.#counts = { ...this.#counts, abroad: [...this.#counts.abroad, abroad] };
  }

  /** Markers of awaited entries of another tree that are not there yet. */
  async #newAbroad(other: ID, ids: readonly ID[]): Promise<Uint8Array[]> {
    const fresh: Uint8Array[] = [];
    for (const id of ids) {
      const key = abroadKey(this.#tree, other, id);
      const known = this.#abroad.get(key.join());
      if (!(known?.isWanted ?? await this.#driver.get(key) !== undefined)) fresh.push(key);
    }
    return fresh;
  }

  #mark(key: Uint8Array, isWanted: boolean): void {
    this.#abroad.set(key.join(), { key, isWanted });
    const awaitedAbroad = this.#counts.awaitedAbroad + (isWanted ? 1 : -1);
    this.#counts = { ...this.#counts, awaitedAbroad };
  }

  /**
   * Looks at up to `most` entries that wait for `awaited`, and puts those on the agenda that can be judged now; says
   * whether those were all. If it has become Verified in this tree, it has `arrived`.
   */
  async wake(awaited: ID, most: number, arrived?: Arrived): Promise<boolean> {
    const { taken, isAll } = await this.#parked.take(awaited, most);
    for (const entry of await this.#waitCounts.ready(taken, arrived)) {
      this.agenda.add(entry, { judge: true });
    }
    return isAll;
  }

  /**
   * Wakes whom entries of another tree have made wait that are there now, as far as there is room for them;
   * says whether that were all. `rowsOf` reads their rows.
   */
  async lookAbroad(
    other: ID,
    room: () => number,
    rowsOf: ReadRows,
  ): Promise<boolean> {
    const prefix = abroadPrefix(this.#tree, other);
    const awaited: { readonly id: ID; readonly key: Uint8Array }[] = [];
    for await (const page of this.#driver.list(prefixRange(prefix))) {
      for (const { key } of page) awaited.push({ id: readAwaited(key, prefix.length), key });
    }
    const rows = await rowsOf(awaited.map(({ id }) => id));
    let left = awaited.length;
    let isAll = true;
    for (const [at, { id, key }] of awaited.entries()) {
      if (!hasArrived(rows[at], other)) continue;
      const most = room();
      if (most < 1 || !await this.wake(id, most)) isAll = false;
      else this.#mark(key, false), left--;
    }
    if (left === 0) this.#forgetAbroad(other);
    return isAll;
  }

  #forgetAbroad(other: ID): void {
    const abroad = this.#counts.abroad.filter((tree) => !tree.equals(other));
    this.#counts = { ...this.#counts, abroad };
  }

  /** Adds what has changed to a storage batch. */
  write(set: [Uint8Array, Uint8Array][], remove: Uint8Array[]): void {
    this.agenda.write(set, remove);
    this.#parked.write(set, remove);
    this.#waitCounts.write(set, remove);
    for (const { key, isWanted } of this.#abroad.values()) {
      if (isWanted) set.push([key, NOTHING]);
      else remove.push(key);
    }
    const hasAny = this.#counts.unverified > 0;
    if (hasAny === this.#head.unverified > 0) return;
    if (hasAny) set.push([backlogKey(this.#tree), NOTHING]);
    else remove.push(backlogKey(this.#tree));
  }
}

/** Whether something can be decided about an entry of another tree that could not be before. */
function hasArrived(row: IdRow | undefined, other: ID): boolean {
  return row !== undefined && (row.status !== "Unverified" || !row.tree.equals(other));
}

function tooManyTips(tips: number): string {
  return `the tree has ${
    tips - 1
  } tips that are not valid or cannot be judged, the most that are kept`;
}

/** The error for an entry that has failed and is not kept. */
export function notKept(entry: Entry, reason: string): BackendError {
  return new BackendError(
    "EntryInvalid",
    `Cannot keep entry "${entry.id}", which is not valid: ${reason}; it never will be, so do not send it again`,
    { fields: { entryId: entry.id, reason } },
  );
}

/** The error for an entry that cannot be judged and for which there is no room. */
export function noRoom(entry: Entry, reason: string): BackendError {
  return new BackendError(
    "BacklogFull",
    `Cannot keep entry "${entry.id}", which cannot be judged yet: ${reason}; send it again after what it builds on`,
    { fields: { entryId: entry.id, reason } },
  );
}
