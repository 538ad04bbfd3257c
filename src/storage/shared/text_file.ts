/**
 * EDGE: whole text files, read at once and replaced atomically.
 *
 * @module
 */

import { fs, paths } from "#node";
import type { BigIntStats } from "node:fs";
import { BackendError, EideticaError } from "../../util/errors.ts";
import { permissionProblem } from "../../util/permission.ts";
import { FileHold, requireFree } from "./file_hold.ts";
import { codeOf, realTarget, standingAt } from "./paths.ts";

/** Tells one content of a file from another: which file it is, how long, and when it was written. */
type Stamp = string;

function stampOf({ ino, size, mtimeNs }: BigIntStats): Stamp {
  return `${ino} ${size} ${mtimeNs}`;
}

/** Whether anything stands at a path; false also for a link that leads to nothing. */
export function isThere(path: string): boolean {
  return standingAt(path) !== "nothing";
}

/** The content of a file; undefined when it does not exist. */
export async function readTextFile(path: string): Promise<string | undefined> {
  return (await readStamped(path))?.text;
}

async function readStamped(path: string): Promise<{ text: string; stamp: Stamp } | undefined> {
  const standing = standingAt(path);
  if (standing === "nothing") return undefined;
  // Reading a pipe or a device would wait for what never comes.
  if (standing !== "file") throw new Error(`a ${standing} stands there, which is no file`);
  const file = await fs.promises.open(path, "r");
  try {
    const stamp = stampOf(await file.stat({ bigint: true }));
    return { text: await file.readFile("utf8"), stamp };
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file, so that a reader, or a crash, finds either the old or the new content. The file
 * is private to its owner (0600) from the start, since it may hold secrets. A link stays, and what it
 * leads to is replaced. Fails with `Busy` when somebody holds the file to replace it by itself.
 */
export async function replaceTextFile(path: string, text: string): Promise<void> {
  try {
    const target = realTarget(path);
    requireFree(target);
    await replace(target, text);
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

/**
 * A file that is replaced again and again, by this holder alone. That it can be replaced is found out at
 * once, by making the mark of the holder beside it.
 */
export class HeldFile {
  readonly #path: string;
  readonly #target: string;
  readonly #hold: FileHold;
  #stamp: Stamp | undefined;

  /** Holds the file at `path`, which may be missing; `Busy`, `PermissionDenied` or `FileIo`. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#target = realTarget(path);
      this.#hold = new FileHold(this.#target);
    } catch (cause) {
      throw cannotWrite(path, cause);
    }
  }

  /** Its content; undefined when it does not exist. */
  async read(): Promise<string | undefined> {
    const found = await readStamped(this.#target);
    this.#stamp = found?.stamp;
    return found?.text;
  }

  /** Whether it is what a path leads to. */
  isAt(path: string): boolean {
    return this.#hold.isOf(realTarget(path));
  }

  /**
   * As {@link replaceTextFile}. What somebody else has put there since it was read or written stays,
   * unless it is `forced`: the text is written beside it then, and `FileChanged` says where.
   */
  async replace(
    text: string,
    { forced = false }: { readonly forced?: boolean } = {},
  ): Promise<void> {
    try {
      const isOurs = forced || this.#isUnchanged();
      const stamp = await replace(isOurs ? this.#target : this.#aside, text);
      if (!isOurs) throw this.#changed();
      this.#stamp = stamp;
    } catch (cause) {
      throw cannotWrite(this.#path, cause);
    }
  }

  /** As {@link replace}, without waiting: for the moment at which the process ends. */
  replaceNow(text: string): void {
    try {
      const isOurs = this.#isUnchanged();
      this.#stamp = replaceNow(isOurs ? this.#target : this.#aside, text);
      if (!isOurs) throw this.#changed();
    } catch (cause) {
      throw cannotWrite(this.#path, cause);
    }
  }

  /** What was deleted may be written again. */
  #isUnchanged(): boolean {
    const stats = fs.statSync(this.#target, { bigint: true, throwIfNoEntry: false });
    return stats === undefined || stampOf(stats) === this.#stamp;
  }

  get #aside(): string {
    return `${this.#target}.unsaved-${this.#hold.name}`;
  }

  #changed(): BackendError {
    const [path, aside] = [this.#path, this.#aside];
    const message =
      `Cannot write the file "${path}": somebody else has written it since, and that is kept; what was to be saved is in "${aside}"; compare both, or overwrite it by \`snapshotToPath\``;
    return new BackendError("FileChanged", message, { fields: { path, saved: aside } });
  }

  /** Holds it no longer. */
  release(): void {
    this.#hold.release();
  }
}

// A name of its own lets several processes replace one file at the same time.
const temporaryOf = (target: string) => `${target}.${crypto.randomUUID()}.tmp`;

/** Replaces the file at `target`, which is no link; resolves with what tells it from others. */
async function replace(target: string, text: string): Promise<Stamp> {
  const temporary = temporaryOf(target);
  try {
    const stamp = await writeDurably(temporary, text);
    await fs.promises.rename(temporary, target);
    await syncDirectory(paths.dirname(target));
    return stamp;
  } catch (error) {
    await fs.promises.rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function writeDurably(path: string, text: string): Promise<Stamp> {
  const file = await fs.promises.open(path, "wx", 0o600);
  try {
    await file.writeFile(text, "utf8");
    await file.sync();
    return stampOf(await file.stat({ bigint: true }));
  } finally {
    await file.close();
  }
}

/** Makes a rename durable; file systems that cannot do so refuse, which is no failure. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.promises.open(path, "r").catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

function replaceNow(target: string, text: string): Stamp {
  const temporary = temporaryOf(target);
  try {
    const stamp = writeNow(temporary, text);
    fs.renameSync(temporary, target);
    return stamp;
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

function writeNow(path: string, text: string): Stamp {
  const file = fs.openSync(path, "wx", 0o600);
  try {
    fs.writeFileSync(file, text, "utf8");
    fs.fsyncSync(file);
    return stampOf(fs.fstatSync(file, { bigint: true }));
  } finally {
    fs.closeSync(file);
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

/** Failures of the file system in words that say what helps. */
const MEANINGS = new Map<string, (path: string) => string>([
  ["ENOENT", (path) => `its folder "${paths.dirname(path)}" does not exist; create it first`],
  ["ENOTDIR", (path) => `"${paths.dirname(path)}" is no folder; check the path`],
  ["EACCES", () => "this user may not write in its folder; check the rights"],
  ["EPERM", () => "this user may not write it; check the rights"],
  ["EROFS", () => "its disk is mounted for reading only; mount it for writing"],
  ["ENOSPC", () => "the disk is full; free some space"],
  ["EDQUOT", () => "the quota is used up; free some space"],
  ["EISDIR", () => "a folder stands there; name a file"],
  ["EBUSY", () => "it is mounted by itself and cannot be replaced; mount its folder instead"],
]);

/** A failure to write as an error of ours. */
function cannotWrite(path: string, cause: unknown): unknown {
  if (cause instanceof EideticaError) return cause;
  const problem = permissionProblem(cause);
  const why = problem ?? MEANINGS.get(codeOf(cause) ?? "")?.(path) ?? (cause as Error).message;
  const code = problem === undefined ? "FileIo" : "PermissionDenied";
  return new BackendError(code, `Cannot write the file "${path}": ${why}`, {
    cause,
    fields: { path, reason: why },
  });
}
