import type { Version } from "../driver.ts";

/** The present versions of keys; undefined for those that are absent. */
export type ReadVersions = (keys: readonly Uint8Array[]) => Promise<(Version | undefined)[]>;

interface Watcher {
  readonly keys: readonly Uint8Array[];
  readonly changed: () => void;
  seen: readonly (Version | undefined)[] | undefined;
}

/**
 * Watched keys of a storage that tells that something has changed and not what: all of them are looked at
 * together, however many watchers there are and however often the storage tells.
 */
export class KeyWatch {
  readonly #read: ReadVersions;
  readonly #watchers = new Set<Watcher>();
  #looking: Promise<void> | undefined;
  #isAskedAgain = false;

  /** Looks at keys by `read`. */
  constructor(read: ReadVersions) {
    this.#read = read;
  }

  /** Whether nothing is watched. */
  get isEmpty(): boolean {
    return this.#watchers.size === 0;
  }

  /**
   * Calls `changed` when a look finds one of `keys` changed, the first look included, since the caller
   * may have read before it; returns how to stop it.
   */
  add(keys: readonly Uint8Array[], changed: () => void): () => void {
    const watcher: Watcher = { keys, changed, seen: undefined };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Forgets all watchers. */
  clear(): void {
    this.#watchers.clear();
  }

  /** Looks at all keys; what is asked for during a look is one more look after it. */
  look(): Promise<void> {
    this.#isAskedAgain = true;
    return this.#looking ??= this.#lookWhileAsked();
  }

  async #lookWhileAsked(): Promise<void> {
    try {
      await undefined;
      while (this.#isAskedAgain) {
        this.#isAskedAgain = false;
        await this.#lookOnce();
      }
    } finally {
      this.#looking = undefined;
    }
  }

  async #lookOnce(): Promise<void> {
    const watchers = [...this.#watchers];
    const versions = await this.#read(watchers.flatMap(({ keys }) => keys));
    for (const watcher of watchers) {
      const now = versions.splice(0, watcher.keys.length);
      const isChanged = now.some((version, at) => version !== watcher.seen?.[at]) ||
        watcher.seen === undefined;
      watcher.seen = now;
      if (isChanged && this.#watchers.has(watcher)) queueMicrotask(watcher.changed);
    }
  }
}
