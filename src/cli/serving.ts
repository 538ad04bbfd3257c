import { nodeHandler } from "../console/node_handler.ts";
import type { Instance } from "../instance/instance.ts";
import type { SyncServer } from "../sync/options.ts";
import { EideticaError } from "../util/errors.ts";
import type { Run } from "./frame/command.ts";
import { Failure } from "./frame/failure.ts";
import type { Log } from "./log.ts";
import type { Place } from "./place.ts";
import { writeRunFile } from "./run_file.ts";
import { sockets } from "./sockets.ts";

/** Longest wait for peers when a node stops, in milliseconds. */
const FLUSH_MS = 10_000;

/** Where a process is to be reached. */
export interface Wanted {
  /** Address for browsers and other nodes. */
  readonly http?: { readonly port: number; readonly hostname: string } | undefined;
  /** Path of a socket for programs of this machine. */
  readonly socket?: string | undefined;
}

/** Where a process is reached. */
export interface Reached {
  /** `host:port`. */
  readonly http: string | null;
  /** Absolute path. */
  readonly socket: string | null;
}

/** Something that listens. */
interface Listener {
  close(): Promise<void>;
}

/** Serves an instance until the first interrupt; `tell` is called when everything listens. */
export async function serveUntilInterrupted(
  { signal }: Run,
  { log, place, instance }: { log: Log; place: Place; instance: Instance },
  wanted: Wanted,
  tell: (reached: Reached) => void,
): Promise<void> {
  const listeners: Listener[] = [];
  try {
    const http = wanted.http && await beginHttp(instance, place, wanted.http, listeners);
    const socket = wanted.socket && await beginSocket(instance, wanted.socket, listeners);
    const reached = { http: http ?? null, socket: socket ?? null };
    const forget = await writeRunFile(place.folder, reached);
    listeners.push({ close: forget });
    tell(reached);
    await interrupted(signal);
    log.info("commands", `Received ${signal.reason}`);
    await flush(log, instance);
  } finally {
    for (const listener of listeners.reverse()) await listener.close();
  }
}

async function beginHttp(
  instance: Instance,
  { kind }: Place,
  at: { readonly port: number; readonly hostname: string },
  listeners: Listener[],
): Promise<string> {
  const sync = await instance.enableSync();
  const node = nodeHandler(instance, { storage: kind });
  const server = await explained(at, () => sync.serve({ ...at, handler: node.fetch }));
  // Closed the other way around: streams of events end with their sessions, and the server need not wait for them.
  listeners.push(server, { close: () => Promise.resolve(node.close()) });
  return server.address;
}

async function explained(
  { hostname, port }: { readonly port: number; readonly hostname: string },
  listen: () => Promise<SyncServer>,
): Promise<SyncServer> {
  try {
    return await listen();
  } catch (error) {
    if (!(error instanceof EideticaError)) throw error;
    throw new Failure(`Cannot listen at ${hostname}:${port}: ${reasonOf(error)}`, {
      code: error.code,
      next: "name others with --port and --host",
      cause: error,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there.",
  EADDRNOTAVAIL: "it is no address of this machine.",
  EACCES: "this user may not use the port.",
  ENOTFOUND: "no address has this name.",
};

function reasonOf(error: Error): string {
  const { code = "" } = (error.cause ?? {}) as { code?: string };
  return REASONS[code] ?? error.message;
}

async function beginSocket(
  instance: Instance,
  path: string,
  listeners: Listener[],
): Promise<string> {
  const { serveSocket } = await sockets();
  const service = await serveSocket(instance, { path });
  listeners.push(service);
  return service.path;
}

/** Resolves with the first interrupt. */
export async function interrupted(signal: AbortSignal): Promise<void> {
  // A promise keeps no process alive.
  const alive = setInterval(() => undefined, 2 ** 30);
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  clearInterval(alive);
}

/** Lets peers have what they lack, for as long as is decent. */
async function flush(log: Log, instance: Instance): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it was not done within ${FLUSH_MS / 1000} s`), FLUSH_MS);
  });
  const done = instance.flushSync().then(() => undefined, (error: Error) => error.message);
  const why = await Promise.race([done, late]);
  clearTimeout(timer);
  if (why !== undefined) log.error("commands", `Peers do not have everything: ${why}`);
}
