import { EideticaError, StorageError } from "../../util/errors.ts";
import { permissionProblem } from "../../util/permission.ts";

/** Primary result codes of SQLite, with what they mean to a user. */
const MEANINGS: ReadonlyMap<number, readonly [code: string, what: string]> = new Map([
  [5, ["Busy", "another process holds the database; try again, or raise `busyTimeoutMs`"]],
  [6, ["Busy", "another connection holds the database; try again"]],
  [8, ["ReadOnly", "the database cannot be written; check the rights of the file and its folder"]],
  [10, ["Io", "reading or writing the disk failed"]],
  [11, ["Corrupt", "the file is damaged; restore it from a copy"]],
  [13, ["DiskFull", "the disk or the allowed size is full; free some space, nothing was written"]],
  [14, ["CannotOpen", "the file cannot be opened; check that its folder exists and may be used"]],
  [18, ["TooLarge", "SQLite takes no key or value of that size"]],
  [26, ["NotADatabase", "the file is not a SQLite database"]],
]);

/**
 * A failure of SQLite as an error of ours; anything else as it is. Where another connection was waited
 * for, the error says for how long.
 */
export function sqliteError(
  path: string,
  action: string,
  cause: unknown,
  waitedMs?: number,
): unknown {
  if (!(cause instanceof Error) || cause instanceof EideticaError) return cause;
  const problem = permissionProblem(cause);
  if (problem !== undefined) return failure(path, action, "PermissionDenied", problem, { cause });
  const number = resultCode(cause as Error & Record<string, unknown>);
  if (number === undefined) return cause;
  const [code, what] = MEANINGS.get(number & 0xff) ?? ["Failed", cause.message];
  const waited = code === "Busy" && waitedMs !== undefined ? ` (waited ${waitedMs} ms)` : "";
  return failure(path, action, code, what + waited, { cause, resultCode: number });
}

function failure(
  path: string,
  action: string,
  code: string,
  what: string,
  { cause, ...fields }: { readonly cause: unknown; readonly resultCode?: number },
): StorageError {
  const message = `Cannot ${action} the SQLite database "${path}": ${what}`;
  return new StorageError(code, message, { cause, fields: { path, ...fields } });
}

/** Whether a failure of SQLite means that another connection holds the database. */
export function isBusy(error: unknown): boolean {
  if (error instanceof StorageError) return error.code === "Busy";
  if (!(error instanceof Error)) return false;
  const number = resultCode(error as Error & Record<string, unknown>);
  return number !== undefined && MEANINGS.get(number & 0xff)?.[0] === "Busy";
}

/** What SQLite itself says, where a runtime passes on the words without the number. */
const WORDS: readonly (readonly [words: string, code: number])[] = [
  ["database is locked", 5],
  ["database table is locked", 6],
  ["readonly database", 8],
  ["disk I/O error", 10],
  ["disk image is malformed", 11],
  ["disk is full", 13],
  ["unable to open database", 14],
  ["string or blob too big", 18],
  ["file is not a database", 26],
];

/** Names of `better-sqlite3`, with their codes. */
const NAMES: readonly (readonly [name: string, code: number])[] = [
  ["SQLITE_BUSY", 5],
  ["SQLITE_LOCKED", 6],
  ["SQLITE_READONLY", 8],
  ["SQLITE_IOERR", 10],
  ["SQLITE_CORRUPT", 11],
  ["SQLITE_FULL", 13],
  ["SQLITE_CANTOPEN", 14],
  ["SQLITE_TOOBIG", 18],
  ["SQLITE_NOTADB", 26],
];

/** `node:sqlite` says `errcode`, `bun:sqlite` says `errno`, `better-sqlite3` says a name. */
function resultCode(error: Error & Record<string, unknown>): number | undefined {
  const name = String(error.code ?? "");
  // A number that no version has: what was read is not what was written.
  if (name === "ERR_OUT_OF_RANGE") return 11;
  const isSqlite = /SQLITE/.test(name) || error.errno !== undefined || error.errcode !== undefined;
  if (!isSqlite) return undefined;
  const named = NAMES.find(([known]) => name.startsWith(known));
  if (named !== undefined) return named[1];
  for (const field of ["errcode", "errno"]) {
    // 1 is "some error": then the words may know more.
    if (typeof error[field] === "number" && error[field] > 1) return error[field];
  }
  return WORDS.find(([words]) => error.message.includes(words))?.[1] ?? 1;
}
