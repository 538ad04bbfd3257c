import { noRoom, notKept, type Waits } from "../backend/backlog.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree_update.ts";
import { compareInTree } from "../backend/walk.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { validateEntry } from "../entry/validate.ts";
import { BackendError, EideticaError } from "../util/errors.ts";
import { Heap } from "../util/heap.ts";
import type { EntryJudge } from "./entry_judge.ts";

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

/**
 * Takes a batch of entries from elsewhere into a {@link TreeUpdate}. Each is judged before it is stored,
 * so that what is valid is always taken, and what is not, or cannot be told, while there is room for it.
 */
export class Ingest {
  readonly #backend: LocalBackend;
  readonly #update: TreeUpdate;
  readonly #judge: EntryJudge;
  readonly #queue = new Heap<Entry>((a, b) => compareInTree(a, b) < 0);
  /** Entries of the batch that cannot be judged yet, with what they wait for. */
  readonly #open = new Map<string, { readonly entry: Entry; readonly waits: Waits }>();
  /** The same by what they wait for. */
  readonly #waiters = new Map<string, Entry[]>();
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
    for (const entry of entries) this.#queue.push(entry);
    for (let entry = this.#queue.pop(); entry !== undefined; entry = this.#queue.pop()) {
      const next = entry;
      await this.#orReject(next, () => this.#take(next));
    }
    for (const { entry, waits } of this.#open.values()) {
      await this.#orReject(entry, () => this.#keep(entry, waits));
    }
    const counts = { stored: this.#stored, verified: this.#verified, failed: this.#failed };
    return { ...counts, rejected: this.#rejected };
  }

  async #orReject(entry: Entry, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      // The entry is not to blame for a storage that cannot be read.
      if (!(error instanceof EideticaError) || error.module === "storage") throw error;
      this.#rejected.push({ entry, error });
      // It may have been put aside before, until what it names had arrived.
      this.#open.delete(entry.id.toString());
    }
  }

  async #take(entry: Entry): Promise<void> {
    requireTree(this.#update.tree, entry);
    if (await this.#update.heldRow(entry) !== undefined) return void this.#stored++;
    validateEntry(entry);
    const judgement = await this.#judge.judge(entry);
    const key = entry.id.toString();
    if (typeof judgement === "object") return this.#wait(key, entry, judgement);
    this.#open.delete(key);
    if (judgement === "Failed") await this.#requireRoomForFailed(entry);
    await this.#update.add(entry, judgement);
    this.#stored++;
    if (judgement === "Verified") this.#verified++;
    else this.#failed++;
    // What comes later in the order may be what an earlier entry pins.
    for (const waiter of this.#waiters.get(key) ?? []) this.#queue.push(waiter);
    this.#waiters.delete(key);
  }

  async #requireRoomForFailed(entry: Entry): Promise<void> {
    const tips = await this.#update.extraTipsWith(entry);
    const refusal = this.#update.backlog.failureRefusal(entry, tips, this.#backend.limits);
    if (refusal !== undefined) throw notKept(entry, refusal);
  }

  #wait(key: string, entry: Entry, waits: Waits): void {
    this.#open.set(key, { entry, waits });
    for (const id of waits.ids) {
      const text = id.toString();
      const waiters = this.#waiters.get(text);
      if (waiters === undefined) this.#waiters.set(text, [entry]);
      else if (waiters.at(-1) !== entry) waiters.push(entry);
    }
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

/** Refuses an entry that is of another tree. */
export function requireTree(tree: ID, entry: Entry): void {
  if (entry.isRoot ? entry.id.equals(tree) : entry.root?.equals(tree) === true) return;
  throw new BackendError(
    "EntryNotInTree",
    `Cannot store entry "${entry.id}" in tree "${tree}": it belongs to "${entry.root ?? entry.id}"`,
    { fields: { entryId: entry.id, treeId: tree } },
  );
}
