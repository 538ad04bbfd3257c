import { fs } from "#node";
import { StorageError } from "../../util/errors.ts";
import { codeOf, createPrivately, standingAt } from "../shared/paths.ts";
import { cannotOpen } from "./errors.ts";

/** Makes a local file with the rights of its owner alone; SQLite, which is behind it, keeps them. */
export function prepareFile(path: string, mayCreate: boolean): void {
  const standing = standingAt(path);
  if (standing === "file") return;
  if (standing !== "nothing") throw cannotOpen(path, new Error(`a ${standing} stands there`));
  if (!mayCreate) throw notFound(path);
  try {
    createPrivately(path);
  } catch (error) {
    throw mayNotWrite(path, error) ?? error;
  }
}

/** The error for a local file that exists and may not be written; Deno KV cannot but write. */
export function frozen(path: string | undefined): StorageError | undefined {
  if (path === undefined) return undefined;
  try {
    fs.closeSync(fs.openSync(path, "r+"));
    return undefined;
  } catch (error) {
    return mayNotWrite(path, error);
  }
}

function mayNotWrite(path: string, cause: unknown): StorageError | undefined {
  if (!["EROFS", "EACCES", "EPERM"].includes(String(codeOf(cause)))) return undefined;
  return new StorageError(
    "ReadOnly",
    `Cannot open Deno KV at "${path}": this user may not write it, or its disk is mounted for reading only; check both`,
    { cause, fields: { path } },
  );
}

function notFound(path: string): StorageError {
  return new StorageError(
    "NotFound",
    `Cannot open Deno KV at "${path}": there is no such file, and it is not to be created; check the path, or create it by \`connectOrCreate\`, or \`create\` of \`denoKvStorage\``,
    { fields: { path } },
  );
}
