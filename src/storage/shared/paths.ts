/**
 * EDGE: what stands at a path, and what is made there.
 *
 * @module
 */

import { fs, paths } from "#node";

/** Symbolic links that are followed one after another, as on Linux. */
const MAX_LINKS = 40;

/** The code that the system gives a failure: `ENOENT`, `EACCES` … */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** What stands at a path, symbolic links followed. */
export type Standing = "nothing" | "file" | "folder" | "other";

/** Looks what stands at a path; a pipe or a device, which reading may wait at for ever, is `other`. */
export function standingAt(path: string): Standing {
  const found = fs.statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return "nothing";
  if (found.isFile()) return "file";
  return found.isDirectory() ? "folder" : "other";
}

/**
 * Makes a folder, and those above it that are missing, for the owner alone. What cannot be made fails
 * at once: the runtimes' own recursive call tries for ever where each step says `ENOENT`, as in `/proc`.
 */
export function makeFolders(path: string): void {
  if (makeFolder(path)) return;
  const parent = paths.dirname(path);
  if (parent !== path) makeFolders(parent);
  if (!makeFolder(path)) throw missing(path);
}

/** Makes one folder, unless it is there; false when the one above it is missing. */
function makeFolder(path: string): boolean {
  try {
    fs.mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    if (codeOf(error) === "EEXIST" && standingAt(path) === "folder") return true;
    throw error;
  }
}

function missing(path: string): Error {
  const message = `no folder can be made at "${path}"`;
  return Object.assign(new Error(message), { code: "ENOENT" });
}

/** The path behind symbolic links, whether something stands there or not; other paths as they are. */
export function realTarget(path: string): string {
  let target = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const link = readLink(target);
    if (link === undefined) return target;
    target = paths.resolve(fs.realpathSync(paths.dirname(target)), link);
  }
  throw Object.assign(new Error(`"${path}" is a circle of links`), { code: "ELOOP" });
}

function readLink(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    // Nothing is there, or it is no link; Windows says `UNKNOWN` for the latter.
    if (["EINVAL", "ENOENT", "ENOTDIR", "UNKNOWN"].includes(String(codeOf(error)))) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Makes an empty file with the rights of its owner alone, and the folders above it; does nothing when
 * it is there. A link that leads to nothing gets what it leads to.
 */
export function createPrivately(path: string): void {
  try {
    fs.closeSync(fs.openSync(path, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return createWithFolders(path, error);
    if (codeOf(error) !== "EEXIST") throw error;
    // Another process was faster, which is as good.
    const target = realTarget(path);
    if (target !== path && standingAt(target) === "nothing") createPrivately(target);
  }
}

function createWithFolders(path: string, error: unknown): void {
  const folder = paths.dirname(path);
  if (standingAt(folder) === "folder") throw error;
  makeFolders(folder);
  createPrivately(path);
}
