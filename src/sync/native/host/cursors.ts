import { decodeCursor, encodeCursor, type LogCursor } from "../../../backend/log/log_cursor.ts";
import { peerCursorKey } from "../../../backend/records/keys.ts";
import type { ID } from "../../../entry/id.ts";
import type { PublicKey } from "../../../keys/public_key.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { Logger } from "../../../util/log.ts";
import type { Timers } from "../../worker/timers.ts";

const log = new Logger("sync");

/** Milliseconds between two writes of a place that moves on and on. */
export const CURSOR_WRITE_MS = 1000;

type Moved = readonly [name: string, item: readonly [key: Uint8Array, cursor: LogCursor]];

/**
 * Up to where this node has the logs of its peers: what a session begins with, so that a cut costs nothing. Places lie
 * in the storage beside the entries, and so are never ahead of these.
 */
export class PeerCursors {
  readonly #driver: StorageDriver;
  readonly #timers: Timers;
  readonly #moved = new Map<string, readonly [key: Uint8Array, cursor: LogCursor]>();
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** The places in a storage. */
  constructor(driver: StorageDriver, timers: Timers) {
    this.#driver = driver;
    this.#timers = timers;
  }

  /** Up to where the log of a peer is here; undefined when nothing is known. */
  async get(tree: ID, peer: PublicKey): Promise<LogCursor | undefined> {
    const moved = this.#moved.get(nameOf(tree, peer));
    if (moved !== undefined) return moved[1];
    const stored = await this.#driver.get(peerCursorKey(tree, peer.bytes));
    return stored === undefined ? undefined : decodeCursor(stored.value);
  }

  /** Notes that everything of a peer's log up to a place is durable here. */
  move(tree: ID, peer: PublicKey, cursor: LogCursor): void {
    this.#moved.set(nameOf(tree, peer), [peerCursorKey(tree, peer.bytes), cursor]);
    this.#cancel ??= this.#timers.after(CURSOR_WRITE_MS, () => void this.flush());
  }

  /** Writes what has moved. Nothing is lost when that fails: more is sent the next time. */
  flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    return this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const most = this.#driver.capabilities.maxBatchChanges;
    try {
      while (this.#moved.size > 0) await this.#writeSome([...this.#moved].slice(0, most));
    } catch (error) {
      log.warn("cannot write up to where logs of peers are here: {error}", { error });
    }
  }

  async #writeSome(moved: readonly Moved[]): Promise<void> {
    const set = moved.map(([, [key, cursor]]) => [key, encodeCursor(cursor)] as const);
    await this.#driver.commit({ set });
    for (const [name, item] of moved) {
      if (this.#moved.get(name) === item) this.#moved.delete(name);
    }
  }
}

function nameOf(tree: ID, peer: PublicKey): string {
  return `${tree} ${peer}`;
}
