import type { DenoKv, DenoKvAtomic } from "./types.ts";

/** How long another process may hold a local database, in milliseconds. */
const BUSY_MS = 5000;
/** Longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 20;

const BUSY = /database (table )?is (locked|busy)/i;

/** Whether a local database is held by another process, so that nothing was done. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && BUSY.test(error.message);
}

/** What a local database says, which is SQLite: our code, and what to do. */
const MEANINGS: readonly (readonly [words: RegExp, code: string, next: string])[] = [
  [BUSY, "Busy", "another process holds it; try again"],
  [/disk is full/i, "DiskFull", "nothing was written; free some space"],
  [/disk I\/O error/i, "Io", "reading or writing the disk failed"],
  [/malformed/i, "Corrupt", "the file is damaged; restore it from a copy"],
  [/readonly database/i, "ReadOnly", "check the rights of the file and its folder"],
];

/** Our code for a failure, and what to do. */
export function meaningOf(error: Error): readonly [code: string, next: string] {
  const found = MEANINGS.find(([words]) => words.test(error.message));
  return found ? [found[1], found[2]] : ["Failed", "check the database and its connection"];
}

/** Deno KV that waits for its turn: a local database refuses at once while another process writes. */
export function patient(kv: DenoKv): DenoKv {
  return {
    get: (key) => retryWhileBusy(() => kv.get(key)),
    getMany: (keys) => retryWhileBusy(() => kv.getMany(keys)),
    list: (range, options) => kv.list(range, options),
    atomic: () => patientAtomic(kv.atomic()),
    watch: kv.watch && ((keys) => kv.watch!(keys)),
    close: () => kv.close(),
  };
}

function patientAtomic(atomic: DenoKvAtomic): DenoKvAtomic {
  return {
    check: (...checks) => atomic.check(...checks),
    set: (key, value) => atomic.set(key, value),
    delete: (key) => atomic.delete(key),
    commit: () => retryWhileBusy(() => atomic.commit()),
  };
}

/** Tries a step again while another process holds the database. */
export async function retryWhileBusy<T>(step: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + BUSY_MS;
  for (let pause = 1;; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      return await step();
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * pause));
  }
}
