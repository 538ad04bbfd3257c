import type { DatabaseHost, WriteCallback } from "../../../database/host.ts";
import type { ID } from "../../../entry/id.ts";

interface Watched {
  readonly calls: Set<() => void>;
  readonly registration: Promise<WriteCallback>;
}

/** Tells sessions when a tree has grown, by a write of this process or of another one. */
export class Growth {
  readonly #host: DatabaseHost;
  readonly #trees = new Map<string, Watched>();

  /** The growth of the trees of an instance. */
  constructor(host: DatabaseHost) {
    this.#host = host;
  }

  /** Calls whenever a tree has grown, from when the promise resolves until what it gives is called. */
  async watch(tree: ID, call: () => void): Promise<() => void> {
    const key = tree.toString();
    const watched = this.#trees.get(key) ?? this.#begin(tree);
    this.#trees.set(key, watched);
    watched.calls.add(call);
    await watched.registration;
    return () => this.#leave(key, watched, call);
  }

  #begin(tree: ID): Watched {
    const calls = new Set<() => void>();
    const registration = this.#host.onWrite(tree, () => calls.forEach((call) => call()));
    return { calls, registration };
  }

  #leave(key: string, { calls, registration }: Watched, call: () => void): void {
    calls.delete(call);
    if (calls.size > 0) return;
    this.#trees.delete(key);
    void registration.then((it) => it[Symbol.dispose](), () => {});
  }

  /** Tells nobody any more. */
  close(): void {
    for (const [key, watched] of this.#trees) {
      for (const call of watched.calls) this.#leave(key, watched, call);
    }
  }
}
