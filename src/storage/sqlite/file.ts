import { closeSync, existsSync, openSync } from "node:fs";
import { StorageError } from "../../util/errors.ts";

/** Failures of the file system that mean that nobody, or not this user, may write. */
const FROZEN = "EROFS";
const FORBIDDEN: ReadonlySet<unknown> = new Set([FROZEN, "EACCES", "EPERM"]);

/** Makes the file with the rights of its owner alone, before SQLite would make it with others. */
export function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (cause) {
    // Another process was faster, which is as good.
    if (codeOf(cause) === "EEXIST") return;
    if (FORBIDDEN.has(codeOf(cause))) throw mayNotWrite(path, cause);
    const why = (cause as Error).message;
    throw new StorageError("CannotOpen", `Cannot create the SQLite database "${path}": ${why}`, {
      cause,
      fields: { path },
    });
  }
}

/** How SQLite is to be told of a file that is only read. */
export function readingPath(path: string): string {
  // SQLite wants to write beside what it reads, unless it knows that nobody can write at all.
  const isFrozen = writingFailure(path) === FROZEN && !existsSync(`${path}-wal`);
  return isFrozen
    ? `file:${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}?immutable=1`
    : path;
}

/** A failure to open a file for writing, said better where the file may not be written at all. */
export function explainOpening(path: string, error: unknown): unknown {
  const isVague = error instanceof StorageError && error.code === "CannotOpen";
  return isVague && FORBIDDEN.has(writingFailure(path)) ? mayNotWrite(path, error.cause) : error;
}

function mayNotWrite(path: string, cause: unknown): StorageError {
  return new StorageError(
    "ReadOnly",
    `Cannot open the SQLite database "${path}": this user may not write it, or its disk is mounted for reading only; check both, or open it with \`readOnly\``,
    { cause, fields: { path } },
  );
}

/** Why an existing file cannot be written, as the file system says it; undefined when it can. */
function writingFailure(path: string): unknown {
  try {
    closeSync(openSync(path, "r+"));
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
