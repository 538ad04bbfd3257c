import type { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import type { Batch, StorageDriver } from "../storage/driver.ts";
import type { VerificationStatus } from "./backend.ts";
import type { BacklogTrees } from "./backlog/backlog_trees.ts";
import { ArrivalLog, type LogOwner } from "./log/arrival_log.ts";
import { MAX_ATTEMPTS, outrun } from "./records/attempts.ts";
import { grown } from "./records/arrivals.ts";
import { EMPTY_BUFFER, writeOut } from "./records/change_buffer.ts";
import type { EntryCache } from "./records/entry_cache.ts";
import { backlogKey, headKey, idKey, unverifiedKey } from "./records/keys.ts";
import { listTree } from "./records/stored_entries.ts";
import {
  bufferedArrival,
  encodeHead,
  encodeIdRow,
  type Frontiers,
  type IdRow,
} from "./records/tree_records.ts";
import type { CachedTree, TreeCache } from "./tree/tree_cache.ts";

/** The engine, as far as changing verdicts after the fact needs it. */
export interface DemotionSource extends LogOwner {
  /** The storage. */
  readonly driver: StorageDriver;
  /** Heads and store frontiers. */
  readonly trees: TreeCache;
  /** Entries used last. */
  readonly entries: EntryCache;
  /** Trees with Unverified entries. */
  readonly backlogs: BacklogTrees;
  /** The row of an entry as storage holds it now. */
  loadRow(id: ID): Promise<IdRow | undefined>;
}

interface Row {
  readonly entry: Entry;
  status: VerificationStatus;
}

/** All entries of a tree with their verdicts, parents first. */
type Rows = Map<string, Row>;

/**
 * Overwrites one verdict, whatever it was. Frontiers of the Verified set are rebuilt from
 * the whole tree, so this is for local repair and tests, not for the write path.
 */
export async function overwriteStatus(
  source: DemotionSource,
  entry: Entry,
  status: VerificationStatus,
): Promise<void> {
  await rewrite(source, entry.root ?? entry.id, (rows) => {
    rows.get(entry.id.toString())!.status = status;
  });
}

/** Makes an entry Unverified, and every Verified descendant of it. */
export async function demote(source: DemotionSource, tree: ID, id: ID): Promise<void> {
  await rewrite(source, tree, (rows) => {
    const tainted = new Set([id.toString()]);
    rows.get(id.toString())!.status = "Unverified";
    for (const [key, row] of rows) {
      if (!row.entry.parents.some((parent) => tainted.has(parent.toString()))) continue;
      tainted.add(key);
      if (row.status === "Verified") row.status = "Unverified";
    }
  });
}

/** Reads all rows of a tree, lets `change` edit them, and writes what follows, until it succeeds. */
async function rewrite(
  source: DemotionSource,
  tree: ID,
  change: (rows: Rows) => void,
): Promise<void> {
  for (let attempt = 0;; attempt++) {
    if (attempt >= MAX_ATTEMPTS) throw outrun(`judge tree "${tree}" anew`);
    // Who fills in a log relies on it that what was Verified stays so.
    await ArrivalLog.of(source).finish(tree);
    const base = await source.trees.read(tree);
    if (base.head.log?.front !== undefined) continue;
    const rows: Rows = new Map();
    for (const entry of await listTree(source, tree)) {
      rows.set(entry.id.toString(), { entry, status: (await source.loadRow(entry.id))!.status });
    }
    const before = new Set(verifiedPrefix(rows));
    change(rows);
    const result = await source.driver.commit(await batchOf(source, tree, base, rows, before));
    source.trees.forget(tree);
    for (const { entry } of rows.values()) source.entries.delete(entry.id);
    if (result.ok) return source.backlogs.forget();
  }
}

async function batchOf(
  source: DemotionSource,
  tree: ID,
  base: CachedTree,
  rows: Rows,
  before: ReadonlySet<Entry>,
): Promise<Batch> {
  const sequence = base.head.sequence + 1;
  const set: [Uint8Array, Uint8Array][] = [];
  const remove: Uint8Array[] = [];
  const counts = { unverified: 0, unverifiedBytes: 0, failed: 0, failedBytes: 0 };
  for (const { entry, status } of rows.values()) {
    const row = { status, height: entry.height, tree };
    set.push([idKey(entry.id), encodeIdRow(row, entry.bytes)]);
    const marker = unverifiedKey(tree, entry.height, entry.id);
    if (status === "Failed") {
      counts.failed++;
      counts.failedBytes += entry.bytes.length;
    }
    if (status !== "Unverified") remove.push(marker);
    else {
      // All that is Unverified is looked at again: what it waited for may have changed.
      set.push([marker, new Uint8Array(0)]);
      counts.unverified++;
      counts.unverifiedBytes += entry.bytes.length;
    }
  }
  if (counts.unverified > 0) set.push([backlogKey(tree), new Uint8Array(0)]);
  else remove.push(backlogKey(tree));
  const prefix = verifiedPrefix(rows);
  const stores = new Map<string, Frontiers>();
  for (const store of storesOf([...rows.values()].map(({ entry }) => entry))) {
    const { raw } = (await source.trees.store(tree, base, store))!;
    stores.set(store, { sequence, verified: frontier(prefix, store), raw });
  }
  const arrived = prefix.filter((entry) => !before.has(entry));
  const longer = base.head.log && { ...grown(base.head.log, arrived.length), count: prefix.length };
  const { buffer } = base.head;
  const arrivals = [...buffer.arrivals, ...arrived.map((entry) => bufferedArrival(entry))];
  const log = writeOut(tree, longer, { stores, rows: buffer.rows, arrivals }, set);
  const verified = frontier(prefix, undefined);
  const head = { ...base.head, ...counts, sequence, verified, log, buffer: EMPTY_BUFFER };
  set.push([headKey(tree), encodeHead(head)]);
  return { checks: [{ key: headKey(tree), version: base.version }], set, delete: remove };
}

function storesOf(entries: readonly Entry[]): Set<string> {
  return new Set(entries.flatMap((entry) => [...entry.subtrees]));
}

/** The Verified entries all of whose ancestors are Verified. */
function verifiedPrefix(rows: Rows): Entry[] {
  const prefix = new Map<string, Entry>();
  for (const [key, { entry, status }] of rows) {
    const closed = entry.parents.every((parent) => prefix.has(parent.toString()));
    if (status === "Verified" && closed) prefix.set(key, entry);
  }
  return [...prefix.values()];
}

/** The members of a store, or of the tree, that no other one lists as a parent. */
function frontier(entries: readonly Entry[], store: string | undefined): ID[] {
  const members = store === undefined ? entries : entries.filter((entry) => entry.inSubtree(store));
  const parentsOf = (entry: Entry) =>
    store === undefined ? entry.parents : entry.subtreeParents(store);
  const covered = new Set(members.flatMap((entry) => parentsOf(entry).map(String)));
  return members.map((entry) => entry.id).filter((id) => !covered.has(id.toString()))
    .sort(ID.compare);
}
