/**
 * EDGE: whole text files, read at once and replaced atomically.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { BackendError } from "../../util/errors.ts";

/** The content of a file; undefined when it does not exist. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Replaces a file, so that a reader, or a crash, finds either the old or the new content. The file
 * is private to its owner (0600) from the start, since it may hold secrets.
 */
export async function replaceTextFile(path: string, text: string): Promise<void> {
  // A name of its own lets several processes replace one file at the same time.
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeDurably(temporary, text);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cannotWrite(path, cause);
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text, "utf8");
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename durable; file systems that cannot do so refuse, which is no failure. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r").catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

/** As {@link replaceTextFile}, without waiting: for the moment at which the process ends. */
export function replaceTextFileNow(path: string, text: string): void {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = openSync(temporary, "wx", 0o600);
    try {
      writeFileSync(file, text, "utf8");
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cannotWrite(path, cause);
  }
}

/** When the process ends. Deno tells of an error that nobody catches by the second alone. */
const ENDS = ["exit", "uncaughtExceptionMonitor"] as const;
const saves = new Set<() => void>();

function saveAll(): void {
  for (const save of saves) save();
}

/** Runs `save`, which cannot wait, when the process ends by itself; returns how to take that back. */
export function onProcessExit(save: () => void): () => void {
  if (saves.size === 0) { for (const end of ENDS) globalThis.process.on(end, saveAll); }
  saves.add(save);
  return () => {
    saves.delete(save);
    if (saves.size === 0) { for (const end of ENDS) globalThis.process.off(end, saveAll); }
  };
}

function cannotWrite(path: string, cause: unknown): BackendError {
  const message = `Cannot write the file "${path}": ${(cause as Error).message}`;
  return new BackendError("FileIo", message, { cause, fields: { path } });
}
