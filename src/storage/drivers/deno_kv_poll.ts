import { statSync } from "node:fs";
import { clearInterval, setInterval } from "node:timers";
import type { DenoKv, DenoKvKey } from "./deno_kv_types.ts";

/** How often another process's writes are looked for, in milliseconds. */
const POLL_MS = 50;
/** How long a file must not have been written to be trusted by its time, in milliseconds. */
const QUIET_MS = 100;
/** How many keys Deno KV reads at once. */
const KEYS_AT_ONCE = 10;

interface Watcher {
  readonly keys: readonly DenoKvKey[];
  readonly changed: () => void;
  seen: readonly (string | null)[] | undefined;
}

/**
 * Watches keys of a local Deno KV, whose own `watch` tells of the writes of this process alone: looks
 * at the size and time of its files now and then, and at the keys when they have changed. It never
 * keeps the process alive.
 */
export class KvPolling {
  readonly #kv: DenoKv;
  readonly #path: string | undefined;
  readonly #watchers = new Set<Watcher>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #token: string | undefined;
  #isLooking = false;

  /** Watches the database at `path`; undefined where the platform decides on it. */
  constructor(kv: DenoKv, path: string | undefined) {
    this.#kv = kv;
    this.#path = path;
  }

  /** Calls `changed` when one of `keys` is found changed, or could have been meanwhile. */
  watch(keys: readonly DenoKvKey[], changed: () => void): () => void {
    const watcher: Watcher = { keys, changed, seen: undefined };
    this.#watchers.add(watcher);
    this.#token = undefined;
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => void this.#look(), POLL_MS);
      this.#timer.unref();
    }
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async #look(): Promise<void> {
    const token = this.#readToken();
    if (this.#isLooking || (token !== undefined && token === this.#token)) return;
    this.#isLooking = true;
    try {
      for (const watcher of [...this.#watchers]) await this.#lookAt(watcher);
      this.#token = token;
    } catch {
      // The database is busy or closed: whoever uses it next is told, and the next look tries again.
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAt(watcher: Watcher): Promise<void> {
    const versions: (string | null)[] = [];
    for (let at = 0; at < watcher.keys.length; at += KEYS_AT_ONCE) {
      const entries = await this.#kv.getMany(watcher.keys.slice(at, at + KEYS_AT_ONCE));
      versions.push(...entries.map(({ versionstamp }) => versionstamp));
    }
    const isChanged = versions.some((version, at) => version !== watcher.seen?.[at]);
    watcher.seen = versions;
    if (isChanged && this.#watchers.has(watcher)) watcher.changed();
  }

  /** Something that differs after any process has written; undefined when that cannot be seen. */
  #readToken(): string | undefined {
    if (this.#path === undefined) return undefined;
    const stats = [this.#path, `${this.#path}-wal`].map((path) => {
      return statSync(path, { throwIfNoEntry: false });
    });
    // Within one tick of the file system's clock a file can be written again unseen.
    const quiet = Date.now() - QUIET_MS;
    if (stats.some((stat) => stat !== undefined && stat.mtimeMs > quiet)) return undefined;
    return stats.map((stat) => `${stat?.size} ${stat?.mtimeMs}`).join(" ");
  }
}
