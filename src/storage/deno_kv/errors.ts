import { StorageError } from "../../util/errors.ts";
import { permissionProblem } from "../../util/permission.ts";

const BUSY = /database (table )?is (locked|busy)/i;

/** Whether a local database is held by another process, so that nothing was done. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && BUSY.test(error.message);
}

/** What a local database says, which is SQLite: our code, and what to do. */
const MEANINGS: readonly (readonly [words: RegExp, code: string, next: string])[] = [
  [BUSY, "Busy", "another process holds it; try again"],
  [/disk is full/i, "DiskFull", "nothing was written; free some space"],
  [/disk I\/O error/i, "Io", "reading or writing the disk failed"],
  [/malformed/i, "Corrupt", "the file is damaged; restore it from a copy"],
  [/readonly database/i, "ReadOnly", "check the rights of the file and its folder"],
];

/** A failure of an open Deno KV as an error of ours. */
export function failure(action: string, cause: Error): StorageError {
  const problem = permissionProblem(cause);
  if (problem !== undefined) {
    return new StorageError("PermissionDenied", `Cannot ${action} Deno KV: ${problem}`, { cause });
  }
  const found = MEANINGS.find(([words]) => words.test(cause.message));
  const [code, next] = found ? [found[1], found[2]] : [
    "Failed",
    "check the database and its connection",
  ];
  return new StorageError(code, `Cannot ${action} Deno KV: ${cause.message}; ${next}`, { cause });
}

/** The error where this runtime has no Deno KV. */
export function unavailable(): StorageError {
  return new StorageError(
    "Unavailable",
    'Cannot open Deno KV: this runtime has none; in Deno add "unstable": ["kv"] to deno.json or run with --unstable-kv, elsewhere hand in the object of an npm package',
  );
}

/** The error for a remote database whose server says nothing for so many milliseconds. */
export function noAnswer(waitedMs: number): StorageError {
  const message =
    `Cannot use Deno KV: its server has not answered for ${waitedMs} ms, and a write may or may not be done; check its address and the network`;
  return new StorageError("Io", message, { fields: { waitedMs } });
}

/** The error for a database that cannot be opened, whatever the reason. */
export function cannotOpen(path: string | undefined, cause: unknown): StorageError {
  const name = path === undefined ? "the default database" : `"${path}"`;
  const problem = permissionProblem(cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  const next = "check the path, its folder and the permissions";
  return new StorageError(
    problem === undefined ? "CannotOpen" : "PermissionDenied",
    `Cannot open Deno KV at ${name}: ${problem ?? `${why}; ${next}`}`,
    { cause, fields: { path } },
  );
}

/** The error for a storage that was closed. */
export function closed(): StorageError {
  return new StorageError("Closed", "Cannot use Deno KV: the storage was closed; open it again");
}

/** The error for a write through a storage that only reads. */
export function readOnly(): StorageError {
  const what = "the storage was opened for reading only; open it without `readOnly`";
  return new StorageError("ReadOnly", `Cannot write Deno KV: ${what}`);
}
