import { stat } from "node:fs/promises";
import process from "node:process";
import type { Run } from "./frame/command.ts";
import { Failure } from "./frame/failure.ts";
import { type Place, placeOf } from "./place.ts";
import { readRunFile } from "./run_file.ts";
import { sockets } from "./sockets.ts";

/** Where a command works: on a storage, or through the process that serves one. */
export type Where =
  | { readonly place: Place; readonly socket?: undefined }
  | { readonly socket: string; readonly place?: undefined };

/**
 * Where a command works, by `--connect`: at the socket that is named; on the storage with `off`. With `auto` on the
 * storage that the options name, unless another process holds it in memory: then through that. Where there is no storage, the
 * daemon of this user is asked.
 */
export async function whereTo({ values }: Run): Promise<Where> {
  const wanted = values.get("connect") ?? "off";
  if (wanted !== "auto" && wanted !== "off") return { socket: pathOf(wanted) };
  const place = placeOf(values);
  if (wanted === "off") return { place };
  const serving = await heldInMemory(place);
  if (serving !== undefined) return { socket: serving };
  if (place.file === undefined || await isThere(place.file)) return { place };
  const { defaultSocketPath } = await sockets();
  const socket = defaultSocketPath(process.env);
  const isMeant = place.folder === "." && await isOwn(socket);
  return isMeant ? { socket } : { place };
}

function pathOf(text: string): string {
  if (text.startsWith("/")) return text;
  if (text.startsWith("unix:///")) return text.slice("unix://".length);
  throw new Failure(`Cannot connect to "${text}": it must be the path of a socket.`, {
    code: "InvalidUrl",
    next: "--connect unix:///run/user/1000/eidetica/service.sock, or auto, or off",
  });
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(() => true, () => false);
}

/** Whether a path is there, and not somebody else's: anybody may make a folder in `/tmp`. */
async function isOwn(path: string): Promise<boolean> {
  const { uid } = await stat(path).catch(() => ({ uid: undefined }));
  return uid !== undefined && [0, process.getuid?.() ?? uid].includes(uid);
}

/** The socket of the process that holds a storage in memory, and writes it when it ends; none where nobody does. */
async function heldInMemory(place: Place): Promise<string | undefined> {
  if (place.kind !== "inmemory") return undefined;
  const serving = await readRunFile(place.folder);
  if (serving === undefined) return undefined;
  if (serving.socket !== null) return serving.socket;
  throw inUse(place, serving.pid);
}

function inUse(place: Place, pid: number): Failure {
  return new Failure(`Cannot open the storage: process ${pid} holds it in memory.`, {
    code: "StorageInUse",
    now: place.label,
    next: "end that process, or have it serve a socket: eidetica serve --socket PATH",
  });
}

/** Fails when another process holds a storage in memory: whoever ends last would undo what the other has written. */
export async function requireFree(place: Place): Promise<void> {
  if (place.kind !== "inmemory") return;
  const serving = await readRunFile(place.folder);
  if (serving !== undefined) throw inUse(place, serving.pid);
}
