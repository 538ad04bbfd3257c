import { timers } from "#node";
import type { Stored, Version } from "../driver.ts";
import { LookLog } from "./look_log.ts";

/** How often another writer is looked for, in milliseconds. */
const POLL_MS = 50;

/** What a {@link PollingWatch} asks of its driver. */
export interface WatchSource {
  /** Something cheap that differs after another writer has committed. */
  token(): unknown;
  /** The present values of keys. */
  read(keys: readonly Uint8Array[]): (Stored | undefined)[];
}

type Versions = (Version | undefined)[];

interface Watcher {
  readonly keys: readonly Uint8Array[];
  readonly changed: () => void;
  seen: Versions;
}

/**
 * Watches keys of a storage that tells nobody when another process writes: looks at its token now
 * and then, and at the keys when that has changed. It never keeps the process alive.
 */
export class PollingWatch {
  readonly #source: WatchSource;
  readonly #watchers = new Set<Watcher>();
  readonly #log: LookLog;
  #timer: ReturnType<typeof timers.setInterval> | undefined;
  #token: unknown;

  /** Watches `source`, a storage of the kind `storage`. */
  constructor(storage: string, source: WatchSource) {
    this.#log = new LookLog(storage);
    this.#source = source;
  }

  /** Calls `changed` when one of `keys` is found changed; returns how to stop it. */
  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    // The token first: who writes between the two is found by the next look.
    if (this.#watchers.size === 0) this.#token = this.#source.token();
    const watcher = { keys, changed, seen: this.#versions(keys) };
    this.#watchers.add(watcher);
    this.#start();
    return () => {
      if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.stop();
    };
  }

  /** Forgets all watchers. */
  stop(): void {
    this.#watchers.clear();
    timers.clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = timers.setInterval(() => this.#look(), POLL_MS);
    this.#timer.unref();
  }

  #versions(keys: readonly Uint8Array[]): Versions {
    return this.#source.read(keys).map((stored) => stored?.version);
  }

  #look(): void {
    const found = this.#readAll();
    if (found === undefined) return;
    this.#token = found.token;
    for (const [watcher, versions] of found.versions) {
      const isChanged = versions.some((version, at) => version !== watcher.seen[at]);
      watcher.seen = versions;
      if (isChanged) queueMicrotask(watcher.changed);
    }
  }

  /** What every watcher would see now; undefined when nobody has written since the last look. */
  #readAll(): { token: unknown; versions: [Watcher, Versions][] } | undefined {
    try {
      const token = this.#source.token();
      this.#log.worked();
      if (token === this.#token) return undefined;
      const all = [...this.#watchers];
      return { token, versions: all.map((watcher) => [watcher, this.#versions(watcher.keys)]) };
    } catch (error) {
      // The storage is busy or broken: whoever uses it next is told, and the next look tries again.
      this.#log.failed(error);
      return undefined;
    }
  }
}
