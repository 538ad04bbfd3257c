import { StorageError } from "../util/errors.ts";
import type { Batch, CommitResult, Range, StorageDriver, Stored } from "./driver.ts";

/** A view of a storage that refuses every change with the code `ReadOnly`. */
export function readOnlyStorage(storage: StorageDriver): StorageDriver {
  const view: StorageDriver = {
    name: storage.name,
    capabilities: storage.capabilities,
    get: (key: Uint8Array): Promise<Stored | undefined> => storage.get(key),
    getMany: (keys) => storage.getMany(keys),
    list: (range: Range) => storage.list(range),
    commit: (_batch: Batch): Promise<CommitResult> => Promise.reject(readOnly(storage.name)),
    close: () => storage.close(),
  };
  if (storage.changeToken !== undefined) view.changeToken = () => storage.changeToken!();
  if (storage.watch !== undefined) {
    view.watch = (keys, changed) => storage.watch!(keys, changed);
  }
  return view;
}

/** The error for a change of a storage that was opened to be read. */
export function readOnly(name: string): StorageError {
  return new StorageError(
    "ReadOnly",
    `Cannot write to the ${name} storage: it was opened to be read, and cannot be written`,
  );
}
