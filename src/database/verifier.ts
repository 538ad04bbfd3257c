import type { AgendaItem, Placed } from "../backend/backlog/agenda.ts";
import { ElsewhereLook, type Looked } from "../backend/backlog/elsewhere.ts";
import type { LocalBackend } from "../backend/local.ts";
import { type ChangeSize, LEAST, parkedSize, WOKEN } from "../backend/records/commit_room.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import type { ID } from "../entry/id.ts";
import { turns } from "../util/turns.ts";
import type { EntryJudge } from "./entry_judge.ts";

/** Most entries that one pass settles, so that other writers get their turn. */
export const MAX_PASS = 4096;

/** What a pass has done. */
export interface PassCounts {
  /** Entries that became Verified. */
  readonly verified: number;
  /** Entries that became Failed. */
  readonly failed: number;
  /** Entries of the tree that have no verdict. */
  readonly unverified: number;
  /** Whether there is more to do, for another storage commit. */
  readonly goesOn: boolean;
  /** What entries wait for since this storage commit, and nobody held. */
  readonly missing: readonly ID[];
  /** What is held, and is not marked as awaited any more since this storage commit. */
  readonly unmarked: readonly ID[];
  /** How far was looked among all that is awaited. */
  readonly looked: Looked;
}

/** Where a pass looks besides the agenda. */
export interface Look {
  /** Other trees that have changed and are waited for. */
  readonly abroad?: readonly ID[];
  /** Entries of other trees that somebody may wait for in vain. */
  readonly arrived?: readonly Placed[];
  /** From where on to find these among all that is awaited; nowhere if absent. */
  readonly from?: Looked;
}

/**
 * Judges what is to be judged in a tree, inside one {@link TreeUpdate}: new entries, and those that
 * waited for what has its verdict now. The cost follows these, not all that waits.
 */
export class Verifier {
  readonly #backend: LocalBackend;
  readonly #update: TreeUpdate;
  readonly #judge: EntryJudge;
  #verified = 0;
  #failed = 0;
  #looked: Looked = "done";
  /** Whether the storage commit holds nothing yet, and must take whatever comes first. */
  #isIdle: boolean;

  /** Passes over the tree of `update`. */
  constructor(backend: LocalBackend, update: TreeUpdate, judge: EntryJudge) {
    this.#backend = backend;
    this.#update = update;
    this.#judge = judge;
    this.#isIdle = update.isEmpty;
  }

  /** How many more entries are judged in this storage commit. */
  get #room(): number {
    return Math.min(this.#backend.maxEntriesPerCommit, MAX_PASS) - this.#update.size;
  }

  /** How many more that wait may be put on the agenda: as many as can be judged, and stored if not. */
  get #wakeable(): number {
    const most = this.#room - this.#update.backlog.agenda.length;
    return Math.min(most, this.#update.roomFor(WOKEN));
  }

  /** Does what is on the agenda, and looks for what other trees have brought. */
  async run(look: Look = {}): Promise<PassCounts> {
    const { backlog } = this.#update;
    const isAll = this.#update.unverified === 0 || await this.#prepare(look);
    await this.#work();
    const goesOn = !backlog.agenda.isEmpty || !isAll;
    const { unverified } = this.#update;
    const { missing, unmarked } = backlog;
    const counts = { verified: this.#verified, failed: this.#failed, unverified };
    return { ...counts, goesOn, missing, unmarked, looked: this.#looked };
  }

  /** Fills the agenda; says whether that is all that there is to do. */
  async #prepare({ abroad = [], arrived = [], from = "done" }: Look): Promise<boolean> {
    const { backlog } = this.#update;
    const rowsOf = (ids: readonly ID[]) => this.#backend.loadRows(ids);
    await backlog.agenda.load();
    for (const item of arrived) backlog.agenda.add(item, { wake: true });
    const look = new ElsewhereLook(this.#backend.driver, this.#update.tree, rowsOf);
    const { found, looked } = await look.from(from, this.#wakeable);
    for (const item of found) backlog.agenda.add(item, { wake: true });
    this.#looked = looked;
    // A tree of which not all fitted is looked at again: its markers stay.
    let isAll = this.#looked === "done";
    for (const tree of abroad) {
      isAll = await backlog.lookAbroad(tree, () => this.#wakeable, rowsOf) && isAll;
    }
    return isAll;
  }

  /** Takes items off the agenda while there is room, one at least in a storage commit of their own. */
  async #work(): Promise<void> {
    const { agenda } = this.#update.backlog;
    while (this.#room > 0 && this.#fits(LEAST)) {
      const item = agenda.next();
      if (item === undefined) break;
      if (turns.isOver) await turns.next();
      const done = await this.#look(item);
      if (done === "partly") agenda.putOff(item);
      this.#isIdle &&= this.#update.isEmpty;
      if (done !== "full") continue;
      agenda.add(item, item);
      break;
    }
    agenda.resume();
  }

  #fits(size: ChangeSize): boolean {
    // What does not fit into a storage commit of its own is left to the storage to refuse.
    return this.#isIdle || this.#update.roomFor(size) >= 1;
  }

  /** Does one thing: all of it, a part of it, or nothing because the storage commit is full. */
  async #look(item: AgendaItem): Promise<"done" | "partly" | "full"> {
    const row = await this.#update.row(item.id);
    // Waiters are woken by a verdict alone: before it they would only wait again.
    const isOpen = row?.status === "Unverified" && row.tree.equals(this.#update.tree);
    if (isOpen) return await this.#settle(item.id);
    if (!item.wake) return "done";
    const { backlog } = this.#update;
    // With as many on the agenda as can be judged, others come later.
    const most = backlog.agenda.isEmpty ? Math.max(1, this.#wakeable) : this.#wakeable;
    if (most < 1) return "partly";
    const isVerified = row?.status === "Verified" && row.tree.equals(this.#update.tree);
    const arrived = isVerified
      ? { height: row.height, find: () => this.#update.find(item.id) }
      : undefined;
    return await backlog.wake(item.id, most, arrived) ? "done" : "partly";
  }

  /** Judges an entry; what waits for its verdict comes on the agenda. */
  async #settle(id: ID): Promise<"done" | "full"> {
    const entry = (await this.#update.find(id))!;
    if (!this.#fits(this.#update.verdictSize(entry))) return "full";
    const judgement = await this.#judge.judge(entry);
    if (typeof judgement === "object") {
      if (!this.#fits(parkedSize(judgement))) return "full";
      await this.#update.backlog.park(entry, judgement);
      return "done";
    }
    if (judgement === "Verified") this.#verified++;
    else this.#failed++;
    await this.#update.settle(entry, judgement);
    return "done";
  }
}
