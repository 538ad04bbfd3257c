/**
 * EDGE: storage in a SQLite file (`node:sqlite`, `bun:sqlite`, or a database object of your own).
 *
 * ```text
 * application_id 0x45494445 ("EIDE") · user_version 1
 * kv(key BLOB PRIMARY KEY, value BLOB, version INTEGER) WITHOUT ROWID
 * ```
 *
 * A version is a number that no other write has: a counter that begins, in each process, at a random
 * place among 2^52 ones, so that nothing needs to be written to keep processes apart.
 *
 * @module
 */

import { closeSync, existsSync, openSync } from "node:fs";
import { StorageError } from "../../util/errors.ts";
import type {
  Batch,
  Capabilities,
  CommitResult,
  Pair,
  Range,
  StorageDriver,
  Stored,
} from "../driver.ts";
import { GroupCommit } from "../group_commit.ts";
import { openDatabase, type SqliteDatabase, type SqliteStatement } from "./sqlite_database.ts";
import { PollingWatch } from "./poll.ts";
import { sqliteError } from "./sqlite_errors.ts";

export type { SqliteDatabase, SqliteStatement, SqliteValue } from "./sqlite_database.ts";

/** How a SQLite storage is opened. */
export interface SqliteOptions {
  /** Whether a file that does not exist is created; true by default. */
  readonly create?: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Whether a commit survives the loss of power (`full`), or only of the process (`normal`). */
  readonly durability?: "full" | "normal";
  /** How long to wait for another process, in milliseconds; 5,000 by default. */
  readonly busyTimeoutMs?: number;
}

/** "EIDE": tells our files from those of other applications. */
const APPLICATION_ID = 0x45494445;
/** The layout that this version reads and writes. */
const SCHEMA_VERSION = 1;
/** How many pairs a page of a listing holds. */
const PAGE = 256;
const DEFAULT_BUSY_TIMEOUT_MS = 5000;
/** Pages of the database that SQLite keeps in memory, in KiB. */
const CACHE_KIB = 16_384;

const CAPABILITIES: Capabilities = Object.freeze({
  durable: true,
  multiWriter: true,
  maxKeyBytes: 1_000_000,
  maxValueBytes: 1_000_000_000,
  maxBatchChanges: Infinity,
});

/**
 * Opens a storage in a SQLite file, `:memory:`, or a database object that is open already. Throws
 * {@link StorageError} `NotFound`, `ForeignFile`, `UnsupportedSchema`, `NotADatabase`, `Corrupt`,
 * `CannotOpen`, `ReadOnly`, `Busy` or `Unavailable`.
 */
export async function sqliteStorage(
  pathOrDatabase: string | SqliteDatabase,
  options: SqliteOptions = {},
): Promise<StorageDriver> {
  if (typeof pathOrDatabase !== "string") return prepare("(given)", pathOrDatabase, options);
  const path = pathOrDatabase;
  try {
    prepareFile(path, options);
    return prepare(path, await openDatabase(path, options.readOnly === true), options);
  } catch (cause) {
    throw sqliteError(path, "open", cause);
  }
}

/** Makes the file with the rights of its owner alone, before SQLite would make it with others. */
function prepareFile(path: string, { create = true, readOnly = false }: SqliteOptions): void {
  if (path === ":memory:" || existsSync(path)) return;
  if (!create || readOnly) {
    throw new StorageError(
      "NotFound",
      `Cannot open the SQLite database "${path}": there is no such file, and it is not to be created`,
      {
        fields: { path },
      },
    );
  }
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (cause) {
    // Another process was faster, which is as good.
    if ((cause as { code?: string }).code === "EEXIST") return;
    const why = (cause as Error).message;
    throw new StorageError("CannotOpen", `Cannot create the SQLite database "${path}": ${why}`, {
      cause,
      fields: { path },
    });
  }
}

function prepare(path: string, database: SqliteDatabase, options: SqliteOptions): StorageDriver {
  try {
    database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS}`);
    requireOwnFile(path, database);
    if (options.readOnly !== true) setUp(database, options.durability ?? "normal");
    return new SqliteStorage(path, database);
  } catch (error) {
    database.close();
    throw sqliteError(path, "open", error);
  }
}

function pragma(database: SqliteDatabase, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0]);
}

/** Refuses files of other applications and of newer versions, before anything is written. */
function requireOwnFile(path: string, database: SqliteDatabase): void {
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get() as { n: number };
  const application = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  if (application === APPLICATION_ID && version > SCHEMA_VERSION) {
    throw new StorageError(
      "UnsupportedSchema",
      `Cannot open "${path}": its layout is version ${version}, this version reads ${SCHEMA_VERSION}; use a newer release`,
      {
        fields: { path, found: version, supported: SCHEMA_VERSION },
      },
    );
  }
  if (application === APPLICATION_ID || (tables.n === 0 && application === 0)) return;
  throw new StorageError(
    "ForeignFile",
    `Cannot open "${path}": it is a SQLite database of another application, and is left alone`,
    {
      fields: { path },
    },
  );
}

function setUp(database: SqliteDatabase, durability: "full" | "normal"): void {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  database.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
  database.exec(`BEGIN IMMEDIATE;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${SCHEMA_VERSION};
    CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
    COMMIT`);
}

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly version: number;
}

class SqliteStorage implements StorageDriver {
  readonly name: string = "sqlite";
  readonly capabilities: Capabilities = CAPABILITIES;
  readonly #path: string;
  readonly #group = new GroupCommit((batches) => this.#apply(batches));
  readonly #select: SqliteStatement;
  readonly #forward: SqliteStatement;
  readonly #backward: SqliteStatement;
  readonly #upsert: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #dataVersion: SqliteStatement;
  readonly #watch = new PollingWatch({
    token: () => this.changeToken(),
    read: (keys) => keys.map((key) => this.#read(key)),
  });
  #version = randomVersion();
  #database: SqliteDatabase | undefined;

  constructor(path: string, database: SqliteDatabase) {
    this.#path = path;
    this.#database = database;
    this.#select = database.prepare("SELECT value, version FROM kv WHERE key = ?");
    const range = "SELECT key, value, version FROM kv WHERE key >= ? AND key < ? ORDER BY key";
    this.#forward = database.prepare(`${range} ASC LIMIT ?`);
    this.#backward = database.prepare(`${range} DESC LIMIT ?`);
    this.#upsert = database.prepare(
      "INSERT INTO kv VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version",
    );
    this.#remove = database.prepare("DELETE FROM kv WHERE key = ?");
    this.#dataVersion = database.prepare("PRAGMA data_version");
  }

  get #open(): SqliteDatabase {
    if (this.#database !== undefined) return this.#database;
    throw new StorageError(
      "Closed",
      `Cannot use the SQLite database "${this.#path}": it was closed`,
    );
  }

  /** Runs a step on the open database, with failures of SQLite as errors of ours. */
  #attempt<T>(action: string, step: (database: SqliteDatabase) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      try {
        resolve(step(this.#open));
      } catch (cause) {
        reject(sqliteError(this.#path, action, cause));
      }
    });
  }

  #read(key: Uint8Array): Stored | undefined {
    const row = this.#select.get(key) as Row | null | undefined;
    return row === undefined || row === null
      ? undefined
      : { value: row.value, version: row.version };
  }

  get(key: Uint8Array): Promise<Stored | undefined> {
    return this.#attempt("read", () => this.#read(key));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Stored | undefined)[]> {
    return this.#attempt("read", () => keys.map((key) => this.#read(key)));
  }

  changeToken(): unknown {
    if (this.#database === undefined) return undefined;
    return (this.#dataVersion.get() as { data_version: number }).data_version;
  }

  watch(keys: readonly Uint8Array[], changed: () => void): () => void {
    if (this.#database === undefined) void this.#open;
    return this.#watch.watch(keys, changed);
  }

  async *list(range: Range): AsyncIterable<readonly Pair[]> {
    let { start, end } = range;
    for (let left = range.limit ?? Infinity; left > 0;) {
      const wanted = Math.min(left, PAGE);
      const statement = range.reverse ? this.#backward : this.#forward;
      const page = await this.#attempt("read", () => statement.all(start, end, wanted) as Row[]);
      if (page.length > 0) yield page;
      if (page.length < wanted) return;
      left -= page.length;
      const last = page[page.length - 1]!.key;
      if (range.reverse) end = last;
      else start = successor(last);
    }
  }

  commit(batch: Batch): Promise<CommitResult> {
    if (this.#database === undefined) return this.#attempt("write", () => ({ ok: false }));
    return this.#group.commit(batch);
  }

  async #apply(batches: readonly Batch[]): Promise<CommitResult[]> {
    return await this.#attempt("write", (database) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const results = this.#applyAll(batches);
        database.exec("COMMIT");
        return results;
      } catch (error) {
        rollBack(database);
        throw error;
      }
    });
  }

  #applyAll(batches: readonly Batch[]): CommitResult[] {
    return batches.map((batch): CommitResult => {
      const fits = batch.checks?.every((check) => this.#read(check.key)?.version === check.version);
      if (fits === false) return { ok: false };
      const version = this.#version++;
      for (const key of batch.delete ?? []) this.#remove.run(key);
      for (const [key, value] of batch.set ?? []) this.#upsert.run(key, value, version);
      return { ok: true, version };
    });
  }

  async close(): Promise<void> {
    await this.#group.idle();
    this.#watch.stop();
    const database = this.#database;
    this.#database = undefined;
    database?.close();
  }
}

/** SQLite rolls back by itself after some failures, and then refuses to do it again. */
function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // The transaction is gone already, which is all that is wanted.
  }
}

/** The first key after `key`. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** Where this process begins to count: anywhere in the lower half of the integers that are exact. */
function randomVersion(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high! & 0xfffff) * 2 ** 32 + low!;
}
