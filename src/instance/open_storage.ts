import { MemoryStorage } from "../storage/memory.ts";
import { StorageError } from "../util/errors.ts";
import { STORAGES } from "#storages";
import { type ConnectionTarget, parseConnectionUrl } from "./connection_url.ts";
import { openSnapshotFile } from "./open_snapshot.ts";
import { opened, type OpenedStorage } from "./opened_storage.ts";
import type { Opener, OpenOptions, Target } from "./storage_opener.ts";
import { textFiles } from "./text_files.ts";
import { unavailable } from "./url_errors.ts";

/** Opens the storage that a connection URL leads to. */
export async function openStorage(url: string, options: OpenOptions): Promise<OpenedStorage> {
  return await openTarget(parseConnectionUrl(url), options);
}

/** Opens the storage that a connection URL has been read as. */
export async function openTarget(
  target: ConnectionTarget,
  options: OpenOptions,
): Promise<OpenedStorage> {
  try {
    if (target.scheme === "memory") return await openMemory(target.path, options);
    if (target.scheme === "unix") return await connect(target, options);
    // The entry of a scheme takes the targets of that scheme.
    const open = STORAGES[target.scheme] as Opener<typeof target.scheme> | undefined;
    if (open === undefined) throw unavailable(target.scheme);
    const { driver, ...more } = await open(target, options);
    return opened(driver, { random: options.random, ...more });
  } catch (error) {
    throw isUnavailable(error) ? unavailable(target.scheme, error) : error;
  }
}

async function connect(target: Target<"unix">, options: OpenOptions): Promise<OpenedStorage> {
  if (STORAGES.unix === undefined) throw unavailable(target.scheme);
  return await STORAGES.unix(target, options);
}

async function openMemory(
  path: string | undefined,
  options: OpenOptions,
): Promise<OpenedStorage> {
  if (path === undefined) return opened(new MemoryStorage(), options);
  return await openSnapshotFile(path, await textFiles(), options);
}

function isUnavailable(error: unknown): boolean {
  return error instanceof StorageError && error.code === "Unavailable";
}
