/**
 * The engine's contract: what transactions, databases and the instance ask of storage (05 §3, §10).
 *
 * @module
 */

import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";

/**
 * This node's own verdict on an entry. `Verified`: signed by a key that was allowed to, under the settings that
 * the entry names, and so is all that it stands on. `Failed`: it never will be. `Unverified`: something that it
 * names has not arrived. Every node judges for itself; no protocol carries the verdict.
 */
export type VerificationStatus = "Verified" | "Failed" | "Unverified";

/**
 * Where a write came from: `local` for a commit of this process, `remote` for what a peer or another process has
 * written, and for what could be judged only now. There may be more one day.
 */
export type WriteSource = "local" | "remote";

/** Public identity of an instance; a storage that has it is initialised. */
export interface InstanceMetadata {
  /** Device public key, `ed25519:…`. */
  readonly id: string;
  /** Root of the `_users` database, as CID text. */
  readonly users_db: string;
  /** Root of the `_databases` database, as CID text. */
  readonly databases_db: string;
  /** Root of the `_sync` database, or null until sync is enabled. */
  readonly sync_db: string | null;
}

/** Secrets of the device. They are kept in the storage and never leave the process. */
export interface InstanceSecrets {
  /** Device private key, `ed25519:…` (the seed). */
  readonly signing_key: string;
}

/**
 * Whether entries are below others: all are, one is not, or it cannot be told while the entries in `missing` are
 * not held.
 */
export type Reachability =
  | { readonly verdict: "Reachable" }
  | { readonly verdict: "Unreachable" }
  | { readonly verdict: "Indeterminate"; readonly missing: readonly ID[] };

/**
 * The storage engine: entries with their verdicts, and how they stand on each other. Most programs need nothing of
 * it; tools that move or inspect entries do.
 *
 * "Tips" are entries that no other held entry stands on. "Fold order" is the order in which entries are merged on
 * every node: lower heights first, those of one height by the text of their IDs.
 */
export interface Backend {
  /** The entry with this ID; `EntryNotFound` when it is not held. */
  get(id: ID): Promise<Entry>;
  /** Whether an entry with this ID is held. */
  hasEntry(id: ID): Promise<boolean>;
  /** Stores an entry as Unverified; an entry already held stays as it is, status included. */
  put(entry: Entry): Promise<void>;
  /** This node's verdict on an entry; `VerificationStatusNotFound` when it is not held. */
  getVerificationStatus(id: ID): Promise<VerificationStatus>;
  /** Overwrites the verdict; `EntryNotFound` when the entry is not held. */
  updateVerificationStatus(id: ID, status: VerificationStatus): Promise<void>;
  /** IDs of all held entries with this status, over all trees, in no order. */
  getEntriesByVerificationStatus(status: VerificationStatus): Promise<ID[]>;
  /** Tips of all held entries of a tree, whatever their status; empty for an unknown tree. */
  snapshot(tree: ID): Promise<Snapshot>;
  /** Tips of the Verified entries of a tree; empty for an unknown tree. */
  verifiedSnapshot(tree: ID): Promise<Snapshot>;
  /** Tips of a store over all held entries. */
  storeSnapshot(tree: ID, store: string): Promise<Snapshot>;
  /** Tips of a store among the entries that `main` reaches: what the store was at that snapshot of the tree. */
  storeSnapshotAt(tree: ID, store: string, main: Snapshot): Promise<Snapshot>;
  /** IDs of all held root entries, in no order. */
  allRoots(): Promise<ID[]>;
  /** Every held entry of a tree, in fold order. */
  getTree(tree: ID): Promise<Entry[]>;
  /** Every held entry of a store, in fold order of the store. */
  getStore(tree: ID, store: string): Promise<Entry[]>;
  /** The tips and all held main-parent ancestors, in fold order. */
  getTreeFromTips(tree: ID, tips: Snapshot): Promise<Entry[]>;
  /** The tips and all held store-parent ancestors, in fold order of the store. */
  storeAt(tree: ID, store: string, tips: Snapshot): Promise<Entry[]>;
  /** An entry's parents in a store, by store height, then fold order of IDs. */
  getSortedStoreParents(tree: ID, id: ID, store: string): Promise<ID[]>;
  /** The entries of a store that `to` reaches, itself included, down to `from`, itself excluded, in fold order. */
  getPathFromTo(tree: ID, store: string, from: ID, to: readonly ID[]): Promise<ID[]>;
  /**
   * The nearest entry of a store that all paths from the given entries down to its beginning lead through: what is
   * below it is the same for all of them.
   */
  findMergeBase(tree: ID, store: string, ids: readonly ID[]): Promise<ID>;
  /** Whether every target is one of the `from` entries or lies below one of them. */
  checkTargetsReachableFrom(
    tree: ID,
    from: readonly ID[],
    targets: readonly ID[],
  ): Promise<Reachability>;
  /** The public identity of the instance; undefined before it is initialised. */
  getInstanceMetadata(): Promise<InstanceMetadata | undefined>;
  /** Replaces the public identity of the instance. */
  setInstanceMetadata(metadata: InstanceMetadata): Promise<void>;
  /** The device secrets, where this backend holds them. */
  getInstanceSecrets(): Promise<InstanceSecrets | undefined>;
  /** Replaces the device secrets. */
  setInstanceSecrets(secrets: InstanceSecrets): Promise<void>;
}
