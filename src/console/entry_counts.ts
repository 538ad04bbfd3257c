import { ArrivalLog } from "../backend/log/arrival_log.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { ID } from "../entry/id.ts";

/** How many entries of a database are held. */
export interface EntryCounts {
  /** All of them. */
  readonly all: number;
  /** Those that are valid. */
  readonly verified: number;
  /** Those that wait for a verdict. */
  readonly unverified: number;
  /** Those that are not valid. */
  readonly failed: number;
}

/** Counts the entries of a database out of its head: none is read, however many there are. */
export async function countEntries(backend: LocalBackend, tree: ID): Promise<EntryCounts> {
  const verified = (await ArrivalLog.of(backend).head(tree))?.count ?? 0;
  const { unverified, failed } = await backend.pending(tree);
  return { all: verified + unverified + failed, verified, unverified, failed };
}
