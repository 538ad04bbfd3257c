/**
 * A storage on the other side of a network: every call takes a round trip, and calls that are made at the
 * same time share one. What counts is how many follow each other.
 *
 * @module
 */

import type { DenoKv, DenoKvEntry } from "../../src/storage/deno_kv/mod.ts";
import type { Pair, Range, StorageDriver } from "../../src/storage/driver.ts";

/** Counts round trips. */
export class Rounds {
  /** How many rounds there were since the last {@link reset}, and what was asked in each. */
  readonly trips: string[][] = [];
  #asked: string[] = [];
  #waiting: (() => void)[] = [];

  /** One call; resolves when its round is over. */
  trip(what: string): Promise<void> {
    this.#asked.push(what);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setTimeout(() => this.#end());
    });
  }

  #end(): void {
    this.trips.push(this.#asked);
    this.#asked = [];
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Counts from 0. */
  reset(): void {
    this.trips.length = 0;
  }
}

/** A view of a storage, as far away as a server: it cannot tell cheaply whether others have written. */
export function farAway(storage: StorageDriver, rounds: Rounds): StorageDriver {
  return {
    name: storage.name,
    capabilities: { ...storage.capabilities, multiWriter: true, isFar: true },
    get: async (key) => (await rounds.trip(`get ${nameOf(key)}`), await storage.get(key)),
    getMany: async (keys) => {
      await rounds.trip(`getMany ${keys.map(nameOf).join(", ")}`);
      return await storage.getMany(keys);
    },
    list: (range) => pages(storage, range, rounds),
    commit: async (batch) => (await rounds.trip("commit"), await storage.commit(batch)),
    close: () => storage.close(),
  };
}

async function* pages(
  storage: StorageDriver,
  range: Range,
  rounds: Rounds,
): AsyncIterable<readonly Pair[]> {
  await rounds.trip(`list ${nameOf(range.start)}`);
  let isFirst = true;
  for await (const page of storage.list(range)) {
    if (!isFirst) await rounds.trip(`list on ${nameOf(range.start)}`);
    isFirst = false;
    yield page;
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
    get: async (key) => (await rounds.trip("get"), await kv.get(key)),
    getMany: async (keys) => (await rounds.trip("getMany"), await kv.getMany(keys)),
    list: (range, options) => listed(kv, range, options, rounds),
    atomic: () => {
      const atomic = kv.atomic();
      return {
        check: (...checks) => atomic.check(...checks),
        set: (key, value) => atomic.set(key, value),
        delete: (key) => atomic.delete(key),
        commit: async () => (await rounds.trip("commit"), await atomic.commit()),
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
  const batch = options?.batchSize ?? 100;
  let at = 0;
  for await (const entry of kv.list(range, options)) {
    if (at++ % batch === 0) await rounds.trip("list");
    yield entry;
  }
  // What is empty is asked for, too.
  if (at === 0) await rounds.trip("list");
}
