import { MemoryStorage } from "../storage/memory.ts";
import { InstanceError, StorageError } from "../util/errors.ts";
import { STORAGES } from "#storages";
import type { ConnectionTarget } from "./connection_url.ts";
import { openSnapshotFile } from "./open_snapshot.ts";
import { opened, type OpenedStorage } from "./opened_storage.ts";
import type { Opener, OpenOptions, Scheme, TextFiles } from "./storage_opener.ts";

/** What has another name than its scheme, as a part of a build. */
const FEATURES: { readonly [S in Scheme]?: string } = { unix: "service", memory: "file" };

/** Opens the storage that a connection URL leads to. */
export async function openTarget(
  target: ConnectionTarget,
  options: OpenOptions,
): Promise<OpenedStorage> {
  try {
    if (target.scheme === "memory") return await openMemory(target.path, options);
    // The entry of a scheme takes the targets of that scheme.
    const open = STORAGES[target.scheme] as Opener<typeof target.scheme> | undefined;
    if (open === undefined) throw unavailable(target.scheme);
    const { driver, ...more } = await open(target, options);
    return opened(driver, { random: options.random, ...more });
  } catch (error) {
    throw isUnavailable(error) ? unavailable(target.scheme, error) : error;
  }
}

/** Files, or `BackendUnavailable` where there are none. */
export async function textFiles(): Promise<TextFiles> {
  if (STORAGES.textFiles === undefined) throw unavailable("memory");
  return await STORAGES.textFiles();
}

async function openMemory(
  path: string | undefined,
  options: OpenOptions,
): Promise<OpenedStorage> {
  if (path === undefined) return opened(new MemoryStorage(), options);
  return await openSnapshotFile(path, await textFiles(), options);
}

function unavailable(scheme: Scheme, cause?: unknown): InstanceError {
  const missingFeature = FEATURES[scheme] ?? scheme;
  const why = cause instanceof StorageError
    ? cause.message
    : `this build has no "${missingFeature}"; use memory:// or hand in a driver of your own`;
  const message = `Cannot connect by the scheme "${scheme}": ${why}`;
  return new InstanceError("BackendUnavailable", message, {
    cause,
    fields: { scheme, missingFeature },
  });
}

function isUnavailable(error: unknown): boolean {
  return error instanceof StorageError && error.code === "Unavailable";
}
