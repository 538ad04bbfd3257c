import { setInspection } from "#inspect";
import { equalBytes } from "../../util/bytes.ts";
import { StorageError } from "../../util/errors.ts";
import { turns } from "../../util/turns.ts";
import type {
  Batch,
  Capabilities,
  Check,
  CommitResult,
  Pair,
  Range,
  StorageDriver,
  Stored,
} from "../driver.ts";
import { GroupCommit } from "../group_commit.ts";
import { listByPage } from "../shared/pages.ts";
import { retryWhileBusy } from "../shared/patience.ts";
import { PollingWatch } from "../shared/poll.ts";
import {
  inTransaction,
  type SqliteDatabase,
  type SqliteStatement,
  type TransactionStatements,
  transactionStatements,
} from "./database.ts";
import { isBusy, sqliteError } from "./errors.ts";
import { QuietCheckpoint } from "./quiet.ts";

const CAPABILITIES: Capabilities = Object.freeze({
  durable: true,
  multiWriter: true,
  maxKeyBytes: 1_000_000,
  maxValueBytes: 1_000_000_000,
  maxBatchChanges: Infinity,
});
/** A database in memory ends with its connection, which nobody else can have. */
const IN_MEMORY: Capabilities = Object.freeze({
  ...CAPABILITIES,
  durable: false,
  multiWriter: false,
});

type Write = readonly [key: Uint8Array, value: Uint8Array];

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly version: number;
}

/** What is known about an open database. */
export interface SqlitePlace {
  /** Where it is, for errors. */
  readonly path: string;
  /** Whether closing the storage closes it. */
  readonly isOwner: boolean;
  /** Whether every write is refused. */
  readonly isReadOnly: boolean;
  /** How long another connection is waited for, in milliseconds. */
  readonly busyTimeoutMs: number;
}

/** The driver on an open database with our table. */
export class SqliteStorage implements StorageDriver {
  /** Kind of storage. */
  readonly name: string = "sqlite";
  /** What it can do and bear. */
  readonly capabilities: Capabilities;
  readonly #path: string;
  readonly #place: SqlitePlace;
  readonly #group = new GroupCommit((batches) => this.#apply(batches));
  readonly #transaction: TransactionStatements;
  readonly #quiet: QuietCheckpoint | undefined;
  readonly #select: SqliteStatement;
  readonly #selectVersion: SqliteStatement;
  readonly #forward: SqliteStatement;
  readonly #backward: SqliteStatement;
  readonly #upsert: SqliteStatement;
  readonly #replace: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #dataVersion: SqliteStatement;
  readonly #watch = new PollingWatch("sqlite", {
    token: () => this.changeToken(),
    read: (keys) => keys.map((key) => this.#read(key)),
  });
  #version = randomVersion();
  #database: SqliteDatabase | undefined;
  #isClosing = false;

  /** A storage in `database`. */
  constructor(database: SqliteDatabase, place: SqlitePlace) {
    this.capabilities = place.path === ":memory:" ? IN_MEMORY : CAPABILITIES;
    this.#path = place.path;
    this.#place = place;
    this.#database = database;
    this.#transaction = transactionStatements(database);
    const isOurs = place.isOwner && !place.isReadOnly && place.path !== ":memory:";
    this.#quiet = isOurs ? new QuietCheckpoint(database) : undefined;
    this.#selectVersion = database.prepare("SELECT version FROM kv WHERE key = ?");
    this.#select = database.prepare("SELECT value, version FROM kv WHERE key = ?");
    // Some versions of Node bind an array without bytes as NULL.
    const range =
      "SELECT key, value, version FROM kv WHERE key >= coalesce(?, x'') AND key < coalesce(?, x'') ORDER BY key";
    this.#forward = database.prepare(`${range} ASC LIMIT ?`);
    this.#backward = database.prepare(`${range} DESC LIMIT ?`);
    this.#upsert = database.prepare(
      "INSERT INTO kv(key, value, version) VALUES (?, coalesce(?, x''), ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = excluded.version",
    );
    this.#replace = database.prepare(
      "UPDATE kv SET value = coalesce(?, x''), version = ? WHERE key = ? AND version = ?",
    );
    this.#remove = database.prepare("DELETE FROM kv WHERE key = ?");
    this.#dataVersion = database.prepare("PRAGMA data_version");
  }

  get #open(): SqliteDatabase {
    if (this.#database !== undefined) return this.#database;
    throw this.#closed();
  }

  #closed(): StorageError {
    return new StorageError(
      "Closed",
      `Cannot use the SQLite database "${this.#path}": it was closed`,
    );
  }

  #readOnly(): StorageError {
    return new StorageError(
      "ReadOnly",
      `Cannot write the SQLite database "${this.#path}": it cannot be written through this storage, which was opened for reading only`,
      { fields: { path: this.#path } },
    );
  }

  /** Runs a step on the open database, with failures of SQLite as errors of ours. */
  async #attempt<T>(action: string, step: (database: SqliteDatabase) => T): Promise<T> {
    const result = this.#try(action, step);
    if (result instanceof Promise) return await result;
    if (turns.isOver) await turns.next();
    return result;
  }

  #try<T>(action: string, step: (database: SqliteDatabase) => T): T | Promise<T> {
    try {
      return step(this.#open);
    } catch (cause) {
      const failure = sqliteError(this.#path, action, cause);
      if (isBusy(failure)) return this.#later(action, () => step(this.#open));
      throw failure;
    }
  }

  /** Runs a step that another connection was in the way of, with pauses in which others have their turn. */
  async #later<T>(action: string, step: () => T | Promise<T>): Promise<T> {
    const timeoutMs = this.#place.busyTimeoutMs;
    try {
      return await retryWhileBusy(step, { timeoutMs, isBusy, action });
    } catch (cause) {
      throw sqliteError(this.#path, action, cause, timeoutMs);
    }
  }

  #read(key: Uint8Array): Stored | undefined {
    const row = this.#select.get(key) as Row | null | undefined;
    return row === undefined || row === null
      ? undefined
      : { value: row.value, version: row.version };
  }

  #holds({ key, version }: Check): boolean {
    const row = this.#selectVersion.get(key) as Row | null | undefined;
    return row?.version === version;
  }

  /** See {@link StorageDriver.get}. */
  get(key: Uint8Array): Promise<Stored | undefined> {
    return this.#attempt("read", () => this.#read(key));
  }

  /** See {@link StorageDriver.getMany}. */
  getMany(keys: readonly Uint8Array[]): Promise<(Stored | undefined)[]> {
    return this.#attempt("read", () => keys.map((key) => this.#read(key)));
  }

  /** See {@link StorageDriver.changeToken}. */
  changeToken(): unknown {
    if (this.#database === undefined) return undefined;
    try {
      return (this.#dataVersion.get() as { data_version: number }).data_version;
    } catch (error) {
      // Somebody else holds it for the moment, and may have written before.
      if (isBusy(error)) return {};
      throw sqliteError(this.#path, "read", error);
    }
  }

  /** See {@link StorageDriver.watch}. */
  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    if (this.#database === undefined) void this.#open;
    return this.#watch.watch(keys, changed);
  }

  /** See {@link StorageDriver.list}. */
  list(range: Range): AsyncIterable<readonly Pair[]> {
    const statement = range.reverse ? this.#backward : this.#forward;
    return listByPage(range, ({ start, end }, limit) => {
      return this.#attempt("read", () => statement.all(start, end, limit) as Row[]);
    });
  }

  /** See {@link StorageDriver.commit}. */
  commit(batch: Batch): Promise<CommitResult> {
    if (this.#isClosing) return Promise.reject(this.#closed());
    if (this.#place.isReadOnly) return Promise.reject(this.#readOnly());
    return this.#group.commit(batch);
  }

  #apply(batches: readonly Batch[]): CommitResult[] | Promise<CommitResult[]> {
    this.#quiet?.written();
    const step = () => inTransaction(this.#open, () => this.#applyAll(batches), this.#transaction);
    try {
      return step();
    } catch (cause) {
      const failure = sqliteError(this.#path, "write", cause);
      if (isBusy(failure)) return this.#later("write", step);
      throw failure;
    }
  }

  #applyAll(batches: readonly Batch[]): CommitResult[] {
    return batches.map((batch) => this.#applyOne(batch, this.#version++));
  }

  #applyOne({ checks = [], set = [], delete: removed = [] }: Batch, version: number): CommitResult {
    // A value that is checked and replaced is looked up once. It is written before what is removed, so nothing
    // may be, and before a second check, so there may be none.
    const isPlain = checks.length === 1 && removed.length === 0;
    const replaced = isPlain ? pairToReplace(checks[0]!, set) : undefined;
    const fits = replaced === undefined
      ? checks.every((check) => this.#holds(check))
      : this.#replaces(replaced, checks[0]!, version);
    if (!fits) return { ok: false };
    for (const key of removed) this.#remove.run(key);
    for (const pair of set) if (pair !== replaced) this.#upsert.run(pair[0], pair[1], version);
    return { ok: true, version };
  }

  #replaces([key, value]: Write, check: Check, version: number): boolean {
    const { changes } = this.#replace.run(value, version, key, check.version as number);
    return Number(changes) > 0;
  }

  /** See {@link StorageDriver.close}. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#group.idle();
    this.#watch.stop();
    this.#quiet?.stop();
    const database = this.#database;
    this.#database = undefined;
    if (this.#place.isOwner) database?.close();
  }
}

setInspection(SqliteStorage, "SqliteStorage");

/** What a batch writes to the key that it checks; undefined when that is absent, or stays as it is. */
function pairToReplace({ key, version }: Check, set: readonly Write[]): Write | undefined {
  return version === undefined ? undefined : set.find((pair) => equalBytes(pair[0], key));
}

/** Where this process begins to count: anywhere in the lower half of the integers that are exact. */
function randomVersion(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high! & 0xfffff) * 2 ** 32 + low!;
}
