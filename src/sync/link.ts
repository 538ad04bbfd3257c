import { setInspection } from "#inspect";
import type { ID } from "../entry/id.ts";
import type { PeerWorker } from "./worker/peer_worker.ts";

/** A database that is kept in step with some peers. Disposing it ends that. */
export class SyncLink implements AsyncDisposable {
  /** Root of the database. */
  readonly tree: ID;
  readonly #workers: readonly PeerWorker[];
  readonly #unfollow: () => Promise<void>;

  /** Use `sync.follow`. */
  constructor(tree: ID, workers: readonly PeerWorker[], unfollow: () => Promise<void>) {
    this.tree = tree;
    this.#workers = workers;
    this.#unfollow = unfollow;
  }

  /**
   * Whether everybody was in step when it was last looked at; `live` when all get at once, over open connections, what
   * is committed.
   */
  get status(): "live" | "synced" | "waiting" {
    const waits = this.#workers.some(({ waiting }) => waiting.some((it) => it.equals(this.tree)));
    if (waits) return "waiting";
    const isLive = this.#workers.every(({ live }) => live.of(this.tree)?.isSettled === true);
    return isLive && this.#workers.length > 0 ? "live" : "synced";
  }

  /** Resolves when everybody is in step; rejects with the reason when somebody cannot be brought there now. */
  async synced(): Promise<void> {
    const lacks = (await Promise.all(this.#workers.map((worker) => worker.settle()))).flat();
    const own = lacks.find(({ tree }) => tree.equals(this.tree));
    if (own !== undefined) throw own.error;
  }

  /** Keeps the database in step no longer. */
  async close(): Promise<void> {
    await this.#unfollow();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

setInspection(SyncLink, "SyncLink", ({ tree, status }) => [tree, status]);
