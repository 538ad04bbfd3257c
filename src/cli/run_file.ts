/**
 * The file by which commands find the process that serves a folder of data.
 *
 * ```text
 * eidetica.run.json = { "http": address / null, "pid": n, "socket": path / null, "started": RFC3339,
 *                       "host": name, "since": boot and start of the process, "token": UUID }   ; mode 0600
 * ```
 *
 * A process that was killed leaves its file behind. It counts for nothing, also when another process has the number now,
 * as in a container, where every node may be number 1. So does one that somebody else has put into a shared folder.
 *
 * @module
 */

import { open, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Holder } from "../storage/shared/holder.ts";
import { holders } from "./sockets.ts";

/** Who serves a folder of data. */
export interface Serving extends Holder {
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
  const { newHolder } = await holders();
  const serving: Serving = { ...newHolder(), socket, http, started: new Date().toISOString() };
  const aside = `${path}.${serving.token}`;
  await writeFile(aside, `${JSON.stringify(serving)}\n`, { mode: 0o600, flag: "wx" });
  await rename(aside, path);
  return async () => {
    const now = await readRunFile(folder);
    if (now?.token === serving.token) await rm(path, { force: true });
  };
}

/** Who serves a folder now. */
export async function readRunFile(folder: string): Promise<Serving | undefined> {
  const { lifeOf, parseHolder } = await holders();
  try {
    const text = await ownText(folder);
    const { http, socket, started } = JSON.parse(text) as Partial<Serving>;
    const holder = parseHolder(text);
    const isWhole = isTextOrNull(http) && isTextOrNull(socket) && typeof started === "string";
    if (holder === undefined || !isWhole || lifeOf(holder) !== "alive") return undefined;
    return { ...holder, http, socket, started };
  } catch {
    return undefined;
  }
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

/** The text of the file, if this user has written it, or the one whose folder it is. */
async function ownText(folder: string): Promise<string> {
  const file = await open(join(folder, NAME));
  try {
    const { uid } = await file.stat();
    const mine = process.getuid?.() ?? uid;
    if (uid !== mine && uid !== (await stat(folder)).uid) throw new Error("it is somebody else's");
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
