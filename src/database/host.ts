/**
 * What a database asks of the instance that it belongs to. The port cuts the circle between the
 * two: the instance implements it, a database only knows this interface.
 *
 * @module
 */

import type { DatabaseKey } from "../auth/database_key.ts";
import type { WriteSource } from "../backend/backend.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { TransactionHost } from "../transaction/host.ts";
import type { WorkOptions } from "../util/work.ts";
import type { Database } from "./database.ts";

/** What one write, or one batch from elsewhere, changed in the verified state of a database. */
export interface WriteEvent {
  /**
   * The entries that became Verified between the two frontiers, parents before children: one for a commit here; for
   * a batch all of it that could be judged, and older entries that had waited for it. Each is told of once.
   */
  readonly entries: readonly Entry[];
  /** Verified tips before; the `postTips` of the event that this callback got last. */
  readonly previousTips: Snapshot;
  /** Verified tips after. */
  readonly postTips: Snapshot;
  /** Whether the write was made here, or came from a peer, a promotion or another process. */
  readonly source: WriteSource;
}

/** What gets the write events of a database. Its promise is awaited after the write is done. */
export type WriteHandler = (event: WriteEvent, database: Database) => void | Promise<void>;

/** Registration of a write handler; disposing it ends the registration. */
export interface WriteCallback extends Disposable {
  /** Keeps the handler registered for the life of the instance; disposing then does nothing. */
  detach(): void;
}

/** What `verify()` did. */
export interface VerifyCounts {
  /** Entries that became Verified. */
  readonly verified: number;
  /** Entries that became Failed. */
  readonly failed: number;
  /** Entries that cannot be judged yet. */
  readonly stillUnverified: number;
}

/** The instance, as seen by its databases. */
export interface DatabaseHost extends TransactionHost {
  /**
   * Runs `work` when those before it on the same tree have ended or called `leave`. It saves attempts that
   * would be overtaken, and promises nothing: other processes, and the impatient, do not wait.
   */
  inTurn<T>(
    tree: ID,
    work: (leave: () => void) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Notes that a handle acts as `key` on a tree: what is asked of others for it may be asked as that key. */
  actAs(tree: ID, key: DatabaseKey): void;
  /** Judges the Unverified entries of a tree. */
  verify(tree: ID, work?: WorkOptions): Promise<VerifyCounts>;
  /** Whether an entry is valid under the settings that it pins. Nothing is written. */
  verifyEntry(entry: Entry): Promise<boolean>;
  /** Judges the Unverified entries of a tree unless nothing has changed since the last time. */
  settle(tree: ID): Promise<void>;
  /** Whether it is known without a read that nothing of a tree waits for a verdict. */
  isSettled(tree: ID): boolean;
  /** Registers a write handler; its first event begins at `at`, or at the current frontier. */
  onWrite(
    tree: ID,
    handler: (event: WriteEvent) => void | Promise<void>,
    at?: Snapshot,
  ): Promise<WriteCallback>;
}
