import { fs, paths } from "#node";
import { StorageError } from "../../util/errors.ts";
import { permissionProblem } from "../../util/permission.ts";
import { codeOf, createPrivately, realTarget, standingAt } from "../shared/paths.ts";

/** Failures of the file system that mean that nobody, or not this user, may write. */
const FROZEN = "EROFS";
const FORBIDDEN: ReadonlySet<unknown> = new Set([FROZEN, "EACCES", "EPERM"]);

/**
 * Looks at the file before SQLite does, which would make it with the rights of everybody. Fails unless
 * a file is there, or may be created.
 */
export function prepareFile(path: string, mayCreate: boolean): void {
  const standing = standingAt(path);
  if (standing === "file") return;
  if (standing !== "nothing") throw cannotOpen(path, "CannotOpen", noFile(standing));
  if (!mayCreate) throw notFound(path, "there is no such file");
  create(path);
}

function noFile(standing: "folder" | "other"): string {
  const what = standing === "folder" ? "a folder stands there" : "a pipe or a device stands there";
  return `${what}; name a file`;
}

/** Makes the file with the rights of its owner alone, and its folders. */
function create(path: string): void {
  try {
    createPrivately(path);
  } catch (cause) {
    const problem = permissionProblem(cause);
    if (problem !== undefined) throw cannotOpen(path, "PermissionDenied", problem, cause);
    if (FORBIDDEN.has(codeOf(cause))) throw mayNotWrite(path, cause);
    const why = `it cannot be made in the folder "${paths.dirname(path)}": ${
      (cause as Error).message
    }`;
    throw cannotOpen(path, "CannotOpen", why, cause);
  }
}

/** The error for what does not exist and is not to be created. */
export function notFound(path: string, what: string): StorageError {
  const next = "check the path, or make it with `connectOrCreate`, or `create` of `sqliteStorage`";
  return cannotOpen(path, "NotFound", `${what}, and none is to be created; ${next}`);
}

function cannotOpen(path: string, code: string, what: string, cause?: unknown): StorageError {
  const message = `Cannot open the SQLite database "${path}": ${what}`;
  return new StorageError(code, message, { cause, fields: { path } });
}

/** How SQLite is to be told of a file: a name that begins as a URL does is a name all the same. */
export function namePath(path: string): string {
  return path.startsWith("file:") ? `./${path}` : path;
}

/** How SQLite is to be told of a file that is only read. */
export function readingPath(path: string): string {
  // SQLite wants to write beside what it reads, unless it knows that nobody can write at all.
  const isFrozen = writingFailure(path) === FROZEN && !fs.existsSync(`${realTarget(path)}-wal`);
  return isFrozen
    ? `file:${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}?immutable=1`
    : namePath(path);
}

/** A failure to open a file for writing, said better where the file may not be written at all. */
export function explainOpening(path: string, error: unknown): unknown {
  const isVague = error instanceof StorageError && error.code === "CannotOpen";
  return isVague && FORBIDDEN.has(writingFailure(path)) ? mayNotWrite(path, error.cause) : error;
}

function mayNotWrite(path: string, cause: unknown): StorageError {
  const what =
    "this user may not write it, or its disk is mounted for reading only; check both, or open it with `readOnly`";
  return cannotOpen(path, "ReadOnly", what, cause);
}

/** Why an existing file cannot be written, as the file system says it; undefined when it can. */
function writingFailure(path: string): unknown {
  try {
    fs.closeSync(fs.openSync(path, "r+"));
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}
