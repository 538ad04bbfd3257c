/**
 * A storage on the other side of a network: every call takes a round trip, and calls that are made at the
 * same time share one. What counts is how many follow each other.
 *
 * @module
 */

import type { DenoKv, DenoKvEntry } from "../../src/storage/deno_kv/mod.ts";
import type { Pair, Range, StorageDriver } from "../../src/storage/driver.ts";

/** How long a round waits for calls that belong to it, in milliseconds, while it is counted. */
const GATHER_MS = 4;

/** Pairs in a full page of the storage in memory. */
const MEMORY_PAGE = 256;

/** Counts round trips. */
export class Rounds {
  /** What was asked in each round since counting began. */
  readonly trips: string[][] = [];
  #isCounted = false;
  #asked: string[] = [];
  #waiting: (() => void)[] = [];
  #underWay = 0;

  /** Makes a call in a round of its own, or with others that are made meanwhile. */
  async trip<T>(what: string, call: () => Promise<T>): Promise<T> {
    this.#asked.push(what);
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1 && this.#underWay === 0) this.#gather();
    });
    try {
      return await call();
    } finally {
      if (--this.#underWay === 0 && this.#waiting.length > 0) this.#gather();
    }
  }

  /** A round begins when the one before has ended, and what that has led to has been asked for. */
  #gather(): void {
    setTimeout(() => this.#begin(), this.#isCounted ? GATHER_MS : 0);
  }

  #begin(): void {
    if (this.#underWay > 0) return;
    if (this.#isCounted) this.trips.push(this.#asked);
    this.#asked = [];
    this.#underWay = this.#waiting.length;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Counts the rounds of a step. */
  async count<T>(step: () => Promise<T>): Promise<T> {
    this.trips.length = 0;
    this.#isCounted = true;
    try {
      return await step();
    } finally {
      this.#isCounted = false;
    }
  }
}

/** A view of a storage, as far away as a server: it cannot tell cheaply whether others have written. */
export function farAway(storage: StorageDriver, rounds: Rounds): StorageDriver {
  return {
    name: storage.name,
    capabilities: { ...storage.capabilities, multiWriter: true, isFar: true },
    get: (key) => rounds.trip(`get ${nameOf(key)}`, () => storage.get(key)),
    getMany: (keys) =>
      rounds.trip(`getMany ${keys.map(nameOf).join(", ")}`, () => storage.getMany(keys)),
    list: (range) => pages(storage, range, rounds),
    commit: (batch) => rounds.trip("commit", () => storage.commit(batch)),
    close: () => storage.close(),
  };
}

async function* pages(
  storage: StorageDriver,
  range: Range,
  rounds: Rounds,
): AsyncIterable<readonly Pair[]> {
  const pages = storage.list(range)[Symbol.asyncIterator]();
  for (;;) {
    const page = await rounds.trip(`list ${nameOf(range.start)}`, () => pages.next());
    if (page.done) return;
    yield page.value;
    // A page with fewer pairs than were wanted is the last one, as drivers know.
    if (page.value.length < MEMORY_PAGE) return;
  }
}

/** The kind of a key and its first bytes. */
function nameOf(key: Uint8Array): string {
  const hex = Array.from(key.slice(1, 12), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${String(key[0])}:${hex}`;
}

/** A view of a Deno KV as far away as a server. */
export function farKv(kv: DenoKv, rounds: Rounds): DenoKv {
  return {
    get: (key) => rounds.trip("get", () => kv.get(key)),
    getMany: (keys) => rounds.trip("getMany", () => kv.getMany(keys)),
    list: (range, options) => listed(kv, range, options, rounds),
    atomic: () => {
      const atomic = kv.atomic();
      return {
        check: (...checks) => atomic.check(...checks),
        set: (key, value) => atomic.set(key, value),
        delete: (key) => atomic.delete(key),
        commit: () => rounds.trip("commit", () => atomic.commit()),
      };
    },
    close: () => kv.close(),
  };
}

async function* listed(
  kv: DenoKv,
  range: Parameters<DenoKv["list"]>[0],
  options: Parameters<DenoKv["list"]>[1],
  rounds: Rounds,
): AsyncIterable<DenoKvEntry> {
  // All that is wanted at once comes at once.
  const all = async () => {
    const entries: DenoKvEntry[] = [];
    for await (const entry of kv.list(range, options)) entries.push(entry);
    return entries;
  };
  yield* await rounds.trip("list", all);
}
