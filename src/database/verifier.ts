import type { AgendaItem, Placed } from "../backend/agenda.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree_update.ts";
import type { ID } from "../entry/id.ts";
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
}

/** Where a pass looks besides the agenda. */
export interface Look {
  /** Other trees that have changed and are waited for. */
  readonly abroad?: readonly ID[];
  /** Entries of other trees that somebody may wait for in vain. */
  readonly arrived?: readonly Placed[];
  /** Whether to find these among all that is awaited. */
  readonly isFirst?: boolean;
}

/**
 * Judges what is to be judged in a tree, inside one {@link TreeUpdate}: new entries, and those that
 * waited for what has its verdict now (06 §7). The cost follows these, not all that waits.
 */
export class Verifier {
  readonly #backend: LocalBackend;
  readonly #update: TreeUpdate;
  readonly #judge: EntryJudge;
  #verified = 0;
  #failed = 0;

  /** Passes over the tree of `update`. */
  constructor(backend: LocalBackend, update: TreeUpdate, judge: EntryJudge) {
    this.#backend = backend;
    this.#update = update;
    this.#judge = judge;
  }

  /** How many more entries fit into the storage commit. */
  get #room(): number {
    return Math.min(this.#backend.maxEntriesPerCommit, MAX_PASS) - this.#update.size;
  }

  /** Does what is on the agenda, and looks for what other trees have brought. */
  async run(look: Look = {}): Promise<PassCounts> {
    const { backlog } = this.#update;
    const isAll = this.#update.unverified === 0 || await this.#prepare(look);
    const partly: AgendaItem[] = [];
    while (this.#room > 0) {
      const item = backlog.agenda.next() ?? partly.pop();
      if (item === undefined) break;
      if (!await this.#look(item)) partly.push(item);
    }
    for (const item of partly) backlog.agenda.add(item, { wake: true });
    const goesOn = !backlog.agenda.isEmpty || !isAll;
    const { unverified } = this.#update;
    const { missing, unmarked } = backlog;
    const counts = { verified: this.#verified, failed: this.#failed, unverified };
    return { ...counts, goesOn, missing, unmarked };
  }

  /** Fills the agenda; says whether that is all that there is to do. */
  async #prepare({ abroad = [], arrived = [], isFirst = false }: Look): Promise<boolean> {
    const { backlog } = this.#update;
    await backlog.agenda.load();
    for (const item of arrived) backlog.agenda.add(item, { wake: true });
    if (isFirst) await backlog.lookEverywhere((ids) => this.#backend.loadRows(ids));
    // A tree of which not all fitted is looked at again: its markers stay.
    let isAll = true;
    for (const tree of abroad) isAll = await this.#lookAbroad(tree) && isAll;
    return isAll;
  }

  async #lookAbroad(tree: ID): Promise<boolean> {
    const room = Math.max(1, this.#room);
    return await this.#update.backlog.lookAbroad(tree, room, (ids) => this.#backend.loadRows(ids));
  }

  /** Does one thing; says whether it is done. */
  async #look(item: AgendaItem): Promise<boolean> {
    const row = await this.#update.row(item.id);
    // Waiters are woken by a verdict alone: before it they would only wait again.
    const isOpen = row?.status === "Unverified" && row.tree.equals(this.#update.tree);
    if (isOpen) return await this.#settle(item.id);
    return !item.wake || await this.#update.backlog.wake(item.id, Math.max(1, this.#room));
  }

  /** Judges an entry; what waits for its verdict comes on the agenda. */
  async #settle(id: ID): Promise<true> {
    const entry = (await this.#update.find(id))!;
    const judgement = await this.#judge.judge(entry);
    if (typeof judgement === "object") await this.#update.backlog.park(entry, judgement);
    else {
      if (judgement === "Verified") this.#verified++;
      else this.#failed++;
      await this.#update.settle(entry, judgement);
    }
    return true;
  }
}
