import { MAX_PARENTS } from "../../entry/constants.ts";

/** How much of what is not Verified a tree holds at most. */
export interface BacklogLimits {
  /** Most entries that cannot be judged yet. */
  readonly entries: number;
  /** Most bytes of these, encoded. */
  readonly bytes: number;
  /** Most entries of other trees that are waited for. */
  readonly abroad: number;
  /** Most entries that one entry waits for. */
  readonly awaited: number;
  /** Most tips of the tree, and of each store, beyond those that are Verified. */
  readonly tips: number;
  /** Most entries that have failed. */
  readonly failed: number;
  /** Most bytes of entries that have failed, encoded. */
  readonly failedBytes: number;
}

/**
 * The usual limits of a tree. Anybody can send what cannot be judged, so it must have an end; a history
 * that arrives newest first must fit, since every part of it waits for the next. 100,000 entries
 * of a few hundred bytes are some 40 MiB, and 128 MiB leave room for large payloads, and for
 * the markers of what is waited for, which are a few times as long as the IDs in the entries. Entries of
 * other trees are looked up one by one when those trees change, so fewer of them are waited for: a
 * few thousand cost milliseconds. Tips are written with every change of the tree, and only entries that
 * nothing held builds on are tips: a history that comes in order, or backwards, has as many as it
 * has branches.
 *
 * Entries that have failed are kept so that they are not judged again, and that what builds on them fails
 * at once; no honest node makes one, and beyond ten thousand they are refused instead. One that has waited
 * before it failed is held already: those beyond the limit take the room of others that would wait.
 */
export const BACKLOG_LIMITS: BacklogLimits = Object.freeze({
  entries: 100_000,
  bytes: 128 * 1024 * 1024,
  abroad: 4096,
  awaited: MAX_PARENTS,
  tips: 1024,
  failed: 10_000,
  failedBytes: 16 * 1024 * 1024,
});
