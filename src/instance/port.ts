/**
 * What an instance does its work with: an engine over a storage of its own, or one that works for a daemon,
 * which owns the storage. Nothing above can tell them apart.
 *
 * @module
 */

import type { DatabaseHost, WriteEvent } from "../database/host.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { Sync, SyncOptions } from "../sync/port.ts";
import type { UserHost } from "../user/host.ts";
import type { Session } from "../user/session.ts";
import type { WorkOptions } from "../util/work.ts";
import type { InstanceHost } from "./instance_host.ts";
import type { RemoteWriteReport } from "./tree_judge.ts";

/** How a batch of entries from elsewhere is taken in. */
export interface RemoteWork extends WorkOptions {
  /** Verified tips that the tree must still have when the first of it is stored, else it is refused with `Overtaken`. */
  readonly alone?: Snapshot | undefined;
}

/** The way that all writes of an instance take, and by which it hears of those of others. */
export interface Writes extends
  Pick<
    DatabaseHost,
    "actAs" | "putEntry" | "verify" | "verifyEntry" | "settle" | "isSettled" | "onWrite"
  > {
  /** Stores and judges a batch; see `Instance.putRemoteEntries`. */
  putRemoteEntries(
    tree: ID,
    entries: readonly Entry[],
    work?: RemoteWork,
  ): Promise<RemoteWriteReport>;
  /** Registers a handler of this process's writes to all trees; what it returns ends that. */
  onAnyWrite(handler: (tree: ID, event: WriteEvent) => void | Promise<void>): () => void;
  /** Takes no more writes, finishes those that were taken, and ends all registrations. */
  close(): Promise<void>;
}

/** What an instance does differently on one engine and another, besides what their backends do. */
export interface Engine {
  /** The way of all writes. */
  readonly writes: Writes;
  /** Logs a user in; see `Instance.loginUser`. */
  login(host: UserHost, name: string, password: string | undefined): Promise<Session>;
  /** Begins to synchronise; see `Instance.enableSync`. */
  enableSync(host: UserHost, instance: InstanceHost, options: SyncOptions): Promise<Sync>;
}
