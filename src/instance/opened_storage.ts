import { LocalBackend } from "../backend/local.ts";
import type { StorageDriver } from "../storage/driver.ts";
import type { MemoryStorage } from "../storage/memory.ts";
import { readOnlyStorage } from "../storage/read_only.ts";
import type { HeldFile } from "../storage/shared/text_file.ts";
import type { RandomSource } from "../util/random.ts";

/** The file that an in-memory storage is saved to. */
export interface SnapshotFile {
  /** The file, which this instance alone replaces. */
  readonly file: HeldFile;
  /** The storage. */
  readonly storage: MemoryStorage;
}

/** An opened storage, with what an instance needs to know about it. */
export interface OpenedStorage {
  /** The driver. */
  readonly driver: StorageDriver;
  /** The engine on top of it. */
  readonly backend: LocalBackend;
  /** File that the in-memory storage is saved to. */
  readonly snapshotFile?: SnapshotFile | undefined;
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
