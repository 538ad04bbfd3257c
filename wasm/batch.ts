/**
 * Verifying many signatures: in place when they are few, spread over threads when they are many.
 *
 * Threads start with the first large batch. Until the first of them is ready, and whenever none can be
 * had, the batch is worked off in place, so a batch never waits for threads.
 *
 * @module
 */

import { packItems } from "./batch_message.ts";
import { startThread, type Thread } from "./threads.ts";
import type { Ed25519, ReadyOptions, VerifyItem } from "./types.ts";

/** Batches with fewer items are verified in place. */
export const LARGE_BATCH = 128;
/** Items that one thread takes at a time. */
const SLICE = 64;
/** Most threads that are started. */
const MAX_THREADS = 8;
/** How long idle threads are kept, in milliseconds. */
const IDLE_MILLIS = 10_000;

type Verify = Ed25519["verify"];

interface Slice {
  readonly items: readonly VerifyItem[];
  done(verdicts: readonly boolean[]): void;
}

interface Worker {
  readonly thread: Thread;
  ready: boolean;
  slice: Slice | undefined;
}

/** Starts a thread; the tests replace it. */
export type StartThread = typeof startThread;

/** Verifies batches with one engine. */
export class BatchVerifier {
  readonly #verify: Verify;
  readonly #options: ReadyOptions;
  readonly #start: StartThread;
  readonly #queue: Slice[] = [];
  readonly #workers = new Set<Worker>();
  #threadsFail = false;
  #helping = false;
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
    if (items.length < LARGE_BATCH) return this.#inPlace(items);
    this.#startThreads();
    const slices: Promise<readonly boolean[]>[] = [];
    for (let start = 0; start < items.length; start += SLICE) {
      slices.push(this.#enqueue(items.slice(start, start + SLICE)));
    }
    this.#pump();
    return (await Promise.all(slices)).flat();
  }

  /** Stops all threads; batches under way are finished in place. */
  stop(): void {
    clearTimeout(this.#idleTimer);
    for (const worker of [...this.#workers]) this.#drop(worker);
    this.#pump();
  }

  #enqueue(items: readonly VerifyItem[]): Promise<readonly boolean[]> {
    return new Promise((done) => this.#queue.push({ items, done }));
  }

  #inPlace(items: readonly VerifyItem[]): boolean[] {
    return items.map((item) => this.#verify(item.publicKey, item.data, item.signature));
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
        slice: undefined,
        thread: this.#start(workerUrl(), {
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
    const { slice } = worker;
    if (message instanceof ArrayBuffer && slice !== undefined) {
      worker.slice = undefined;
      slice.done(Array.from(new Uint8Array(message), (verdict) => verdict === 1));
    }
    this.#pump();
  }

  /** A thread that failed once is not started again; its slice goes back to the queue. */
  #failed(worker: Worker): void {
    if (!this.#workers.has(worker)) return;
    this.#threadsFail = true;
    this.#drop(worker);
    this.#pump();
  }

  #drop(worker: Worker): void {
    this.#workers.delete(worker);
    if (worker.slice !== undefined) this.#queue.push(worker.slice);
    worker.slice = undefined;
    worker.thread.stop();
  }

  #pump(): void {
    for (const worker of this.#workers) this.#feed(worker);
    if (this.#queue.length > 0) void this.#help();
    else if (![...this.#workers].some((worker) => worker.slice)) this.#stopWhenIdle();
  }

  #feed(worker: Worker): void {
    if (!worker.ready || worker.slice !== undefined) return;
    worker.slice = this.#queue.shift();
    worker.thread.hold(worker.slice !== undefined);
    if (worker.slice === undefined) return;
    const packed = packItems(worker.slice.items);
    worker.thread.post(packed, [packed]);
  }

  /** Works the queue off in place as long as no thread is ready. */
  async #help(): Promise<void> {
    if (this.#helping) return;
    this.#helping = true;
    while (this.#queue.length > 0 && ![...this.#workers].some((worker) => worker.ready)) {
      const slice = this.#queue.shift()!;
      slice.done(this.#inPlace(slice.items));
      await nextTurn();
    }
    this.#helping = false;
  }

  #stopWhenIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#workers.size === 0) return;
    this.#idleTimer = setTimeout(() => this.stop(), IDLE_MILLIS);
    (this.#idleTimer as { unref?(): void }).unref?.();
  }
}

/** Lets messages and other work through. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The thread's file beside this one: `.ts` in the sources, `.js` in the built package. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./batch_worker.${extension}`, import.meta.url);
}
