import type { StorageDriver } from "../storage/driver.ts";
import { MemoryStorage } from "../storage/memory.ts";
import { abortable, isAborted } from "../util/abort.ts";
import { optionsOf, requireMethod, wrongArgument } from "../util/arguments.ts";
import { type Clock, SystemClock } from "../util/clock.ts";
import { type RandomSource, systemRandom } from "../util/random.ts";
import { redactUrl } from "../util/redact_url.ts";
import { type Progress, workOptions } from "../util/work.ts";
import { InstanceHost } from "./instance_host.ts";
import { loadRest } from "../backend/load_rest.ts";
import { opened, type OpenedStorage } from "./opened_storage.ts";

/** How an instance is opened. */
export interface InstanceOptions {
  /** Time source; the system's by default. */
  readonly clock?: Clock;
  /** Source of randomness; the system's by default. It makes keys: never give a weak one. */
  readonly random?: RandomSource;
  /** Refuses every write. */
  readonly readOnly?: boolean;
  /** Gives up opening, with the code `Aborted`, when it is aborted; later it has no effect. */
  readonly signal?: AbortSignal;
  /** Told, in entries, how far the reading of a snapshot has come. What it throws ends the opening. */
  readonly onProgress?: (progress: Progress) => void;
  /** Whether a commit survives the loss of power (`full`), or only of the process (`normal`). */
  readonly durability?: "full" | "normal";
  /**
   * Whether a client of a daemon (`unix://`) connects again when that has gone, and goes on: what is asked meanwhile
   * waits, for half a minute at most, and write handlers are told of everything since.
   */
  readonly reconnect?: boolean;
}

const CLOCK: readonly (keyof Clock)[] = ["nowMillis", "nowSecs", "nowRfc3339"];

/** Options of a caller, checked. */
export function instanceOptions(given: InstanceOptions | undefined): InstanceOptions {
  const action = "open an instance";
  const options = optionsOf(given, action);
  const { clock, random, readOnly, durability, reconnect } = options;
  if (clock !== undefined) {
    for (const method of CLOCK) requireMethod(clock, method, action, "the clock");
  }
  if (random !== undefined) requireMethod(random, "bytes", action, "the source of randomness");
  workOptions(options, action);
  if (readOnly !== undefined && typeof readOnly !== "boolean") {
    throw wrongArgument(action, "`readOnly`", "true or false", readOnly);
  }
  if (reconnect !== undefined && typeof reconnect !== "boolean") {
    throw wrongArgument(action, "`reconnect`", "true or false", reconnect);
  }
  if (durability !== undefined && durability !== "full" && durability !== "normal") {
    throw wrongArgument(action, "`durability`", '"full" or "normal"', durability);
  }
  return options;
}

/** The host of an instance over a storage. */
export function newHost(
  { backend, engine }: OpenedStorage,
  { clock = new SystemClock(), random = systemRandom }: InstanceOptions,
): InstanceHost {
  return new InstanceHost(backend, clock, random, engine?.writes);
}

/** Opens the storage that a URL leads to. */
export async function openUrl(
  url: string,
  options: InstanceOptions,
  create: boolean,
): Promise<OpenedStorage> {
  const action = `connect to ${typeof url === "string" ? `"${redactUrl(url)}"` : "a storage"}`;
  const open = async () => {
    // Memory is everywhere, and needs nothing that would have to be loaded.
    if (isMemory(url)) return opened(new MemoryStorage(), options);
    return await (await loadRest(action)).openStorage(url, { ...options, create });
  };
  return await abortable({ signal: options.signal, action }, open, ({ driver }) => driver.close());
}

/** Whether a URL leads to memory alone, without a snapshot file. */
function isMemory(url: unknown): boolean {
  return typeof url === "string" && /^memory:(\/\/)?$/i.test(url);
}

/** What an opening makes. */
interface Closeable {
  close(): Promise<void>;
}

/**
 * Runs a constructor's work; if it fails or is aborted, the storage is released, which ends what is
 * still under way, and the failure is passed on. An instance that is made after that is closed.
 */
export async function guarded<T extends Closeable | { readonly instance: Closeable }>(
  driver: StorageDriver,
  { signal }: InstanceOptions,
  work: () => Promise<T>,
): Promise<T> {
  const wait = { signal, action: `open the instance in the ${driver.name} storage` };
  try {
    return await abortable(wait, work, (late) => instanceOf(late).close());
  } catch (error) {
    const closing = driver.close().catch(() => undefined);
    // Who has aborted does not wait for a server either.
    if (!isAborted(error)) await closing;
    throw error;
  }
}

function instanceOf(made: Closeable | { readonly instance: Closeable }): Closeable {
  return "instance" in made ? made.instance : made;
}
