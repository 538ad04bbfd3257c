/**
 * The storage port: an ordered map of byte strings with atomic batches and optimistic checks. A
 * driver implements it on one kind of storage; the engine above knows nothing else.
 *
 * @module
 */

/** Version of a stored value; it changes with every write of its key. Compare with `===` only. */
export type Version = string | number | bigint;

/** A value with its version. */
export interface Stored {
  /** The value. The caller must not change it. */
  readonly value: Uint8Array;
  /** Its version. */
  readonly version: Version;
}

/** What a batch relies on. */
export interface Check {
  /** The key. */
  readonly key: Uint8Array;
  /** The version that the key must have; undefined when it must be absent. */
  readonly version: Version | undefined;
}

/** Changes that are made together or not at all. */
export interface Batch {
  /** Nothing is changed unless all of these hold. */
  readonly checks?: readonly Check[];
  /** Values to write. */
  readonly set?: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
  /** Keys to remove. */
  readonly delete?: readonly Uint8Array[];
}

/** A range of keys in bytewise order. */
export interface Range {
  /** First key, included. */
  readonly start: Uint8Array;
  /** End of the range, excluded. */
  readonly end: Uint8Array;
  /** Descending instead of ascending order. */
  readonly reverse?: boolean;
  /** Most pairs to return. */
  readonly limit?: number;
}

/** A key with its value. The caller must change neither. */
export interface Pair extends Stored {
  /** The key. */
  readonly key: Uint8Array;
}

/** Whether a batch was applied, and the version of all keys that it has set. */
export type CommitResult = { readonly ok: true; readonly version: Version } | {
  readonly ok: false;
};

/** What a storage can do and bear, as data. */
export interface Capabilities {
  /** Whether data outlive the process. */
  readonly durable: boolean;
  /** Whether several processes can write at the same time. */
  readonly multiWriter: boolean;
  /**
   * Whether each call is a round trip over a network: the engine then asks for much at once rather than for
   * little again and again, also for what may not be needed.
   */
  readonly isFar?: boolean;
  /** Longest key, in bytes. */
  readonly maxKeyBytes: number;
  /** Longest value, in bytes. */
  readonly maxValueBytes: number;
  /** Most changes in one batch. */
  readonly maxBatchChanges: number;
  /**
   * Most bytes of all keys in one batch, {@link KEY_OVERHEAD_BYTES} for each key included; no limit if
   * undefined.
   */
  readonly maxBatchKeyBytes?: number;
}

/** What a key counts in a batch besides its own bytes, where its bytes count. */
export const KEY_OVERHEAD_BYTES = 32;

/** An ordered map of byte strings on some storage. */
export interface StorageDriver {
  /** Kind of storage, for example `"sqlite"`. */
  readonly name: string;
  /** What it can do and bear. */
  readonly capabilities: Capabilities;
  /** The value of a key; undefined when there is none. */
  get(key: Uint8Array): Promise<Stored | undefined>;
  /** The values of several keys, in their order. */
  getMany(keys: readonly Uint8Array[]): Promise<(Stored | undefined)[]>;
  /** The pairs of a range, in pages. */
  list(range: Range): AsyncIterable<readonly Pair[]>;
  /** Applies a batch atomically; resolves when it is as durable as the storage makes it. */
  commit(batch: Batch): Promise<CommitResult>;
  /**
   * A value that differs from the last one when another writer may have committed in between; own
   * commits do not change it. Cheap: it lets the engine keep what it has read.
   */
  changeToken?(): unknown;
  /** Calls `changed` when another writer has changed one of `keys`; returns how to stop it. */
  watch?(keys: readonly Uint8Array[], changed: () => void): () => void;
  /** Releases the storage; every later call fails with the code `Closed`. */
  close(): Promise<void>;
}
