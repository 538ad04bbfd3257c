/**
 * Temporary folders, and storages that fail on purpose.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EideticaError, StorageError } from "../../mod.ts";
import type { Batch, CommitResult, StorageDriver } from "../../src/storage/driver.ts";

/** Runs `test` with a new folder, which is removed afterwards. */
export async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-instance-"));
  try {
    await test(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Matches errors by their code. */
export function hasCode(code: string, ...parts: string[]): (error: unknown) => boolean {
  return (error) =>
    error instanceof EideticaError && error.code === code &&
    parts.every((part) => error.message.includes(part));
}

/**
 * A view of a real storage whose `failAt`-th commit, counted from 1, fails without effect. Closing the
 * view leaves the storage open, as a crash of the process would leave the disk.
 */
export function failing(
  storage: StorageDriver,
  failAt: number,
): StorageDriver & { commits: number } {
  return {
    name: storage.name,
    capabilities: storage.capabilities,
    commits: 0,
    get: (key) => storage.get(key),
    getMany: (keys) => storage.getMany(keys),
    list: (range) => storage.list(range),
    commit(this: { commits: number }, batch: Batch): Promise<CommitResult> {
      if (++this.commits !== failAt) return storage.commit(batch);
      return Promise.reject(
        new StorageError("DiskFull", "Cannot write the storage: it is full, for this test"),
      );
    },
    close: () => Promise.resolve(),
  };
}
