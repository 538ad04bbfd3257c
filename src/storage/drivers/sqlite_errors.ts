import { StorageError } from "../../util/errors.ts";

/** Primary result codes of SQLite, with what they mean to a user. */
const MEANINGS: ReadonlyMap<number, readonly [code: string, what: string]> = new Map([
  [5, ["Busy", "another process holds the database; try again, or raise `busyTimeoutMs`"]],
  [6, ["Busy", "another connection holds the database; try again"]],
  [8, ["ReadOnly", "the database cannot be written; check the rights of the file and its folder"]],
  [10, ["Io", "reading or writing the disk failed"]],
  [11, ["Corrupt", "the file is damaged; restore it from a copy"]],
  [13, ["DiskFull", "the disk or the allowed size is full; free some space, nothing was written"]],
  [14, ["CannotOpen", "the file cannot be opened; check that its folder exists and may be used"]],
  [26, ["NotADatabase", "the file is not a SQLite database"]],
]);

/** A failure of SQLite as an error of ours; anything else as it is. */
export function sqliteError(path: string, action: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof StorageError) return cause;
  const number = resultCode(cause as Error & Record<string, unknown>);
  if (number === undefined) return cause;
  const [code, what] = MEANINGS.get(number & 0xff) ?? ["Failed", cause.message];
  return new StorageError(code, `Cannot ${action} the SQLite database "${path}": ${what}`, {
    cause,
    fields: { path, resultCode: number },
  });
}

/** `node:sqlite` says `errcode`, `bun:sqlite` says `errno`, `better-sqlite3` says a name. */
function resultCode(error: Error & Record<string, unknown>): number | undefined {
  for (const field of ["errcode", "errno"]) {
    if (typeof error[field] === "number") return error[field];
  }
  const name = String(error.code ?? "");
  const at = [
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_READONLY",
    "SQLITE_IOERR",
    "SQLITE_CORRUPT",
    "SQLITE_FULL",
    "SQLITE_CANTOPEN",
    "SQLITE_NOTADB",
  ].findIndex((known) => name.startsWith(known));
  if (at >= 0) return [5, 6, 8, 10, 11, 13, 14, 26][at];
  return /ERR_SQLITE|SQLITE_/.test(name) ? 1 : undefined;
}
