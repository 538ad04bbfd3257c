import { CrdtError } from "../util/errors.ts";
import { describePath, type PathLike } from "./path.ts";

/** The error for a path that names no place for a value. */
export function noPlace(path: PathLike): CrdtError {
  const text = describePath(path);
  return new CrdtError(
    "InvalidPath",
    `Cannot store a value at the path "${text}": it names no key`,
    {
      fields: { path: text },
    },
  );
}

/** The error for a path at which nothing is. */
export function elementNotFound(path: PathLike): CrdtError {
  const key = describePath(path);
  return new CrdtError(
    "ElementNotFound",
    `Cannot find "${key}" in the document: nothing is there`,
    {
      fields: { key },
    },
  );
}

/** The error for a JSON text that cannot be read or written. */
export function jsonError(code: string, verb: string, path: PathLike, cause: unknown): CrdtError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CrdtError(code, `Cannot ${verb} JSON at "${describePath(path)}": ${reason}`, {
    fields: { reason },
    cause,
  });
}
