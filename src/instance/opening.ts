import type { LocalBackend } from "../backend/local.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { type Clock, SystemClock } from "../util/clock.ts";
import { type RandomSource, systemRandom } from "../util/random.ts";
import { parseConnectionUrl } from "./connection_url.ts";
import { InstanceHost } from "./instance_host.ts";
import { type OpenedStorage, openTarget } from "./open_storage.ts";

/** How an instance is opened. */
export interface InstanceOptions {
  /** Time source; the system's by default. */
  readonly clock?: Clock;
  /** Source of randomness; the system's by default. It makes keys: never give a weak one. */
  readonly random?: RandomSource;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Gives up opening when it is aborted. */
  readonly signal?: AbortSignal;
  /** Whether a commit survives the loss of power (`full`), or only of the process (`normal`). */
  readonly durability?: "full" | "normal";
}

/** The host of an instance over `backend`. */
export function newHost(backend: LocalBackend, options: InstanceOptions): InstanceHost {
  return new InstanceHost(
    backend,
    options.clock ?? new SystemClock(),
    options.random ?? systemRandom,
  );
}

/** Opens the storage that a URL leads to. */
export async function openUrl(
  url: string,
  { signal, ...options }: InstanceOptions,
  create: boolean,
): Promise<OpenedStorage> {
  const target = parseConnectionUrl(url);
  signal?.throwIfAborted();
  return await openTarget(target, { ...options, create });
}

/** Runs a constructor's work; if it fails, the storage is released and the failure passed on. */
export async function guarded<T>(driver: StorageDriver, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await driver.close().catch(() => undefined);
    throw error;
  }
}
