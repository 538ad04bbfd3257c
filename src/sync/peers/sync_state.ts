/**
 * Records about the progress of synchronisation that applications may keep in `_sync` (store `sync_state`), as JSON
 * texts under paths. The engine keeps its own cursors elsewhere.
 *
 * ```text
 * cursors.<peer>.<tree>   { peer_pubkey, tree_id, last_synced_entry, last_sync_time, last_sync_count, total_synced_count }
 * metadata.<peer>         { peer_pubkey, sync_established, last_sync_attempt, last_successful_sync, successful_sync_count,
 *                           failed_sync_count, total_entries_synced, total_bytes_synced, average_sync_duration_ms, synced_trees }
 * history.<uuid>          { sync_id, peer_pubkey, tree_id, started_at, completed_at, success, entries_count,
 *                           bytes_transferred, duration_ms, error_message }
 * ```
 *
 * @module
 */

import { setInspection } from "#inspect";
import { Doc } from "../../crdt/doc.ts";
import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { DocStore } from "../../store/doc_store.ts";
import { optionsOf } from "../../util/arguments.ts";
import { type Clock, formatRfc3339 } from "../../util/clock.ts";
import { type RandomSource, uuidV4 } from "../../util/random.ts";
import { tryParse } from "./parse.ts";

/** How far a tree has come with a peer. */
export interface SyncCursor {
  /** Public key of the peer. */
  readonly peer_pubkey: string;
  /** Root of the tree. */
  readonly tree_id: string;
  /** The entry that arrived last; null before the first. */
  readonly last_synced_entry: string | null;
  /** When it did, RFC 3339. */
  readonly last_sync_time: string;
  /** How many entries came the last time. */
  readonly last_sync_count: number;
  /** How many entries came in all. */
  readonly total_synced_count: number;
}

/** How synchronisation with a peer has gone so far. */
export interface SyncMetadata {
  /** Public key of the peer. */
  readonly peer_pubkey: string;
  /** When the record was begun, RFC 3339. */
  readonly sync_established: string;
  /** When it was tried last, RFC 3339. */
  readonly last_sync_attempt: string;
  /** When it succeeded last, RFC 3339; null before the first time. */
  readonly last_successful_sync: string | null;
  /** How often it succeeded. */
  readonly successful_sync_count: number;
  /** How often it failed. */
  readonly failed_sync_count: number;
  /** Entries transferred in all. */
  readonly total_entries_synced: number;
  /** Bytes transferred in all. */
  readonly total_bytes_synced: number;
  /** Mean of the durations of what succeeded, in milliseconds. */
  readonly average_sync_duration_ms: number;
  /** Roots of the trees that were synchronised. */
  readonly synced_trees: readonly string[];
}

/** One round of synchronisation. */
export interface SyncHistoryEntry {
  /** Its UUID. */
  readonly sync_id: string;
  /** Public key of the peer. */
  readonly peer_pubkey: string;
  /** Root of the tree. */
  readonly tree_id: string;
  /** When it began, RFC 3339. */
  readonly started_at: string;
  /** When it ended, RFC 3339. */
  readonly completed_at: string;
  /** Whether it succeeded. */
  readonly success: boolean;
  /** Entries transferred. */
  readonly entries_count: number;
  /** Bytes transferred. */
  readonly bytes_transferred: number;
  /** How long it took, in milliseconds. */
  readonly duration_ms: number;
  /** Why it failed; null when it did not. */
  readonly error_message: string | null;
}

/** What a round of synchronisation came to. */
export type SyncOutcome = Pick<
  SyncHistoryEntry,
  "success" | "entries_count" | "bytes_transferred" | "duration_ms" | "error_message"
>;

const DAY_MS = 86_400_000;

/** The records of progress, within one transaction or view of `_sync`. */
export class SyncStateManager {
  readonly #store: DocStore;
  readonly #clock: Clock;

  /** Records in the store `sync_state`. */
  constructor(store: DocStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** How far a tree has come with a peer; a fresh cursor when nothing can be read. */
  async cursor(peer: PublicKey, tree: ID): Promise<SyncCursor> {
    return await this.#read<SyncCursor>(["cursors", peer.toString(), tree.toString()]) ?? {
      peer_pubkey: peer.toString(),
      tree_id: tree.toString(),
      last_synced_entry: null,
      last_sync_time: this.#clock.nowRfc3339(),
      last_sync_count: 0,
      total_synced_count: 0,
    };
  }

  /** Notes that so many entries came, `last` at the end. */
  async advance(peer: PublicKey, tree: ID, last: ID, count: number): Promise<SyncCursor> {
    const before = await this.cursor(peer, tree);
    const cursor = {
      ...before,
      last_synced_entry: last.toString(),
      last_sync_time: this.#clock.nowRfc3339(),
      last_sync_count: count,
      total_synced_count: before.total_synced_count + count,
    };
    await this.saveCursor(cursor);
    return cursor;
  }

  /** Stores a cursor as it is. */
  async saveCursor(cursor: SyncCursor): Promise<void> {
    await this.#write(["cursors", cursor.peer_pubkey, cursor.tree_id], cursor);
  }

  /** How synchronisation with a peer has gone so far; a fresh record when nothing can be read. */
  async metadata(peer: PublicKey): Promise<SyncMetadata> {
    const now = this.#clock.nowRfc3339();
    return await this.#read<SyncMetadata>(["metadata", peer.toString()]) ?? {
      peer_pubkey: peer.toString(),
      sync_established: now,
      last_sync_attempt: now,
      last_successful_sync: null,
      successful_sync_count: 0,
      failed_sync_count: 0,
      total_entries_synced: 0,
      total_bytes_synced: 0,
      average_sync_duration_ms: 0,
      synced_trees: [],
    };
  }

  /** Adds a round to the totals of a peer and to the history; the round as it was noted. */
  async record(
    peer: PublicKey,
    tree: ID,
    startedAt: string,
    outcome: SyncOutcome,
    random: RandomSource,
  ): Promise<SyncHistoryEntry> {
    const now = this.#clock.nowRfc3339();
    const before = await this.metadata(peer);
    await this.#write(["metadata", peer.toString()], withRound(before, tree, now, outcome));
    const round: SyncHistoryEntry = {
      sync_id: uuidV4(random),
      peer_pubkey: peer.toString(),
      tree_id: tree.toString(),
      started_at: startedAt,
      completed_at: now,
      ...outcome,
    };
    await this.#write(["history", round.sync_id], round);
    return round;
  }

  /** Rounds with a peer, the newest first. */
  async history(peer: PublicKey, limit: number = Infinity): Promise<SyncHistoryEntry[]> {
    const own = (await this.#rounds()).filter((round) => round.peer_pubkey === peer.toString());
    own.sort((a, b) => a.started_at < b.started_at ? 1 : a.started_at > b.started_at ? -1 : 0);
    return own.slice(0, limit);
  }

  /** Removes rounds that began more than so many days ago; how many there were. */
  async cleanUp(days: number): Promise<number> {
    const limit = formatRfc3339(Math.max(0, this.#clock.nowMillis() - days * DAY_MS));
    const old = (await this.#rounds()).filter((round) => round.started_at < limit);
    for (const round of old) await this.#store.delete(["history", round.sync_id]);
    return old.length;
  }

  async #rounds(): Promise<SyncHistoryEntry[]> {
    const all = await this.#store.getOption(["history"]);
    if (!(all instanceof Doc)) return [];
    return [...all.entries()].flatMap(([, text]) => parse<SyncHistoryEntry>(text));
  }

  async #read<T>(path: readonly string[]): Promise<T | undefined> {
    return parse<T>(await this.#store.getOption(path))[0];
  }

  async #write(path: readonly string[], record: object): Promise<void> {
    await this.#store.set(path, JSON.stringify(record));
  }
}

setInspection(SyncStateManager, "SyncStateManager");

function parse<T>(text: unknown): T[] {
  if (typeof text !== "string") return [];
  return tryParse(() => JSON.parse(text) as T).filter((it) =>
    typeof it === "object" && it !== null
  );
}

function withRound(before: SyncMetadata, tree: ID, now: string, round: SyncOutcome): SyncMetadata {
  const attempted = { ...before, last_sync_attempt: now };
  if (!round.success) return { ...attempted, failed_sync_count: before.failed_sync_count + 1 };
  const successes = before.successful_sync_count + 1;
  const trees = new Set([...before.synced_trees, tree.toString()]);
  const more = round.duration_ms - before.average_sync_duration_ms;
  return {
    ...attempted,
    last_successful_sync: now,
    successful_sync_count: successes,
    total_entries_synced: before.total_entries_synced + round.entries_count,
    total_bytes_synced: before.total_bytes_synced + round.bytes_transferred,
    average_sync_duration_ms: before.average_sync_duration_ms + more / successes,
    synced_trees: [...trees],
  };
}

/** Share of rounds that succeeded; 0 when there were none. */
export function successRate(metadata: SyncMetadata): number {
  const { successful_sync_count: successes = 0, failed_sync_count: failures = 0 } = optionsOf(
    metadata,
    "tell how many rounds succeeded",
  );
  const all = successes + failures;
  return all === 0 ? 0 : successes / all;
}
