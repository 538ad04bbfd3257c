import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree_update.ts";
import { UpdateConflict } from "../backend/tree_update.ts";
import type { ID } from "../entry/id.ts";
import type { WriteSource } from "../backend/backend.ts";
import type { BracketReader, WriteEvents, WriteOutcome } from "./write_events.ts";

/** Most writes that are put into one storage commit. */
export const MAX_GROUP = 256;

/** One write to a tree: what it does to the update, and where it comes from. */
interface Job {
  readonly source: WriteSource;
  readonly run: (update: TreeUpdate) => Promise<unknown>;
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
  #queue: Job[] = [];
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
    await this.write("remote", async (update) => {
      const { tree, postTips } = update;
      const write = {
        tree,
        entries: [],
        previousTips: postTips,
        postTips,
        source: "remote" as const,
      };
      await Promise.all(await this.#events.invoke(write, this.#read));
    });
  }

  /**
   * Queues a write. The promise settles when it is durable and its handlers have settled.
   *
   * `run` must leave the update as it was if it throws anything.
   */
  write<T>(source: WriteSource, run: (update: TreeUpdate) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const done = resolve as (value: unknown) => void;
      this.#queue.push({ source, run, done, failed: reject });
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

  async #commit(group: readonly Job[]): Promise<void> {
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
      const entries = update.verified.slice(before);
      if (entries.length === 0) return { value };
      const { tree, postTips } = update;
      return { value, outcome: { tree, entries, previousTips, postTips, source: job.source } };
    } catch (error) {
      if (error instanceof UpdateConflict) throw error;
      return { error };
    }
  }

  async #finish(job: Job, result: Result): Promise<void> {
    if ("error" in result) return job.failed(result.error);
    if (result.outcome === undefined) return job.done(result.value);
    const running = await this.#events.invoke(result.outcome, this.#read);
    if (running.length === 0) job.done(result.value);
    else void Promise.all(running).then(() => job.done(result.value));
  }
}
