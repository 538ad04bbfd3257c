import type { WriteSource } from "../backend/backend.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import { UpdateConflict } from "../backend/tree/tree_update.ts";
import { compareInTree } from "../backend/tree/walk.ts";
import type { WriteCallback } from "../database/host.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { isShared, isSilence } from "../storage/group_commit.ts";
import { TransactionError } from "../util/errors.ts";
import { isLost, untilLost } from "../util/lost.ts";
import { turns } from "../util/turns.ts";
import type { BracketReader, EventHandler, WriteEvents, WriteOutcome } from "./write_events.ts";

/** Most writes that are put into one storage commit. */
export const MAX_GROUP = 256;

/** One write to a tree: what it does to the update, and where it comes from. */
interface Job {
  readonly source: WriteSource;
  readonly run: (update: TreeUpdate) => Promise<unknown>;
  /** How many entries it may store or settle, about; 1 when absent. */
  readonly size?: number;
  /** Whether handlers are told even if the write itself has made nothing Verified. */
  readonly announces?: boolean;
  /** Whether the caller goes on with another write, of which handlers are told together with this. */
  readonly goesOn?: (value: unknown) => boolean;
  /** What the caller gets for the value of `run`, made when the handlers have settled. */
  readonly result?: (value: unknown) => unknown;
  /** Called when the write is durable and its handlers were called; they may be at work still. */
  readonly written?: () => void;
}

/** What else is known of a write. */
export interface WriteOptions<T> {
  /** How many entries it may store or settle, about. */
  readonly size: number;
  /** Whether the caller goes on: handlers are told of all when it does not, or by `announce`. */
  readonly goesOn: (value: T) => boolean;
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
 * All writes of this process to one tree, one after another: this queue is the tree lock.
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
  #drained: Promise<void> | undefined;
  /** When the storage commit that is under way began. */
  #begun = 0;
  /** What handlers will be told of when the writer of it is done. */
  #held: WriteOutcome | undefined;

  /** The queue of `tree`. */
  constructor(backend: LocalBackend, events: WriteEvents, read: BracketReader, tree: ID) {
    this.#backend = backend;
    this.#events = events;
    this.#read = read;
    this.#tree = tree;
  }

  /** Whether nothing is queued, under way, or yet to be told. */
  get isIdle(): boolean {
    return this.#drained === undefined && this.#held === undefined;
  }

  /** Resolves when all that was queued is done and told, or never will be. */
  async drained(): Promise<void> {
    await untilLost(() => this.#drained, () => this.#begun);
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
      result: (value) => {
        const tips = value as Snapshot;
        return this.#events.register(this.#tree, tips, at ?? tips, handler);
      },
    });
  }

  /**
   * Queues a write. The promise settles when it is durable and its handlers have settled; `written` is
   * called when they are at work still.
   *
   * `run` must leave the update as it was if it throws anything.
   */
  write<T>(
    source: WriteSource,
    run: (update: TreeUpdate) => Promise<T>,
    written?: () => void,
  ): Promise<T> {
    return this.#enqueue<T>({ source, run, written });
  }

  /** As {@link write}, for one of several writes that handlers are told of as one. */
  writePart<T>(run: (update: TreeUpdate) => Promise<T>, options: WriteOptions<T>): Promise<T> {
    const goesOn = options.goesOn as (value: unknown) => boolean;
    return this.#enqueue<T>({ source: "remote", run, announces: true, ...options, goesOn });
  }

  #enqueue<T>(job: Job): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const done = resolve as (value: unknown) => void;
      this.#queue.push({ ...job, done, failed: reject });
      // A commit that is lost leaves the queue to the next; the storage has each only on the head it was made for.
      if (this.#drained === undefined || isLost(this.#begun)) this.#drained = this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#begun = performance.now();
    // One turn of the microtask queue lets writers that are ready now share the first commit.
    await undefined;
    while (this.#queue.length > 0) {
      await this.#commitOrFail(this.#nextGroup());
      this.#begun = performance.now();
    }
    this.#drained = undefined;
  }

  /** The jobs that share the next storage commit. */
  #nextGroup(): QueuedJob[] {
    const most = this.#backend.maxEntriesPerCommit;
    let count = 0;
    for (let size = 0; count < Math.min(this.#queue.length, MAX_GROUP); count++) {
      size += this.#queue[count]!.size ?? 1;
      if (size > most && count > 0) break;
    }
    return this.#queue.splice(0, count);
  }

  async #commitOrFail(group: readonly QueuedJob[]): Promise<void> {
    let results: readonly Result[] | undefined;
    const begun = performance.now();
    try {
      await this.#backend.update(this.#tree, async (update) => {
        results = undefined;
        results = await this.#run(group, update);
      });
    } catch (error) {
      // Whoever waits behind them would be answered as little, and as late.
      const behind = isSilence(error, begun) ? this.#queue.splice(0) : [];
      if (group.length === 1 || isShared(error)) {
        return [...group, ...behind].forEach((job) => job.failed(error));
      }
      // One write may be the reason; it must not take the others down with it.
      for (const [at, job] of group.entries()) {
        const isDoubtful = results !== undefined && results[at]!.error === undefined;
        await this.#commitOrFail([isDoubtful ? onceMore(job, error) : job]);
      }
      return;
    }
    for (const [at, job] of group.entries()) {
      const { outcome, value } = results![at]!;
      const isTold = outcome !== undefined && this.#isHeard;
      const running = isTold ? await this.#tell(outcome, job.goesOn?.(value)) : [];
      this.#finish(job, results![at]!, running);
    }
  }

  async #run(group: readonly QueuedJob[], update: TreeUpdate): Promise<readonly Result[]> {
    const results: Result[] = [];
    for (const job of group) {
      const { size, postTips } = update;
      const before = update.verified.length;
      if (turns.isOver) await turns.next();
      const begun = performance.now();
      try {
        const value = await job.run(update);
        results.push({ value, outcome: outcomeOf(job, update, before, postTips) });
      } catch (error) {
        // What a write has half done must not be committed with what others have done.
        const isHalf = error instanceof UpdateConflict || update.size !== size;
        if (isHalf || isSilence(error, begun)) throw error;
        results.push({ error });
      }
    }
    return results;
  }

  /** Whether anybody is to be told of a write. */
  get #isHeard(): boolean {
    return this.#held !== undefined || this.#events.isHeard(this.#tree);
  }

  /** Lets the caller of a job go on when the handlers behind `running` have settled. */
  #finish(job: QueuedJob, result: Result, running: readonly Promise<void>[]): void {
    if ("error" in result) return job.failed(result.error);
    job.written?.();
    const { value } = result;
    const done = () => job.done(job.result === undefined ? value : job.result(value));
    if (running.length === 0) done();
    else void this.#events.settled(running).then(done);
  }

  /** Tells handlers of a write, or holds it back; what was held back before is told with or before it. */
  async #tell(outcome: WriteOutcome, holds = false): Promise<Promise<void>[]> {
    const held = this.#held;
    const joined = held === undefined ? outcome : join(held, outcome);
    const running = joined === undefined ? await this.#events.invoke(held!, this.#read) : [];
    const next = joined ?? outcome;
    this.#held = holds && this.#events.isHeard(this.#tree) ? next : undefined;
    if (!holds) running.push(...await this.#events.invoke(next, this.#read));
    return running;
  }
}

/**
 * A job whose first commit has failed with others. Who is overtaken then may be so by that commit, which is done
 * though it seemed to fail: such a job must not begin anew, and fails as it did.
 */
function onceMore(job: QueuedJob, error: unknown): QueuedJob {
  const isOvertaken = (again: unknown) =>
    again instanceof TransactionError && again.code === "Overtaken";
  return { ...job, failed: (again) => job.failed(isOvertaken(again) ? error : again) };
}

/** What a job has made Verified, if handlers are to be told of it. */
function outcomeOf(
  { announces, source }: Job,
  update: TreeUpdate,
  before: number,
  previousTips: Snapshot,
): WriteOutcome | undefined {
  // Verdicts follow pins as well as parents, so they may come in another order than the fold.
  const entries = update.verified.slice(before).sort(compareInTree);
  if (entries.length === 0 && announces !== true) return undefined;
  return { tree: update.tree, entries, previousTips, postTips: update.postTips, source };
}

/** Two outcomes as one, if they are of one source and nobody else has written in between. */
function join(first: WriteOutcome, second: WriteOutcome): WriteOutcome | undefined {
  if (first.source !== second.source || !first.postTips.equals(second.previousTips)) {
    return undefined;
  }
  const entries = [...first.entries, ...second.entries].sort(compareInTree);
  return { ...second, entries, previousTips: first.previousTips };
}
