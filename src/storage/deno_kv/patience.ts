import { answerWithin, type Patience, retryWhileBusy } from "../shared/patience.ts";
import { isBusy, noAnswer } from "./errors.ts";
import type { DenoKv, DenoKvAtomic } from "./types.ts";

/** How long the server of a remote database may take to answer, in milliseconds. */
const ANSWER_MS = 30_000;

/** How another process is waited for that holds a local database. */
export const PATIENCE: Patience = { timeoutMs: 5000, isBusy, action: "use Deno KV" };

/** How a step is done that waits for somebody. */
type Waiting = <T>(step: () => Promise<T>) => Promise<T>;

/** Deno KV that waits for its turn: a local database refuses at once while another process writes. */
export function patient(kv: DenoKv): DenoKv {
  // A listing that has failed amid its pages cannot be gone on with.
  const list: DenoKv["list"] = (range, options) => kv.list(range, options);
  return { ...waiting(kv, (step) => retryWhileBusy(step, PATIENCE)), list };
}

/** Deno KV that does not wait for ever: a remote one asks again and again while nobody answers. */
export function answering(kv: DenoKv): DenoKv {
  return waiting(kv, (step) => answerWithin(ANSWER_MS, step(), () => noAnswer(ANSWER_MS)));
}

function waiting(kv: DenoKv, wait: Waiting): DenoKv {
  return {
    get: (key) => wait(() => kv.get(key)),
    getMany: (keys) => wait(() => kv.getMany(keys)),
    list: (range, options) => waitingList(kv.list(range, options), wait),
    atomic: () => waitingAtomic(kv.atomic(), wait),
    watch: kv.watch && ((keys) => kv.watch!(keys)),
    close: () => kv.close(),
  };
}

/** Each step of a listing reads a page, at most. */
async function* waitingList<T>(list: AsyncIterable<T>, wait: Waiting): AsyncIterable<T> {
  const iterator = list[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await wait(() => iterator.next());
    if (done) return;
    yield value;
  }
}

function waitingAtomic(atomic: DenoKvAtomic, wait: Waiting): DenoKvAtomic {
  return {
    check: (...checks) => atomic.check(...checks),
    set: (key, value) => atomic.set(key, value),
    delete: (key) => atomic.delete(key),
    commit: () => wait(() => atomic.commit()),
  };
}
