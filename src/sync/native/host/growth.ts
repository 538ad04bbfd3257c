import type { DatabaseHost, WriteCallback } from "../../../database/host.ts";
import { systemTimers, type Timers } from "../../worker/timers.ts";
import { tasksEndWithRequests } from "../../../util/isolate.ts";
import { OwnRequest } from "../../../util/own_request.ts";
import type { ID } from "../../../entry/id.ts";

interface Watched {
  readonly calls: Set<() => void>;
  readonly registration: Promise<WriteCallback>;
}

/** How often it is looked whether a tree has grown where nobody can tell, in milliseconds. */
const LOOK_MS = 250;

/** Tells sessions when a tree has grown, by a write of this process or of another one. */
export class Growth {
  readonly #host: DatabaseHost;
  readonly #timers: Timers;
  readonly #trees = new Map<string, Watched>();

  /** The growth of the trees of an instance. */
  constructor(host: DatabaseHost, timers: Timers = systemTimers) {
    this.#host = host;
    this.#timers = timers;
  }

  /** Calls whenever a tree has grown, from when the promise resolves until what it gives is called. */
  async watch(tree: ID, call: () => void): Promise<() => void> {
    if (tasksEndWithRequests) return await this.#watchAlone(tree, call);
    const key = tree.toString();
    const watched = this.#trees.get(key) ?? this.#begin(tree);
    this.#trees.set(key, watched);
    watched.calls.add(call);
    await watched.registration;
    return () => this.#leave(key, watched, call);
  }

  /** In isolates a request may not use what belongs to another: each watches for itself. */
  async #watchAlone(tree: ID, call: () => void): Promise<() => void> {
    const request = new OwnRequest(call);
    const registration = await this.#host.onWrite(tree, () => request.ask());
    const leave = this.#look(call);
    return () => {
      leave();
      request.end();
      registration[Symbol.dispose]();
    };
  }

  /** What other isolates write to the same storage is told by nobody there. */
  #look(call: () => void): () => void {
    let cancel = () => {};
    const again = () => {
      cancel = this.#timers.after(LOOK_MS, () => {
        again();
        call();
      });
    };
    again();
    return () => cancel();
  }

  #begin(tree: ID): Watched {
    const calls = new Set<() => void>();
    const registration = this.#host.onWrite(tree, () => calls.forEach((call) => call()));
    const watched: Watched = { calls, registration };
    // The next one who asks tries again.
    registration.catch(() => this.#forget(tree.toString(), watched));
    return watched;
  }

  #forget(key: string, watched: Watched): void {
    if (this.#trees.get(key) === watched) this.#trees.delete(key);
  }

  #leave(key: string, watched: Watched, call: () => void): void {
    const { calls, registration } = watched;
    calls.delete(call);
    if (calls.size > 0) return;
    this.#forget(key, watched);
    void registration.then((it) => it[Symbol.dispose](), () => {});
  }

  /** Tells nobody any more. */
  close(): void {
    for (const [key, watched] of this.#trees) {
      for (const call of watched.calls) this.#leave(key, watched, call);
    }
  }
}
