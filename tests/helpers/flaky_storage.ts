/**
 * Storages that cannot be read for a while.
 *
 * @module
 */

import type { StorageDriver } from "../../src/storage/driver.ts";
import { StorageError } from "../../src/util/errors.ts";

/** A storage some of whose reads fail. */
export interface FlakyStorage extends StorageDriver {
  /** How many reads succeed before those that fail. */
  sound: number;
  /** How many reads fail then. */
  broken: number;
}

/** A view of a storage, which stays open when the view is closed. */
export function flakyStorage(storage: StorageDriver): FlakyStorage {
  const read = <T>(reading: () => T): T => {
    if (view.broken === 0 || view.sound-- > 0) return reading();
    view.broken--;
    throw new StorageError("Io", "Cannot read the storage: it is away, for this test");
  };
  const view: FlakyStorage = {
    name: storage.name,
    capabilities: storage.capabilities,
    sound: 0,
    broken: 0,
    get: async (key) => await read(() => storage.get(key)),
    getMany: async (keys) => await read(() => storage.getMany(keys)),
    list: (range) => read(() => storage.list(range)),
    commit: (batch) => storage.commit(batch),
    close: () => Promise.resolve(),
  };
  return view;
}
