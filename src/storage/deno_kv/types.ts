/** A key of Deno KV. */
export type DenoKvKey = readonly (string | number | Uint8Array)[];

/** What Deno KV holds under a key; `value` and `versionstamp` are null when it holds nothing. */
export interface DenoKvEntry {
  /** The key. */
  readonly key: readonly unknown[];
  /** The value. */
  readonly value: unknown;
  /** Version of the value. */
  readonly versionstamp: string | null;
}

/** A version that a key must have; null when it must be absent. */
export interface DenoKvCheck {
  /** The key. */
  readonly key: DenoKvKey;
  /** The version. */
  readonly versionstamp: string | null;
}

/** A transaction of Deno KV. */
export interface DenoKvAtomic {
  /** Adds conditions. */
  check(...checks: DenoKvCheck[]): unknown;
  /** Adds a change. */
  set(key: DenoKvKey, value: unknown): unknown;
  /** Adds a deletion. */
  delete(key: DenoKvKey): unknown;
  /** Tries to make the changes. */
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

/** What is needed of a `Deno.Kv`, or of an object that is shaped like one. */
export interface DenoKv {
  /** Reads a key. */
  get(key: DenoKvKey): Promise<DenoKvEntry>;
  /** Reads up to ten keys. */
  getMany(keys: DenoKvKey[]): Promise<readonly DenoKvEntry[]>;
  /** Lists a range. */
  list(
    range: { readonly start: DenoKvKey; readonly end: DenoKvKey } | { readonly prefix: DenoKvKey },
    options?: { readonly limit?: number; readonly reverse?: boolean; readonly batchSize?: number },
  ): AsyncIterable<DenoKvEntry>;
  /** Begins a transaction. */
  atomic(): DenoKvAtomic;
  /** Tells when one of up to ten keys has changed. */
  watch?(keys: DenoKvKey[]): ReadableStream<unknown>;
  /** Closes the database. */
  close(): void;
}
