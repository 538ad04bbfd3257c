import { noRoom, notKept } from "../backend/backlog/backlog.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { Waits } from "../backend/records/commit_room.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import { compareInTree } from "../backend/tree/walk.ts";
import type { Entry } from "../entry/entry.ts";
import { validateEntry } from "../entry/validate.ts";
import { EideticaError } from "../util/errors.ts";
import { Heap } from "../util/heap.ts";
import { turns } from "../util/turns.ts";
import type { EntryJudge } from "./entry_judge.ts";
import { requireTree } from "./require_tree.ts";

/** An entry that was refused, with the reason. */
export interface Rejection {
  /** The entry. */
  readonly entry: Entry;
  /** Why it was refused. */
  readonly error: EideticaError;
}

/** What became of the entries of a batch alone. */
export interface IngestCounts {
  /** Entries that are held now, including those that were held before. */
  readonly stored: number;
  /** Entries that are Verified now, and were not held before. */
  readonly verified: number;
  /** Entries that are Failed now, and were not held before. */
  readonly failed: number;
  /** Entries that were refused. */
  readonly rejected: readonly Rejection[];
}

/** An entry of the batch that cannot be judged yet. */
interface OpenEntry {
  readonly entry: Entry;
  readonly waits: Waits;
  /** How much of what it waits for has no verdict still. */
  left: number;
}

/**
 * Takes a batch of entries from elsewhere into a {@link TreeUpdate}. Each is judged before it is stored,
 * so that what is valid is always taken, and what is not, or cannot be told, while there is room for it.
 */
export class Ingest {
  readonly #backend: LocalBackend;
  readonly #update: TreeUpdate;
  readonly #judge: EntryJudge;
  /** The batch, parents first, and how far it is taken. */
  #sorted: readonly Entry[] = [];
  #at = 0;
  /** Entries of the part before that are to be judged again. */
  readonly #again = new Heap<Entry>((a, b) => compareInTree(a, b) < 0);
  /** Entries of the batch that cannot be judged yet. */
  readonly #open = new Map<string, OpenEntry>();
  /** The same by what they wait for; and those of which a part has come, but not all. */
  readonly #waiters = new Map<string, OpenEntry[]>();
  readonly #partly = new Set<OpenEntry>();
  readonly #rejected: Rejection[] = [];
  #stored = 0;
  #verified = 0;
  #failed = 0;

  /** Takes entries into `update`. */
  constructor(backend: LocalBackend, update: TreeUpdate, judge: EntryJudge) {
    this.#backend = backend;
    this.#update = update;
    this.#judge = judge;
  }

  /** Takes a batch. What throws for one entry refuses that one. */
  async run(entries: readonly Entry[]): Promise<IngestCounts> {
    // What comes from a log is sorted already.
    this.#sorted = [...entries].sort(compareInTree);
    for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
      try {
        await this.#take(entry);
      } catch (error) {
        this.#refuse(entry, error);
      }
      if (turns.isOver) await turns.next();
    }
    for (const { entry, waits } of this.#open.values()) {
      try {
        await this.#keep(entry, waits);
      } catch (error) {
        this.#refuse(entry, error);
      }
      if (turns.isOver) await turns.next();
    }
    const counts = { stored: this.#stored, verified: this.#verified, failed: this.#failed };
    return { ...counts, rejected: this.#rejected };
  }

  /** The next to judge. What only a part has come for is judged again when all others are done. */
  #next(): Entry | undefined {
    const next = this.#lowest();
    if (next !== undefined) return next;
    for (const open of this.#partly) this.#judgeAgain(open);
    return this.#lowest();
  }

  #lowest(): Entry | undefined {
    const [next, again] = [this.#sorted[this.#at], this.#again.top];
    if (again !== undefined && (next === undefined || compareInTree(again, next) < 0)) {
      return this.#again.pop();
    }
    if (next !== undefined) this.#at++;
    return next;
  }

  #refuse(entry: Entry, error: unknown): void {
    // The entry is not to blame for a storage that cannot be read.
    if (!(error instanceof EideticaError) || error.module === "storage") throw error;
    this.#rejected.push({ entry, error });
    // It may have been put aside before, until what it names had arrived.
    this.#forget(entry.id.toString());
  }

  async #take(entry: Entry): Promise<void> {
    requireTree(this.#update.tree, entry);
    const isNew = this.#update.isOnTip(entry) || await this.#update.row(entry.id) === undefined;
    if (!isNew) return void this.#stored++;
    validateEntry(entry);
    const judgement = await this.#judge.judge(entry);
    const key = entry.id.toString();
    if (typeof judgement === "object") return this.#wait(key, entry, judgement);
    this.#forget(key);
    if (judgement === "Failed") await this.#requireRoomForFailed(entry);
    const isAdded = judgement === "Verified" && this.#update.addAtOnce(entry);
    if (!isAdded) await this.#update.add(entry, judgement);
    this.#stored++;
    if (judgement === "Verified") this.#verified++;
    else this.#failed++;
    this.#wake(key, judgement);
  }

  async #requireRoomForFailed(entry: Entry): Promise<void> {
    const tips = await this.#update.extraTipsWith(entry);
    const refusal = this.#update.backlog.failureRefusal(entry, tips, this.#backend.limits);
    if (refusal !== undefined) throw notKept(entry, refusal);
  }

  #wait(key: string, entry: Entry, waits: Waits): void {
    this.#forget(key);
    const open = { entry, waits, left: waits.ids.length };
    this.#open.set(key, open);
    for (const id of waits.ids) {
      const text = id.toString();
      const waiters = this.#waiters.get(text);
      if (waiters === undefined) this.#waiters.set(text, [open]);
      else waiters.push(open);
    }
  }

  #forget(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    this.#partly.delete(open);
  }

  /**
   * What comes later in the order may be what an earlier entry names. That is judged again when nothing
   * is missing any more, or something has failed: an entry may name thousands that come one by one.
   */
  #wake(key: string, verdict: "Verified" | "Failed"): void {
    for (const open of this.#waiters.get(key) ?? []) {
      // It was judged since, and waits for other things.
      if (this.#open.get(open.entry.id.toString()) !== open) continue;
      if (--open.left > 0 && verdict === "Verified") this.#partly.add(open);
      else this.#judgeAgain(open);
    }
    this.#waiters.delete(key);
  }

  #judgeAgain({ entry }: OpenEntry): void {
    this.#forget(entry.id.toString());
    this.#again.push(entry);
  }

  /** Stores an entry that waits, if there is room. */
  async #keep(entry: Entry, waits: Waits): Promise<void> {
    const { limits } = this.#backend;
    const tips = await this.#update.extraTipsWith(entry);
    const refusal = await this.#update.backlog.refusal(entry, waits, tips, limits);
    if (refusal !== undefined) throw noRoom(entry, refusal);
    // What came with it is of this tree, and needs no look at others.
    const missing = waits.missing.filter((id) => !this.#open.has(id.toString()));
    await this.#update.add(entry, "Unverified", { ...waits, missing });
    this.#stored++;
  }
}
