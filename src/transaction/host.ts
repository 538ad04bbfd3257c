/**
 * What a transaction asks of the instance behind its database: the part of the database's own port that
 * stands below it.
 *
 * @module
 */

import type { VerificationStatus, WriteSource } from "../backend/backend.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { DerivedKeys } from "../store/derived_keys.ts";
import type { Clock } from "../util/clock.ts";
import type { RandomSource } from "../util/random.ts";

/** What `putEntry` is told about an entry. */
export interface PutOptions {
  /** `Verified` for an entry that this node has validated itself, else `Unverified`. */
  readonly verification: VerificationStatus;
  /** Where the entry came from. */
  readonly source: WriteSource;
}

/** What makes an entry the only change of its tree since its transaction began. */
export interface Alone {
  /** Verified tips of the tree when the transaction began, and still when it is stored. */
  readonly tips: Snapshot;
  /** Called when the entry is durable; write handlers may be at work still. */
  readonly written: () => void;
}

/** The instance, as seen by transactions. */
export interface TransactionHost {
  /** Storage engine; fails with `InstanceDropped` after the instance was closed. */
  readonly backend: LocalBackend;
  /** Time source for heights and records. */
  readonly clock: Clock;
  /** Source of entropy, keys and row IDs. */
  readonly random: RandomSource;
  /** Keys of encrypted stores that were opened with their passwords. */
  readonly derivedKeys: DerivedKeys;
  /**
   * Stores an entry and runs the write handlers of its tree. One that must be `alone` is refused with
   * `Overtaken` if the tree was changed since.
   */
  putEntry(tree: ID, entry: Entry, options: PutOptions, alone?: Alone): Promise<void>;
}
