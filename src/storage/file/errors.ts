import { EideticaError, StorageError } from "../../util/errors.ts";
import { permissionProblem } from "../../util/permission.ts";

/** Failures of the file system: our code, and what they mean to a user. */
const MEANINGS: ReadonlyMap<string, readonly [code: string, what: string]> = new Map([
  ["ENOSPC", ["DiskFull", "the disk is full and nothing was written; free some space"]],
  ["EDQUOT", ["DiskFull", "the quota is used up and nothing was written; free some space"]],
  ["EROFS", ["ReadOnly", "the disk is mounted for reading only; mount it for writing"]],
  ["EACCES", ["ReadOnly", "this user may not use it; check its rights"]],
  ["EPERM", ["ReadOnly", "this user may not use it, or it lies on a disk without hard links"]],
  ["ENOENT", ["NotFound", "it, or the folder that holds it, does not exist; check the path"]],
  ["ENOTDIR", ["CannotOpen", "it is not a directory; name a directory"]],
  ["EEXIST", ["CannotOpen", "it is not a directory; name a directory"]],
  ["ELOOP", ["CannotOpen", "its links lead in a circle; name a directory"]],
]);

/** A failure of the file system as an error of ours; anything else as it is. */
export function fileError(directory: string, action: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof EideticaError) return cause;
  const problem = permissionProblem(cause);
  if (problem !== undefined) {
    return storageError("PermissionDenied", directory, action, problem, { cause });
  }
  const system = (cause as { code?: unknown }).code;
  if (typeof system !== "string" || !/^E[A-Z]+$/.test(system)) return cause;
  const [code, what] = MEANINGS.get(system) ?? ["Io", cause.message];
  return storageError(code, directory, action, what, { cause });
}

/** An error about the storage in a directory. */
export function storageError(
  code: string,
  directory: string,
  action: string,
  what: string,
  { cause, ...fields }: { readonly cause?: unknown; readonly [field: string]: unknown } = {},
): StorageError {
  const message = `Cannot ${action} the storage in the directory "${directory}": ${what}`;
  return new StorageError(code, message, { cause, fields: { path: directory, ...fields } });
}
