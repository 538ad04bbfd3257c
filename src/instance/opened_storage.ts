import { LocalBackend } from "../backend/local.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { readOnlyStorage } from "../storage/read_only.ts";
import type { RandomSource } from "../util/random.ts";
import type { Engine } from "./port.ts";
import type { SnapshotWriter } from "./snapshot_writer.ts";

/** An opened storage, with what an instance needs to know about it. */
export interface OpenedStorage {
  /** The driver. */
  readonly driver: StorageDriver;
  /** The engine on top of it. */
  readonly backend: LocalBackend;
  /** What an instance on it does differently; an engine in this process when absent. */
  readonly engine?: Engine | undefined;
  /** Begins to save the in-memory storage to its file. */
  readonly save?: (() => SnapshotWriter) | undefined;
  /** Path of a snapshot file that was read and holds no instance. */
  readonly foreignSnapshot?: string | undefined;
}

/** A storage as an instance uses it. */
export function opened(
  driver: StorageDriver,
  { readOnly, random }: { readonly readOnly?: boolean | undefined; readonly random?: RandomSource },
): OpenedStorage {
  const view = readOnly === true ? readOnlyStorage(driver) : driver;
  return { driver: view, backend: new LocalBackend(view, undefined, random) };
}
