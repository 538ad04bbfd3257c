import { fs, timers } from "#node";
import { realTarget } from "../shared/paths.ts";
import { KeyWatch, type ReadVersions } from "../shared/key_watch.ts";

/** How often another process's writes are looked for, in milliseconds. */
const POLL_MS = 50;
/** How long a file must not have been written to be trusted by its time, in milliseconds. */
const QUIET_MS = 100;

/**
 * Watches keys of a local Deno KV, whose own `watch` tells of the writes of this process alone: looks
 * at the size and time of its files now and then, and at the keys when they have changed. It never
 * keeps the process alive.
 */
export class KvPolling {
  readonly #keys: KeyWatch;
  readonly #path: string | undefined;
  #timer: ReturnType<typeof timers.setInterval> | undefined;
  #token: string | undefined;

  /** Watches the database at `path`; undefined where the platform decides on it. */
  constructor(read: ReadVersions, path: string | undefined) {
    this.#keys = new KeyWatch(read);
    // Behind a link, what SQLite writes is beside the file and not beside the link.
    this.#path = path && realTarget(path);
  }

  /** Calls `changed` when one of `keys` is found changed, or could have been meanwhile. */
  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    const stop = this.#keys.add(keys, changed);
    this.#token = undefined;
    if (this.#timer === undefined) {
      this.#timer = timers.setInterval(() => void this.#look(), POLL_MS);
      this.#timer.unref();
    }
    return () => {
      stop();
      if (!this.#keys.isEmpty) return;
      timers.clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async #look(): Promise<void> {
    const token = this.#readToken();
    if (token !== undefined && token === this.#token) return;
    try {
      await this.#keys.look();
      this.#token = token;
    } catch {
      // The database is busy or closed: whoever uses it next is told, and the next look tries again.
    }
  }

  /** Something that differs after any process has written; undefined when that cannot be seen. */
  #readToken(): string | undefined {
    if (this.#path === undefined) return undefined;
    const stats = [this.#path, `${this.#path}-wal`].map((path) => {
      return fs.statSync(path, { throwIfNoEntry: false });
    });
    // Within one tick of the file system's clock a file can be written again unseen.
    const quiet = Date.now() - QUIET_MS;
    if (stats.some((stat) => stat !== undefined && stat.mtimeMs > quiet)) return undefined;
    return stats.map((stat) => `${stat?.size} ${stat?.mtimeMs}`).join(" ");
  }
}
