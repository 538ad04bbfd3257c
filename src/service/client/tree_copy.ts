import type { LocalBackend } from "../../backend/local.ts";
import { compareInTree, inTree } from "../../backend/tree/walk.ts";
import type { WriteCallback } from "../../database/host.ts";
import { idsAdded } from "../../database/ids_added.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import type { EventHandler, WriteEvents, WriteOutcome } from "../../instance/write_events.ts";
import { QueuedCallback } from "./queued_callback.ts";
import { ToldInOrder } from "./told_in_order.ts";

/**
 * The Verified entries of one database that a client holds. They are only ever added, in one turn after the other,
 * and told to the write handlers in the same order.
 */
export class TreeCopy {
  readonly #tree: ID;
  readonly #backend: LocalBackend;
  readonly #events: WriteEvents;
  readonly #told: ToldInOrder;
  #adding: Promise<unknown> = Promise.resolve();
  /** Entries that this process has submitted, and what settles when their handlers have. */
  readonly #own = new Map<string, Promise<void> | undefined>();
  /** What settles when handlers have that are told of what handlers have written. */
  readonly #following = new Set<Promise<void>>();

  /** What `backend` holds of a database. */
  constructor(tree: ID, backend: LocalBackend, events: WriteEvents) {
    this.#tree = tree;
    this.#backend = backend;
    this.#events = events;
    this.#told = new ToldInOrder(events, (_, previous, post) => this.#bracket(previous, post));
  }

  /** Whether anybody listens to the database. */
  get isHeard(): boolean {
    return this.#events.has(this.#tree);
  }

  /** Whether nothing is held. */
  async isEmpty(): Promise<boolean> {
    return (await this.#backend.tips.verified(this.#tree)).length === 0;
  }

  /** Those of some entries that are not held. */
  async lacking(ids: readonly ID[]): Promise<ID[]> {
    const rows = await this.#backend.loadRows(ids);
    return ids.filter((_, at) => rows[at] === undefined);
  }

  /** Whether all of some tips are held, and so all below them. */
  async holds(tips: Snapshot): Promise<boolean> {
    return (await this.lacking(tips.tips)).length === 0;
  }

  // --- adding --------------------------------------------------------------------------------

  /**
   * Adds entries that the daemon calls Verified, parents first, after those that are being added. `added` is called
   * before handlers are.
   */
  add(entries: readonly Entry[], added: () => void = () => {}): Promise<void> {
    const done = this.#adding.then(() => this.#addNow(entries, added));
    this.#adding = done.catch(() => undefined);
    return done;
  }

  async #addNow(entries: readonly Entry[], added: () => void): Promise<void> {
    const { value: previousTips, update } = await this.#backend.update(
      this.#tree,
      async (update) => {
        const before = update.postTips;
        for (const entry of entries) {
          if (inTree(entry, this.#tree)) await update.insert(entry, "Verified");
        }
        return before;
      },
    );
    added();
    if (update.verified.length === 0) return;
    const verified = [...update.verified].sort(compareInTree);
    const { tree, postTips } = update;
    this.#tell({ tree, entries: verified, previousTips, postTips, source: "remote" });
  }

  #tell(outcome: WriteOutcome): void {
    const isWaitedFor = !this.#told.isAtWork;
    if (!this.#events.isHeard(this.#tree) && isWaitedFor) return;
    const told = this.#told.tell(outcome);
    const own = outcome.entries.map(({ id }) => id.toString()).filter((id) => this.#own.has(id));
    if (isWaitedFor) { for (const name of own) this.#own.set(name, told); }
    // Whoever makes a write in a handler would wait for itself: who waits for that handler waits for this as well.
    else if (own.length > 0) this.#follow(told);
  }

  #follow(told: Promise<void>): void {
    this.#following.add(told);
    void told.finally(() => this.#following.delete(told));
  }

  async #bracket(previous: Snapshot, post: Snapshot): Promise<Entry[]> {
    const ids = await idsAdded(this.#backend, previous, post);
    return (await Promise.all(ids.map((id) => this.#backend.get(id)))).sort(compareInTree);
  }

  /**
   * Does `work`, which leads to an entry of this process being added, and waits until the handlers have settled,
   * unless they are at work on something earlier.
   */
  async awaitingOwn(entry: Entry, work: () => Promise<void>): Promise<void> {
    const name = entry.id.toString();
    this.#own.set(name, undefined);
    try {
      await work();
      const told = this.#own.get(name);
      if (told === undefined) return;
      await told;
      for (const following of this.#following) await following;
    } finally {
      this.#own.delete(name);
    }
  }

  // --- handlers ------------------------------------------------------------------------------

  /** Registers a handler whose first event begins at `at`, or now. */
  async register(handler: EventHandler, at: Snapshot | undefined): Promise<WriteCallback> {
    const callback = new QueuedCallback();
    const queued = this.#adding.then(async () => {
      const tips = await this.#backend.tips.verified(this.#tree);
      // It stands behind all writes that were added before, and in front of those after.
      const begin = () => this.#events.register(this.#tree, tips, at ?? tips, handler);
      return { isBegun: this.#told.inTurn(() => callback.begin(begin)) };
    });
    this.#adding = queued.catch(() => undefined);
    const isTold = this.#told.isAtWork;
    const { isBegun } = await queued;
    // A handler that registers another would else wait for itself.
    if (!isTold) await isBegun;
    return callback;
  }
}
