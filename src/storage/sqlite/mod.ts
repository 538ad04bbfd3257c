/**
 * EDGE: storage in a SQLite file (`node:sqlite`, `bun:sqlite`, or a database object of your own).
 *
 * ```text
 * application_id 0x45494445 ("EIDE") · user_version 2
 * kv(row INTEGER PRIMARY KEY, key BLOB UNIQUE, value BLOB, version INTEGER)
 * ```
 *
 * New rows go to the end of the table, which costs a page now and then; what is in the order of the keys
 * is an index of the keys alone, so that its pages hold many. In one B-tree by key, values would lie
 * in its inner pages too, and be moved with every split: twice the pages per commit.
 *
 * A version is a number that no other write has: a counter that begins, in each process, at a random
 * place among 2^52 ones, so that nothing needs to be written to keep processes apart.
 *
 * @module
 */

import { requireNotAborted } from "../../util/abort.ts";
import { StorageError } from "../../util/errors.ts";
import type { StorageDriver } from "../driver.ts";
import { inTransaction, openDatabase, type SqliteDatabase } from "./database.ts";
import { driverOptions, requirePlace } from "../shared/options.ts";
import { retryWhileBusy } from "../shared/patience.ts";
import { isBusy, sqliteError } from "./errors.ts";
import { explainOpening, namePath, notFound, prepareFile, readingPath } from "./file.ts";
import { SqliteStorage } from "./storage.ts";

export type { SqliteDatabase, SqliteStatement, SqliteValue } from "./database.ts";

/** How a SQLite storage is opened. */
export interface SqliteOptions {
  /** Whether a file that does not exist is created, with its folders; true by default. */
  readonly create?: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Whether a commit survives the loss of power (`full`), or only of the process (`normal`). */
  readonly durability?: "full" | "normal";
  /** How long to wait for another process, in milliseconds; 5,000 by default. */
  readonly busyTimeoutMs?: number;
  /** Gives up opening, with the code `Aborted`, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** "EIDE": tells our files from those of other applications. */
const APPLICATION_ID = 0x45494445;
/** The layout that this version reads and writes. */
const SCHEMA_VERSION = 2;
const DEFAULT_BUSY_TIMEOUT_MS = 5000;
const OPEN = "open a SQLite database";
/** How long SQLite itself waits for another process, with everything else standing still, in milliseconds. */
const BLOCKING_MS = 8;
/** Pages of the database that SQLite keeps in memory, in KiB. */
const CACHE_KIB = 16_384;
/** Pages of the log after which they are copied into the database: what is written often is copied once. */
const CHECKPOINT_PAGES = 4096;
/** Length of a log that was emptied, in bytes; one that a long reader has let grow is cut to it. */
const LOG_BYTES = CHECKPOINT_PAGES * 4096;

/**
 * Opens a storage in a SQLite file, `:memory:`, or a database object that is open already and stays
 * so when the storage is closed. Throws {@link StorageError} `NotFound`, `ForeignFile`,
 * `UnsupportedSchema`, `NotADatabase`, `Corrupt`, `CannotOpen`, `PermissionDenied`, `ReadOnly`, `Busy`,
 * `Aborted` or `Unavailable`.
 */
export async function sqliteStorage(
  pathOrDatabase: string | SqliteDatabase,
  given?: SqliteOptions,
): Promise<StorageDriver> {
  requirePlace(pathOrDatabase, ["prepare", "exec"], OPEN, "a path or an open SQLite database");
  const options = driverOptions(given, OPEN);
  const isOwner = typeof pathOrDatabase === "string";
  const path = isOwner ? pathOrDatabase : "(given)";
  const { busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS, signal } = options;
  const action = `open the SQLite database "${path}"`;
  requireNotAborted({ signal, action });
  let database: SqliteDatabase | undefined;
  try {
    const isReadOnly = options.readOnly === true;
    const isFile = isOwner && path !== ":memory:";
    if (isFile) prepareFile(path, mayCreate(options));
    database = isOwner ? await open(pathOrDatabase, isReadOnly) : pathOrDatabase;
    if (isOwner) database.exec(`PRAGMA busy_timeout = ${Math.min(busyTimeoutMs, BLOCKING_MS)}`);
    const patience = { timeoutMs: busyTimeoutMs, isBusy, action, signal };
    await retryWhileBusy(() => prepare(path, database!, options), patience);
    return new SqliteStorage(database, { path, isOwner, isReadOnly, busyTimeoutMs });
  } catch (cause) {
    if (isOwner) database?.close();
    throw explainOpening(path, sqliteError(path, "open", cause, busyTimeoutMs));
  }
}

async function open(path: string, isReadOnly: boolean): Promise<SqliteDatabase> {
  return await openDatabase(isReadOnly ? readingPath(path) : namePath(path), isReadOnly);
}

function mayCreate({ create = true, readOnly = false }: SqliteOptions): boolean {
  return create && !readOnly;
}

function prepare(path: string, database: SqliteDatabase, options: SqliteOptions): void {
  const isEmpty = requireOwnFile(path, database);
  if (isEmpty && path !== ":memory:" && !mayCreate(options)) {
    throw notFound(path, "the file holds no storage yet");
  }
  if (options.readOnly !== true) setUp(database, isEmpty, options.durability ?? "normal");
}

function pragma(database: SqliteDatabase, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0]);
}

/** Refuses files of others and of other versions before anything is written; true for empty ones. */
function requireOwnFile(path: string, database: SqliteDatabase): boolean {
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get() as { n: number };
  const application = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  if (application === APPLICATION_ID && version !== SCHEMA_VERSION) {
    throw new StorageError(
      "UnsupportedSchema",
      `Cannot open "${path}": its layout is version ${version}, this version reads ${SCHEMA_VERSION}; use the release that made it`,
      {
        fields: { path, found: version, supported: SCHEMA_VERSION },
      },
    );
  }
  if (application === APPLICATION_ID) return false;
  if (tables.n === 0 && application === 0) return true;
  throw new StorageError(
    "ForeignFile",
    `Cannot open "${path}": it is a SQLite database of another application, and is left alone`,
    {
      fields: { path },
    },
  );
}

function setUp(database: SqliteDatabase, isEmpty: boolean, durability: "full" | "normal"): void {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  database.exec(`PRAGMA journal_size_limit = ${LOG_BYTES}`);
  database.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
  if (!isEmpty) return;
  inTransaction(database, () =>
    database.exec(`PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${SCHEMA_VERSION};
    CREATE TABLE IF NOT EXISTS kv(row INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value BLOB NOT NULL, version INTEGER NOT NULL)`));
}
