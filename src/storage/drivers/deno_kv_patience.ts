import type { DenoKv, DenoKvAtomic } from "./deno_kv_types.ts";

/** How long another process may hold a local database, in milliseconds. */
const BUSY_MS = 5000;
/** Longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 20;

/** Whether a local database is held by another process, so that nothing was done. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && /database (table )?is (locked|busy)/i.test(error.message);
}

/** Deno KV that waits for its turn: a local database refuses at once while another process writes. */
export function patient(kv: DenoKv): DenoKv {
  return {
    get: (key) => retry(() => kv.get(key)),
    getMany: (keys) => retry(() => kv.getMany(keys)),
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
    commit: () => retry(() => atomic.commit()),
  };
}

async function retry<T>(step: () => Promise<T>): Promise<T> {
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
