/**
 * The file by which commands find the process that serves a folder of data.
 *
 * ```text
 * eidetica.run.json = {"http":address|null,"pid":n,"socket":path|null,"started":RFC3339}      ; mode 0600
 * ```
 *
 * A process that was killed leaves its file behind; it counts for nothing when there is no such process any more.
 *
 * @module
 */

import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

/** Who serves a folder of data. */
export interface Serving {
  readonly pid: number;
  /** Path of the socket. */
  readonly socket: string | null;
  /** Where the node listens, `host:port`. */
  readonly http: string | null;
  /** RFC 3339. */
  readonly started: string;
}

const NAME = "eidetica.run.json";

/** Says who serves; gives what takes that back. */
export async function writeRunFile(
  folder: string,
  { socket, http }: Pick<Serving, "socket" | "http">,
): Promise<() => Promise<void>> {
  const path = join(folder, NAME);
  const serving: Serving = { pid: process.pid, socket, http, started: new Date().toISOString() };
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, `${JSON.stringify(serving)}\n`, { mode: 0o600 });
  await rename(aside, path);
  return async () => {
    const now = await readRunFile(folder);
    if (now?.pid === process.pid) await rm(path, { force: true });
  };
}

/** Who serves a folder now. */
export async function readRunFile(folder: string): Promise<Serving | undefined> {
  try {
    const serving = JSON.parse(await readFile(join(folder, NAME), "utf8")) as Serving;
    process.kill(serving.pid, 0);
    return serving;
  } catch {
    return undefined;
  }
}
