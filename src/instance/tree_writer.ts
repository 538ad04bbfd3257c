import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree_update.ts";
import { UpdateConflict } from "../backend/tree_update.ts";
import type { ID } from "../entry/id.ts";
import type { WriteSource } from "../backend/backend.ts";
import { compareInTree } from "../backend/walk.ts";
import type { WriteCallback } from "../database/host.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { BracketReader, EventHandler, WriteEvents, WriteOutcome } from "./write_events.ts";

/** Most writes that are put into one storage commit. */
export const MAX_GROUP = 256;

/** One write to a tree: what it does to the update, and where it comes from. */
interface Job {
  readonly source: WriteSource;
  readonly run: (update: TreeUpdate) => Promise<unknown>;
  /** Whether handlers are told even if the write itself has made nothing Verified. */
  readonly announces?: boolean;
  /** What the caller gets for the value of `run`, made when the write is durable. */
  readonly result?: (value: unknown) => unknown;
}

/** A job with its caller. */
interface QueuedJob extends Job {
  readonly done: (value: unknown) => void;
  readonly failed: (error: unknown) => void;
}

/** What became of a job inside an attempt to commit its group. */
interface Result {
  readonly value?: unknown;
  readonly error?: unknown;
  readonly outcome?: WriteOutcome;
}

/**
 * All writes of this process to one tree, one after another: this queue is the tree lock (06 §11).
 *
 * Writes that wait while a commit is under way share the next storage commit (group commit). After
 * it the handlers are started in write order, still before the next group begins; what they do
 * asynchronously is awaited by each writer for itself, so a handler may write to the same tree.
 */
export class TreeWriter {
  readonly #backend: LocalBackend;
  readonly #events: WriteEvents;
  readonly #read: BracketReader;
  readonly #tree: ID;
  #queue: QueuedJob[] = [];
  #running = false;

  /** The queue of `tree`. */
  constructor(backend: LocalBackend, events: WriteEvents, read: BracketReader, tree: ID) {
    this.#backend = backend;
    this.#events = events;
    this.#read = read;
    this.#tree = tree;
  }

  /** Whether nothing is queued or under way. */
  get isIdle(): boolean {
    return !this.#running;
  }

  /**
   * Tells the handlers what other processes have written since they were last told. The promise settles
   * when the handlers have.
   */
  async announce(): Promise<void> {
    await this.#enqueue({
      source: "remote",
      announces: true,
      run: () => Promise.resolve(),
    });
  }

  /** Registers a handler behind all writes that are queued already, and before any later one. */
  async register(at: Snapshot | undefined, handler: EventHandler): Promise<WriteCallback> {
    return await this.#enqueue<WriteCallback>({
      source: "local",
      run: (update) => Promise.resolve(update.postTips),
      // `run` may be repeated, and may run before the events of earlier writes; this may not.
      result: (tips) => this.#events.register(this.#tree, at ?? tips as Snapshot, handler),
    });
  }

  /**
   * Queues a write. The promise settles when it is durable and its handlers have settled.
   *
   * `run` must leave the update as it was if it throws anything.
   */
  write<T>(source: WriteSource, run: (update: TreeUpdate) => Promise<T>): Promise<T> {
    return this.#enqueue<T>({ source, run });
  }

  #enqueue<T>(job: Job): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const done = resolve as (value: unknown) => void;
      this.#queue.push({ ...job, done, failed: reject });
      if (!this.#running) this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#running = true;
    // One turn of the microtask queue lets writers that are ready now share the first commit.
    await undefined;
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, Math.min(MAX_GROUP, this.#backend.maxEntriesPerCommit));
      try {
        await this.#commit(group);
      } catch (error) {
        for (const job of group) job.failed(error);
      }
    }
    this.#running = false;
  }

  async #commit(group: readonly QueuedJob[]): Promise<void> {
    const { value: results } = await this.#backend.update(this.#tree, async (update) => {
      const all: Result[] = [];
      for (const job of group) all.push(await this.#run(job, update));
      return all;
    });
    for (let at = 0; at < group.length; at++) await this.#finish(group[at]!, results[at]!);
  }

  async #run(job: Job, update: TreeUpdate): Promise<Result> {
    const before = update.verified.length;
    const previousTips = update.postTips;
    try {
      const value = await job.run(update);
      // Verdicts follow pins as well as parents, so they may come in another order than the fold.
      const entries = update.verified.slice(before).sort(compareInTree);
      if (entries.length === 0 && job.announces !== true) return { value };
      const { tree, postTips } = update;
      return { value, outcome: { tree, entries, previousTips, postTips, source: job.source } };
    } catch (error) {
      if (error instanceof UpdateConflict) throw error;
      return { error };
    }
  }

  async #finish(job: QueuedJob, result: Result): Promise<void> {
    if ("error" in result) return job.failed(result.error);
    const { value, outcome } = result;
    const running = outcome === undefined ? [] : await this.#events.invoke(outcome, this.#read);
    const done = () => job.done(job.result === undefined ? value : job.result(value));
    if (running.length === 0) done();
    else void Promise.all(running).then(done);
  }
}
