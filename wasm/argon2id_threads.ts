/**
 * Deriving keys from passwords in threads: a derivation takes a quarter of a second on purpose, in which nothing
 * else would have its turn.
 *
 * @module
 */

import { type Derivation, THREAD_IS_HERE } from "./argon2id_message.ts";
import { startThread } from "#threads";
import type { Thread } from "./threads.ts";
import type { Argon2id, Argon2idOptions } from "./types.ts";

/** Most derivations at once, of which each takes as much memory as its options say; a core is left to others. */
export const MAX_DERIVATIONS: number = Math.max(
  1,
  Math.min(4, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1),
);
/** What costs less, as memory in KiB times passes, takes a millisecond or two and is done in place. */
export const LEAST_COST = 2048;
/** How long a thread may take to be there before it is given up, in milliseconds. */
const START_MILLIS = 10_000;
/** How long idle threads are kept, in milliseconds. */
const IDLE_MILLIS = 10_000;

/** A thread that derives one key at a time. */
class DerivingThread {
  readonly #thread: Thread;
  #answer: ((key: Uint8Array | undefined) => void) | undefined;
  #hasFailed = false;
  #starting: ReturnType<typeof setTimeout> | undefined;

  constructor(start: typeof startThread, startMillis: number) {
    this.#thread = start({
      message: (message) => this.#heard(message),
      failed: () => this.#failed(),
    });
    this.#starting = setTimeout(() => this.#failed(), startMillis);
  }

  /** The key; undefined when the thread has failed. */
  derive(password: Uint8Array, salt: Uint8Array, options: Argon2idOptions) {
    return new Promise<Uint8Array | undefined>((answer) => {
      if (this.#hasFailed) return answer(undefined);
      this.#answer = answer;
      this.#thread.hold(true);
      const copies = { password: password.slice(), salt: salt.slice() };
      const derivation: Derivation = { ...copies, options: { ...options } };
      this.#thread.post(derivation, [copies.password.buffer, copies.salt.buffer]);
    });
  }

  stop(): void {
    clearTimeout(this.#starting);
    this.#thread.stop();
  }

  #heard(message: unknown): void {
    if (message === THREAD_IS_HERE) clearTimeout(this.#starting);
    else if (message instanceof ArrayBuffer) this.#done(new Uint8Array(message));
    else this.#failed();
  }

  #failed(): void {
    this.#hasFailed = true;
    clearTimeout(this.#starting);
    this.#done(undefined);
  }

  #done(key: Uint8Array | undefined): void {
    this.#answer?.(key);
    this.#answer = undefined;
    this.#thread.hold(false);
  }
}

/** Derives keys in threads, and in place where none can be had. */
export class Argon2idThreads {
  readonly #inPlace: Argon2id;
  readonly #start: typeof startThread;
  readonly #startMillis: number;
  readonly #idle: DerivingThread[] = [];
  readonly #waiting: (() => void)[] = [];
  #atWork = 0;
  #fail = false;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /** Makes threads by `start` that compute what `inPlace` does. */
  constructor(
    inPlace: Argon2id,
    start: typeof startThread = startThread,
    startMillis: number = START_MILLIS,
  ) {
    this.#inPlace = inPlace;
    this.#start = start;
    this.#startMillis = startMillis;
  }

  /** How many threads there are. */
  get threads(): number {
    return this.#idle.length + this.#atWork;
  }

  /** See `CryptoCore.argon2id`. */
  async derive(
    password: Uint8Array,
    salt: Uint8Array,
    options: Argon2idOptions,
  ): Promise<Uint8Array> {
    const isCheap = options.memoryKiB * options.iterations < LEAST_COST;
    const key = isCheap ? undefined : await this.#inThread(password, salt, options);
    return key ?? await this.#inPlace(password, salt, options);
  }

  async #inThread(
    password: Uint8Array,
    salt: Uint8Array,
    options: Argon2idOptions,
  ): Promise<Uint8Array | undefined> {
    while (this.#atWork >= MAX_DERIVATIONS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const thread = this.#take();
    if (thread === undefined) return undefined;
    this.#atWork++;
    const key = await thread.derive(password, salt, options);
    this.#atWork--;
    this.#release(thread, key !== undefined);
    return key;
  }

  #take(): DerivingThread | undefined {
    if (this.#fail) return undefined;
    clearTimeout(this.#idleTimer);
    try {
      return this.#idle.pop() ?? new DerivingThread(this.#start, this.#startMillis);
    } catch {
      this.#fail = true;
      return undefined;
    }
  }

  /** A thread that has failed is the last: what waits goes on in place. */
  #release(thread: DerivingThread, isSound: boolean): void {
    if (isSound) this.#idle.push(thread);
    else thread.stop();
    this.#fail ||= !isSound;
    const free = this.#fail ? this.#waiting.length : 1;
    for (const go of this.#waiting.splice(0, free)) go();
    this.#stopWhenIdle();
  }

  #stopWhenIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#atWork > 0 || this.#idle.length === 0) return;
    this.#idleTimer = setTimeout(() => this.stop(), IDLE_MILLIS);
    (this.#idleTimer as { unref?(): void }).unref?.();
  }

  /** Stops the threads that do nothing. */
  stop(): void {
    clearTimeout(this.#idleTimer);
    for (const thread of this.#idle.splice(0)) thread.stop();
  }
}
