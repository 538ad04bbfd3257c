/**
 * Verifying many signatures: in place when they are few, spread over threads when they are many.
 *
 * Threads start with the first large batch. Until the first of them is ready, and whenever none can be
 * had, the batch is worked off in place, so a batch never waits for threads.
 *
 * @module
 */

import { packItems } from "./batch_message.ts";
import { turns } from "../src/util/turns.ts";
import { startThread } from "#threads";
import type { Thread } from "./threads.ts";
import type { Ed25519, ReadyOptions, VerifyItem } from "./types.ts";

/** Batches with fewer items are verified in place. */
export const LARGE_BATCH = 128;
/** Items that one thread takes at a time. */
const SLICE = 64;
/**
 * Slices that a thread has at a time, the one that it works on included. The next one is handed out by code that
 * has turns of some ten milliseconds with other work; a thread must not stand still for so long.
 */
export const HANDED_OUT = 4;
/** Most threads that are started. */
const MAX_THREADS = 8;
/** How long idle threads are kept, in milliseconds. */
const IDLE_MILLIS = 10_000;

type Verify = Ed25519["verify"];

/** A part of a batch, which one thread takes, or the batch itself in place. */
interface Slice {
  readonly batch: Batch;
  readonly items: readonly VerifyItem[];
  /** Whether it waits in the queue: nobody has taken it. */
  isWaiting: boolean;
  done(verdicts: readonly boolean[]): void;
}

/** A batch that is spread. Each works itself off: none relies on a loop that may end with another's request. */
interface Batch {
  readonly slices: Slice[];
  isInPlace: boolean;
}

interface Worker {
  readonly thread: Thread;
  ready: boolean;
  /** What it has, in the order in which it answers. */
  readonly slices: Slice[];
}

/** Starts a thread; the tests replace it. */
export type StartThread = typeof startThread;

/** Verifies batches with one engine. */
export class BatchVerifier {
  readonly #verify: Verify;
  readonly #options: ReadyOptions;
  readonly #start: StartThread;
  /** What waits, and some that were taken out of their turn. Of a set V8 would keep what was in it for long. */
  readonly #queue: Slice[] = [];
  readonly #workers = new Set<Worker>();
  #threadsFail = false;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /** Makes a verifier whose threads load a core with `options`. */
  constructor(verify: Verify, options: ReadyOptions, start: StartThread = startThread) {
    this.#verify = verify;
    this.#options = options;
    this.#start = start;
  }

  /** How many threads run. */
  get threads(): number {
    return this.#workers.size;
  }

  /** The verdicts in the order of the items. */
  async verifyBatch(items: readonly VerifyItem[]): Promise<boolean[]> {
    if (items.length < LARGE_BATCH) return await this.#inPlace(items);
    this.#startThreads();
    const batch: Batch = { slices: [], isInPlace: false };
    const verdicts: Promise<readonly boolean[]>[] = [];
    for (let start = 0; start < items.length; start += SLICE) {
      verdicts.push(this.#enqueue(batch, items.slice(start, start + SLICE)));
    }
    this.#pump();
    return (await Promise.all(verdicts)).flat();
  }

  /** Stops all threads; batches under way are finished in place. */
  stop(): void {
    clearTimeout(this.#idleTimer);
    for (const worker of [...this.#workers]) this.#drop(worker);
    this.#pump();
  }

  #enqueue(batch: Batch, items: readonly VerifyItem[]): Promise<readonly boolean[]> {
    return new Promise((done) => {
      const slice = { batch, items, isWaiting: true, done };
      batch.slices.push(slice);
      this.#queue.push(slice);
    });
  }

  async #inPlace(items: readonly VerifyItem[]): Promise<boolean[]> {
    const verdicts: boolean[] = [];
    for (const { publicKey, data, signature } of items) {
      if (turns.isOver) await turns.next();
      verdicts.push(this.#verify(publicKey, data, signature));
    }
    return verdicts;
  }

  #startThreads(): void {
    clearTimeout(this.#idleTimer);
    const wanted = Math.min(globalThis.navigator?.hardwareConcurrency ?? 1, MAX_THREADS);
    if (wanted < 2 || this.#threadsFail) return;
    while (this.#workers.size < wanted && !this.#threadsFail) this.#startThread();
  }

  #startThread(): void {
    try {
      const worker: Worker = {
        ready: false,
        slices: [],
        thread: this.#start({
          message: (message) => this.#heard(worker, message),
          failed: () => this.#failed(worker),
        }),
      };
      this.#workers.add(worker);
      worker.thread.post(this.#options, []);
    } catch {
      this.#threadsFail = true;
    }
  }

  #heard(worker: Worker, message: unknown): void {
    if (message === "failed") return this.#failed(worker);
    if (message === "ready") worker.ready = true;
    if (message instanceof ArrayBuffer) {
      worker.slices.shift()?.done(Array.from(new Uint8Array(message), (verdict) => verdict === 1));
    }
    this.#pump();
  }

  /** A thread that failed once is not started again; its slices go back to the queue. */
  #failed(worker: Worker): void {
    if (!this.#workers.has(worker)) return;
    this.#threadsFail = true;
    this.#drop(worker);
    this.#pump();
  }

  #drop(worker: Worker): void {
    this.#workers.delete(worker);
    for (const slice of worker.slices.splice(0)) {
      slice.isWaiting = true;
      this.#queue.push(slice);
    }
    worker.thread.stop();
  }

  #pump(): void {
    for (let most = 1; most <= HANDED_OUT; most++) {
      for (const worker of this.#workers) this.#feed(worker, most);
    }
    for (const { thread, slices } of this.#workers) thread.hold(slices.length > 0);
    if (!this.#hasThread) { for (const { batch } of [...this.#queue]) void this.#workOff(batch); }
    const isIdle = ![...this.#workers].some((worker) => worker.slices.length > 0);
    if (isIdle && this.#queue.length === 0) this.#stopWhenIdle();
  }

  /** Whether a thread is ready to take slices. */
  get #hasThread(): boolean {
    return [...this.#workers].some((worker) => worker.ready);
  }

  /** Takes a slice out of the queue, which always begins with one that waits. */
  #take(slice: Slice): void {
    slice.isWaiting = false;
    while (this.#queue[0]?.isWaiting === false) this.#queue.shift();
  }

  /** Hands a slice to a thread that has fewer than `most`. */
  #feed({ ready, slices, thread }: Worker, most: number): void {
    const [slice] = this.#queue;
    if (!ready || slice === undefined || slices.length >= most) return;
    this.#take(slice);
    slices.push(slice);
    const packed = packItems(slice.items);
    thread.post(packed, [packed]);
  }

  /** Works a batch off in place as long as no thread is ready. */
  async #workOff(batch: Batch): Promise<void> {
    if (batch.isInPlace) return;
    batch.isInPlace = true;
    while (!this.#hasThread) {
      const slice = batch.slices.find(({ isWaiting }) => isWaiting);
      if (slice === undefined) break;
      this.#take(slice);
      slice.done(await this.#inPlace(slice.items));
    }
    batch.isInPlace = false;
  }

  #stopWhenIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#workers.size === 0) return;
    this.#idleTimer = setTimeout(() => this.stop(), IDLE_MILLIS);
    (this.#idleTimer as { unref?(): void }).unref?.();
  }
}
