import { clearInterval, setImmediate, setInterval } from "node:timers";
import type { Stored, Version } from "../driver.ts";

/** How often another writer is looked for, in milliseconds. */
const POLL_MS = 50;

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** What a {@link PollingWatch} asks of its driver. */
export interface WatchSource {
  /** Something cheap that differs after another writer has committed. */
  stamp(): Version;
  /** The present values of keys. */
  read(keys: readonly Uint8Array[]): (Stored | undefined)[];
}

interface Watcher {
  readonly keys: readonly Uint8Array[];
  readonly changed: () => void;
  seen: (Version | undefined)[];
}

/**
 * Watches keys of a storage that tells nobody when another process writes: looks at its stamp now
 * and then, and at the keys when that has changed. It never keeps the process alive.
 */
export class PollingWatch {
  readonly #source: WatchSource;
  readonly #watchers = new Set<Watcher>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #stamp: Version | undefined;

  /** Watches `source`. */
  constructor(source: WatchSource) {
    this.#source = source;
  }

  /** Calls `changed` when one of `keys` is found changed; returns how to stop it. */
  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    if (this.#watchers.size === 0) this.#start();
    const watcher = { keys, changed, seen: this.#versions(keys) };
    this.#watchers.add(watcher);
    return () => {
      if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.stop();
    };
  }

  /** Forgets all watchers. */
  stop(): void {
    this.#watchers.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #start(): void {
    this.#stamp = this.#source.stamp();
    this.#timer = setInterval(() => this.#look(), POLL_MS);
    this.#timer.unref();
  }

  #versions(keys: readonly Uint8Array[]): (Version | undefined)[] {
    return this.#source.read(keys).map((stored) => stored?.version);
  }

  #look(): void {
    try {
      const stamp = this.#source.stamp();
      if (stamp === this.#stamp) return;
      const changed = [...this.#watchers].filter((watcher) => this.#refresh(watcher));
      this.#stamp = stamp;
      for (const watcher of changed) watcher.changed();
    } catch {
      // The storage is busy or broken: whoever uses it next is told, and the next look tries again.
    }
  }

  /** Whether a key has another version than last time; it remembers the new ones. */
  #refresh(watcher: Watcher): boolean {
    const seen = watcher.seen;
    watcher.seen = this.#versions(watcher.keys);
    return watcher.seen.some((version, at) => version !== seen[at]);
  }
}
