/**
 * EDGE: storage in Deno KV, local or on Deno Deploy.
 *
 * ```text
 * ["eidetica", 1, key]         value up to 32 KiB: bytes
 *                              larger:             { parts, id } (deno_kv_parts.ts)
 * ["eidetica", 2, id, number]  one part of a larger value
 * ["eidetica", 3, id]          { key, parts, at }: whose parts they are, begun when
 * ```
 *
 * Deno KV limits a transaction to 1,000 changes and 800 KB. Larger values are therefore written in
 * parts under an id of their own before the transaction, which then sets what points to them: a
 * reader sees all of a batch or nothing. Parts that nothing points to, since the value was replaced or a
 * process died, are removed at an opening an hour later.
 * Versions are the versionstamps of Deno KV.
 *
 * @module
 */

import { closeSync, existsSync, openSync } from "node:fs";
import { StorageError } from "../../util/errors.ts";
import type { StorageDriver } from "../driver.ts";
import { retryWhileBusy } from "./patience.ts";
import { DenoKvStorage } from "./storage.ts";
import type { DenoKv } from "./types.ts";

export type { DenoKv, DenoKvAtomic, DenoKvCheck, DenoKvEntry, DenoKvKey } from "./types.ts";

/** How a storage in Deno KV is opened. */
export interface DenoKvOptions {
  /** Whether a local file that does not exist is created; true by default. */
  readonly create?: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
}

interface DenoGlobal {
  readonly openKv?: (path?: string) => Promise<DenoKv>;
}

/**
 * Opens a storage in Deno KV: the platform's default database, a local file, a database by its
 * `https:` address, or one that is open already and stays so when the storage is closed. Throws
 * `StorageError` `Unavailable` where there is no Deno KV, `NotFound` and `CannotOpen`.
 */
export async function denoKvStorage(
  pathOrKv?: string | DenoKv,
  { create = true, readOnly: isReadOnly = false }: DenoKvOptions = {},
): Promise<StorageDriver> {
  if (typeof pathOrKv === "object") {
    return await DenoKvStorage.open(pathOrKv, { isOwner: false, isInMemory: false, isReadOnly });
  }
  const { openKv } = (globalThis as { Deno?: DenoGlobal }).Deno ?? {};
  if (openKv === undefined) throw unavailable();
  try {
    if (pathOrKv !== undefined) prepareFile(pathOrKv, create && !isReadOnly);
    const isInMemory = pathOrKv === ":memory:";
    const local = isInMemory || isRemote(pathOrKv) ? undefined : { path: pathOrKv };
    const place = { isOwner: true, isInMemory, isReadOnly, local };
    return await DenoKvStorage.open(await retryWhileBusy(() => openKv(pathOrKv)), place);
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    throw frozen(pathOrKv) ?? cannotOpen(pathOrKv, cause);
  }
}

/** Whether a database is not on this machine; the platform's own one is not on Deno Deploy. */
function isRemote(path: string | undefined): boolean {
  if (path !== undefined) return /^https?:/.test(path);
  return globalThis.process.env.DENO_DEPLOYMENT_ID !== undefined;
}

/** Makes a local file with the rights of its owner alone; SQLite, which is behind it, keeps them. */
function prepareFile(path: string, create: boolean): void {
  if (path === ":memory:" || isRemote(path) || existsSync(path)) return;
  if (!create) throw notFound(path);
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    // Another process was faster, which is as good.
    if ((error as { code?: string }).code === "EEXIST") return;
    throw mayNotWrite(path, error) ?? error;
  }
}

/** The error for a local file that exists and may not be written; Deno KV cannot but write. */
function frozen(path: string | undefined): StorageError | undefined {
  if (path === undefined || !existsSync(path)) return undefined;
  try {
    closeSync(openSync(path, "r+"));
    return undefined;
  } catch (error) {
    return mayNotWrite(path, error);
  }
}

function mayNotWrite(path: string, cause: unknown): StorageError | undefined {
  if (!["EROFS", "EACCES", "EPERM"].includes(String((cause as { code?: unknown }).code))) {
    return undefined;
  }
  return new StorageError(
    "ReadOnly",
    `Cannot open Deno KV at "${path}": this user may not write it, or its disk is mounted for reading only; check both`,
    { cause, fields: { path } },
  );
}

function unavailable(): StorageError {
  return new StorageError(
    "Unavailable",
    'Cannot open Deno KV: this runtime has none; in Deno add "unstable": ["kv"] to deno.json or run with --unstable-kv, elsewhere hand in the object of an npm package',
  );
}

function notFound(path: string): StorageError {
  return new StorageError(
    "NotFound",
    `Cannot open Deno KV at "${path}": there is no such file, and it is not to be created; check the path, or open it with \`create\``,
    { fields: { path } },
  );
}

function cannotOpen(path: string | undefined, cause: unknown): StorageError {
  const name = path === undefined ? "the default database" : `"${path}"`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StorageError(
    "CannotOpen",
    `Cannot open Deno KV at ${name}: ${why}; check the path, its folder and the permissions`,
    { cause, fields: { path } },
  );
}
