/**
 * EDGE: the SQLite of the runtime, or of the user, behind one small interface.
 *
 * `node:sqlite` serves Deno, Bun and Node; an older Bun has `bun:sqlite`, which differs in names only.
 *
 * @module
 */

import { StorageError } from "../../util/errors.ts";

/** A prepared statement, as `node:sqlite`, `bun:sqlite` and `better-sqlite3` have it. */
export interface SqliteStatement {
  /** Runs it for its effect, and tells how many rows that has changed. */
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint };
  /** Its first row; nothing when there is none. */
  get(...parameters: SqliteValue[]): unknown;
  /** All its rows. */
  all(...parameters: SqliteValue[]): unknown[];
}

/** What is bound to a statement. */
export type SqliteValue = Uint8Array | number | bigint | string | null;

/** An open database, as `node:sqlite`, `bun:sqlite` and `better-sqlite3` have it. */
export interface SqliteDatabase {
  /** Runs statements without parameters. */
  exec(sql: string): unknown;
  /** Prepares a statement. */
  prepare(sql: string): SqliteStatement;
  /** Closes the database. */
  close(): void;
}

type Open = (path: string, readOnly: boolean) => SqliteDatabase;

/** Opens a database with whatever SQLite this runtime has. */
export async function openDatabase(path: string, readOnly: boolean): Promise<SqliteDatabase> {
  return (await findSqlite())(path, readOnly);
}

async function findSqlite(): Promise<Open> {
  try {
    const { DatabaseSync } = await import("node:sqlite");
    return (path, readOnly) => new DatabaseSync(path, { readOnly }) as SqliteDatabase;
  } catch (cause) {
    return await findBunSqlite(cause);
  }
}

async function findBunSqlite(cause: unknown): Promise<Open> {
  try {
    // A name that no bundler resolves: the module exists on Bun alone.
    const name = "bun:sqlite";
    const { Database } = await import(name) as {
      Database: new (path: string, options: object) => SqliteDatabase;
    };
    return (path, readOnly) =>
      new Database(path, readOnly ? { readonly: true } : { readwrite: true, create: true });
  } catch {
    throw new StorageError(
      "Unavailable",
      "Cannot open a SQLite database: this runtime has neither node:sqlite nor bun:sqlite; use Deno 2.5, Bun 1.2, Node 22 or newer",
      { cause },
    );
  }
}

/** The statements around a transaction, prepared once. */
export interface TransactionStatements {
  /** `BEGIN IMMEDIATE`. */
  readonly begin: SqliteStatement;
  /** `COMMIT`. */
  readonly end: SqliteStatement;
}

/** The statements around a transaction of a database. */
export function transactionStatements(database: SqliteDatabase): TransactionStatements {
  return { begin: database.prepare("BEGIN IMMEDIATE"), end: database.prepare("COMMIT") };
}

/** Runs a step in a transaction that writes; nothing of it stays when it fails. */
export function inTransaction<T>(
  database: SqliteDatabase,
  step: () => T,
  { begin, end }: TransactionStatements = transactionStatements(database),
): T {
  begin.run();
  try {
    const result = step();
    end.run();
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
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
