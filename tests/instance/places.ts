/**
 * Temporary folders, and storages that fail on purpose.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
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

/** Starts a script of this folder in a process of its own, on the runtime of this one. */
export function startProcess(script: string, ...args: string[]): ChildProcess {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const deno = "Deno" in globalThis
    ? ["run", "-A", "--no-check", "--no-lock", "--unstable-kv", "--config", config]
    : [];
  return spawn(process.execPath, [...deno, file, ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a script of this folder to its end; resolves with what it has printed. */
export function runProcess(script: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = startProcess(script, ...args);
    let [output, errors] = ["", ""];
    child.stdout!.on("data", (chunk) => output += chunk);
    child.stderr!.on("data", (chunk) => errors += chunk);
    child.on("close", (status) => status === 0 ? resolve(output) : reject(new Error(errors)));
  });
}
