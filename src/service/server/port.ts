/**
 * What the server asks of the instance that it serves.
 *
 * @module
 */

import type { DatabaseHost } from "../../database/host.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { RemoteWork } from "../../instance/port.ts";
import type { RemoteWriteReport } from "../../instance/tree_judge.ts";

/** The part of an instance that reads, and takes entries that others have signed. */
export interface ServedHost extends DatabaseHost {
  /** Stores and judges entries from elsewhere. */
  putRemoteEntries(
    tree: ID,
    entries: readonly Entry[],
    work?: RemoteWork,
  ): Promise<RemoteWriteReport>;
}

/** A served instance. */
export interface ServedNode {
  /** Databases and entries. */
  readonly host: ServedHost;
  /** Root of `_users`. */
  readonly usersDbId: ID;
  /** Root of `_databases`, whose administrators administer the instance. */
  readonly databasesDbId: ID;
}
