import { fs, timers } from "#node";
import type { Stats } from "node:fs";
import { realTarget } from "../shared/paths.ts";
import { LookLog } from "../shared/look_log.ts";
import { KeyWatch, type ReadVersions } from "../shared/key_watch.ts";

/** How often the writes of others to a local file are looked for, in milliseconds: a look at the file. */
export const LOCAL_MS = 50;
/** How often elsewhere, where a look is a request. */
export const REMOTE_MS = 1000;
/** How long a file must not have been written to be trusted by its time, in milliseconds. */
const QUIET_MS = 100;

/**
 * Watches keys without Deno KV's own `watch`, which keeps the process alive, and which tells of the writes of
 * this process alone when the database is local. Looks at the size and time of its files now and then, and at the
 * keys when they have changed. It never keeps the process alive.
 */
export class KvPolling {
  readonly #keys: KeyWatch;
  readonly #path: string | undefined;
  readonly #everyMs: number;
  readonly #log = new LookLog("deno-kv");
  #timer: ReturnType<typeof timers.setInterval> | undefined;
  #token: string | undefined;

  /** Watches the database at `path`, undefined where there is no file to look at; looks every `everyMs`. */
  constructor(read: ReadVersions, path: string | undefined, everyMs: number = LOCAL_MS) {
    this.#keys = new KeyWatch(read);
    this.#everyMs = everyMs;
    // Behind a link, what SQLite writes is beside the file and not beside the link.
    this.#path = path && realTarget(path);
  }

  /** Calls `changed` when one of `keys` is found changed, or could have been meanwhile. */
  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    const stop = this.#keys.add(keys, changed);
    this.#token = undefined;
    if (this.#timer === undefined) {
      this.#timer = timers.setInterval(() => void this.#look(), this.#everyMs);
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
      this.#log.worked();
    } catch (error) {
      if (!this.#keys.isEmpty) this.#log.failed(error);
      // The database is busy or closed: whoever uses it next is told, and the next look tries again.
    }
  }

  /** Something that differs after any process has written; undefined when that cannot be seen. */
  #readToken(): string | undefined {
    if (this.#path === undefined) return undefined;
    const stats = statsOf(this.#path);
    if (stats === undefined) return undefined;
    // Within one tick of the file system's clock a file can be written again unseen.
    const quiet = Date.now() - QUIET_MS;
    if (stats.some((stat) => stat !== undefined && stat.mtimeMs > quiet)) return undefined;
    return stats.map((stat) => `${stat?.size} ${stat?.mtimeMs}`).join(" ");
  }
}

/** What the file system says of a file of SQLite and of its log; undefined when it says nothing to this process. */
function statsOf(path: string): (Stats | undefined)[] | undefined {
  try {
    return [path, `${path}-wal`].map((each) => fs.statSync(each, { throwIfNoEntry: false }));
  } catch {
    // Deno may let a process have the one file and not the other.
    return undefined;
  }
}
