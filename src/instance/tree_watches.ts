import { headKey } from "../backend/records/keys.ts";
import type { ID } from "../entry/id.ts";
import type { StorageDriver } from "../storage/driver.ts";

/** What {@link TreeWatches} asks of the coordinator. */
export interface WatchListener {
  /** Whether anybody wants to know of writes to `tree`. */
  isHeard(tree: ID): boolean;
  /** Another process may have written to `tree`. */
  changed(tree: ID): Promise<void>;
}

interface Watch {
  readonly stop: () => void;
  /** Handlers that are about to be registered. */
  expected: number;
}

/** Listens for the writes of other processes to trees with handlers, where the storage can tell. */
export class TreeWatches {
  readonly #driver: StorageDriver;
  readonly #listener: WatchListener;
  readonly #watches = new Map<string, Watch>();

  /** Watches what `driver` holds for `listener`. */
  constructor(driver: StorageDriver, listener: WatchListener) {
    this.#driver = driver;
    this.#listener = listener;
  }

  /**
   * Watches `tree` while `register` is at work, and afterwards for as long as the tree is heard. It
   * begins before, so that nothing written meanwhile goes unnoticed.
   */
  async during<T>(tree: ID, register: () => Promise<T>): Promise<T> {
    const watch = this.#begin(tree);
    if (watch === undefined) return await register();
    watch.expected++;
    try {
      return await register();
    } finally {
      watch.expected--;
    }
  }

  /** Watches `tree` for as long as it is heard. */
  begin(tree: ID): void {
    this.#begin(tree);
  }

  #begin(tree: ID): Watch | undefined {
    const key = tree.toString();
    const known = this.#watches.get(key);
    if (known !== undefined || this.#driver.watch === undefined) return known;
    const stop = this.#driver.watch([headKey(tree)], () => this.#look(tree));
    const watch = { stop, expected: 0 };
    this.#watches.set(key, watch);
    return watch;
  }

  #look(tree: ID): void {
    const key = tree.toString();
    const watch = this.#watches.get(key);
    if (watch === undefined) return;
    if (watch.expected > 0 || this.#listener.isHeard(tree)) {
      return void this.#listener.changed(tree);
    }
    watch.stop();
    this.#watches.delete(key);
  }

  /** Stops listening. */
  close(): void {
    for (const { stop } of this.#watches.values()) stop();
    this.#watches.clear();
  }
}
