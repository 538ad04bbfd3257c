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

import { abortable, aborted } from "../../util/abort.ts";
import { EideticaError } from "../../util/errors.ts";
import type { StorageDriver } from "../driver.ts";
import { driverOptions, requirePlace } from "../shared/options.ts";
import { answerWithin, retryWhileBusy } from "../shared/patience.ts";
import { cannotOpen, noAnswer, unavailable } from "./errors.ts";
import { frozen, prepareFile } from "./file.ts";
import { answering, PATIENCE, patient } from "./patience.ts";
import { DenoKvStorage } from "./storage.ts";
import type { DenoKv } from "./types.ts";

export type { DenoKv, DenoKvAtomic, DenoKvCheck, DenoKvEntry, DenoKvKey } from "./types.ts";

/** How a storage in Deno KV is opened. */
export interface DenoKvOptions {
  /** Whether a local file that does not exist is created, with its folders; true by default. */
  readonly create?: boolean;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /**
   * Whether a database on another machine tells at once what others write, which keeps the process alive until the
   * storage is closed; otherwise it is looked at once a second. Deno Deploy always tells.
   */
  readonly listen?: boolean;
  /**
   * Whether a database that is handed in is on another machine, so that much is asked for at once; what is opened by its
   * path or address is known to be, or not.
   */
  readonly isFar?: boolean;
  /** Gives up opening, with the code `Aborted`, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

const OPEN = "open Deno KV";

type OpenKv = (path?: string) => Promise<DenoKv>;

/** How long the server of a remote database may take to answer for the first time, in milliseconds. */
const REACH_MS = 10_000;

/**
 * Opens a storage in Deno KV: the platform's default database, a local file, a database by its
 * `https:` address, or one that is open already and stays so when the storage is closed. Throws
 * `StorageError` `Unavailable` where there is no Deno KV, `NotFound`, `PermissionDenied`, `ReadOnly`,
 * `CannotOpen` and `Aborted`.
 */
export async function denoKvStorage(
  pathOrKv?: string | DenoKv,
  given?: DenoKvOptions,
): Promise<StorageDriver> {
  const options = driverOptions(given, OPEN);
  const expected = "a path, an address or an open Deno KV";
  if (pathOrKv !== undefined) requirePlace(pathOrKv, ["get", "atomic"], OPEN, expected);
  const isReadOnly = options.readOnly === true;
  if (typeof pathOrKv === "object") {
    const isListening = options.listen === true;
    const isFar = options.isFar ?? isRemote(undefined);
    const place = { isOwner: false, isInMemory: false, isReadOnly, isFar, isListening };
    const open = () => DenoKvStorage.open(patient(pathOrKv), place);
    const wait = { signal: options.signal, action: OPEN };
    return await abortable(wait, open, (late) => late.close());
  }
  const { openKv } = (globalThis as { Deno?: { readonly openKv?: OpenKv } }).Deno ?? {};
  if (openKv === undefined) throw unavailable();
  const name = pathOrKv === undefined ? "the default database" : `"${pathOrKv}"`;
  const wait = { signal: options.signal, action: `open Deno KV at ${name}` };
  try {
    const open = () => openByPath(openKv, pathOrKv, options);
    return await abortable(wait, open, (late) => late.close());
  } catch (cause) {
    if (cause instanceof EideticaError) throw cause;
    throw frozen(pathOrKv) ?? cannotOpen(pathOrKv, cause);
  }
}

async function openByPath(
  openKv: OpenKv,
  path: string | undefined,
  { create = true, readOnly: isReadOnly = false, listen, signal }: DenoKvOptions,
): Promise<StorageDriver> {
  const isInMemory = path === ":memory:";
  if (isRemote(path)) {
    await reach(path, signal);
    const kv = answering(await openWithin(openKv, path));
    const isListening = listen === true || path === undefined;
    return await openOn(kv, { isOwner: true, isInMemory, isReadOnly, isFar: true, isListening });
  }
  if (path !== undefined && !isInMemory) prepareFile(path, create && !isReadOnly);
  const local = isInMemory ? undefined : { path };
  const kv = patient(await openWhenFree(openKv, path, signal));
  return await openOn(kv, {
    isOwner: true,
    isInMemory,
    isReadOnly,
    isFar: false,
    ...(local && { local }),
  });
}

/** Opens the storage, or closes its database again. */
async function openOn(
  kv: DenoKv,
  place: Parameters<typeof DenoKvStorage.open>[1],
): Promise<StorageDriver> {
  try {
    return await DenoKvStorage.open(kv, place);
  } catch (error) {
    kv.close();
    throw error;
  }
}

/** Opens a local database, which another process may hold for the moment. */
async function openWhenFree(
  openKv: OpenKv,
  path: string | undefined,
  signal: AbortSignal | undefined,
): Promise<DenoKv> {
  const patience = { ...PATIENCE, signal, action: OPEN };
  return await retryWhileBusy(() => openWithin(openKv, path), patience);
}

/** Opens the database; one that comes too late is closed again. */
async function openWithin(openKv: OpenKv, path: string | undefined): Promise<DenoKv> {
  let isLate = false;
  const opening = openKv(path);
  opening.then((kv) => isLate && kv.close()).catch(() => undefined);
  return await answerWithin(REACH_MS, opening, () => (isLate = true, noAnswer(REACH_MS)));
}

/**
 * Fails unless the server of a remote database says anything at all: Deno itself waits for ever for
 * one that is silent, and its wait cannot be ended.
 */
async function reach(path: string | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (path === undefined) return;
  const begun = Date.now();
  const late = AbortSignal.timeout(REACH_MS);
  const either = signal === undefined ? late : AbortSignal.any([late, signal]);
  try {
    await (await fetch(path, { signal: either, redirect: "manual" })).body?.cancel();
  } catch (error) {
    if (signal?.aborted) throw aborted(signal, `reach Deno KV at "${path}"`, Date.now() - begun);
    throw late.aborted ? noAnswer(REACH_MS) : error;
  }
}

/** Whether a database is not on this machine; the platform's own one is not on Deno Deploy. */
function isRemote(path: string | undefined): boolean {
  if (path !== undefined) return /^https?:/.test(path);
  try {
    return globalThis.process.env.DENO_DEPLOYMENT_ID !== undefined;
  } catch {
    // Deno Deploy lets everybody read that.
    return false;
  }
}
