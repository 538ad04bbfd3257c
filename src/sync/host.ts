/**
 * What synchronisation asks of the instance that it belongs to. The port cuts the circle between the two.
 *
 * @module
 */

import type { DatabaseHost, WriteEvent } from "../database/host.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { RemoteWriteReport } from "../instance/tree_judge.ts";
import type { UserHost } from "../user/host.ts";
import type { WorkOptions } from "../util/work.ts";

/** The part of an instance that writes entries from elsewhere and tells of all writes. */
export interface SyncWrites extends DatabaseHost {
  /** Stores and judges entries from elsewhere. */
  putRemoteEntries(
    tree: ID,
    entries: readonly Entry[],
    work?: WorkOptions,
  ): Promise<RemoteWriteReport>;
  /** Registers a handler of this process's writes to all trees; what it returns ends that. */
  onAnyWrite(handler: (tree: ID, event: WriteEvent) => void | Promise<void>): () => void;
}

/** The instance, as seen by synchronisation. */
export interface SyncHost extends UserHost {
  /** Databases and entries. */
  readonly host: SyncWrites;
  /** All users: UUID and root of the private database of each. */
  users(): Promise<(readonly [uuid: string, preferences: ID])[]>;
}
