import { nodeHandler } from "../../console/node_handler.ts";
import type { Instance } from "../../instance/instance.ts";
import type { SyncServer } from "../../sync/options.ts";
import { EideticaError } from "../../util/errors.ts";
import type { Command, Run } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { Log } from "../log.ts";
import { BACKEND, refusePort } from "../options.ts";
import { openPlace, type Place, placeOf } from "../place.ts";
import { writeRunFile } from "../run_file.ts";
import { announce } from "../storage_log.ts";

/** Longest wait for peers when a node stops, in milliseconds. */
const FLUSH_MS = 10_000;

/** `eidetica serve`: pages for browsers and synchronisation for other nodes. */
export const serve: Command = {
  about: "Run a node: pages for browsers, synchronisation for other nodes",
  options: [
    {
      name: "port",
      short: "p",
      value: "PORT",
      env: "EIDETICA_PORT",
      default: "3000",
      refuse: refusePort,
      help: "Port; 0 has one picked",
    },
    {
      name: "host",
      value: "HOST",
      env: "EIDETICA_HOST",
      default: "127.0.0.1",
      help: "Address to listen at; 0.0.0.0 lets other machines in",
    },
    ...BACKEND,
  ],
  examples: [
    "eidetica serve",
    "eidetica serve --host 0.0.0.0 -p 8080",
    "eidetica serve -b inmemory",
  ],
  run: async (run) => {
    const log = new Log("warn", run.out.json);
    const place = placeOf(run.values);
    announce(log, place);
    const instance = await openPlace(place, { signal: run.signal });
    try {
      await serveInstance(run, log, place, instance);
    } finally {
      await instance.close();
    }
    if (place.kind === "inmemory") run.out.line("\nDatabase saved successfully");
    run.out.line("Server shut down");
  },
};

async function serveInstance(run: Run, log: Log, place: Place, instance: Instance): Promise<void> {
  const sync = await instance.enableSync();
  const node = nodeHandler(instance, { storage: place.kind });
  try {
    const server = await listen(run, (options) => sync.serve({ ...options, handler: node.fetch }));
    const port = server.address.slice(server.address.lastIndexOf(":") + 1);
    const forget = await writeRunFile(place.folder, { http: server.address, socket: null });
    try {
      banner(run, port);
      await interrupted(run.signal);
      log.info("commands::serve", `Received ${run.signal.reason}`);
      await flush(log, instance);
      await server.close();
    } finally {
      await forget();
    }
  } finally {
    node.close();
  }
}

type Listen = (options: { port: number; hostname: string }) => Promise<SyncServer>;

async function listen({ values }: Run, begin: Listen): Promise<SyncServer> {
  const port = Number(values.text("port"));
  const hostname = values.text("host");
  try {
    return await begin({ port, hostname });
  } catch (error) {
    if (!(error instanceof EideticaError)) throw error;
    throw new Failure(`Cannot listen at ${hostname}:${port}: ${reasonOf(error)}`, {
      code: error.code,
      next: "name others with --port and --host",
      cause: error,
    });
  }
}

function reasonOf(error: Error): string {
  const { code } = (error.cause ?? {}) as { code?: string };
  if (code === "EADDRINUSE") return "another process listens there.";
  if (code === "EADDRNOTAVAIL") return "it is no address of this machine.";
  if (code === "EACCES") return "this user may not use the port.";
  if (code === "ENOTFOUND") return "no address has this name.";
  return error.message;
}

function banner({ out, values }: Run, port: string): void {
  const url = `http://localhost:${port}`;
  if (out.json) return out.value({ type: "listening", http: url, socket: null });
  out.line("╔════════════════════════════════════════════════════════════════╗");
  out.line("║              Eidetica Sync Server Started                     ║");
  out.line("╚════════════════════════════════════════════════════════════════╝");
  out.line(`\n🌐 Web Interface: ${url}\n`);
  out.line("Available endpoints:");
  for (const [route, use] of ROUTES) out.line(`  ${route.padEnd(18)} - ${use}`);
  out.line("\nPress Ctrl+C to shutdown");
  const host = values.text("host");
  if (/^(127\.|localhost$|::1$)/.test(host)) return;
  out.note(`Other machines reach it at ${host}:${port}. Put TLS in front of it for browsers.`);
}

const ROUTES = [
  ["GET  /", "Redirect to login or dashboard"],
  ["GET  /login", "Login page"],
  ["POST /login", "Login submission"],
  ["GET  /register", "User registration page"],
  ["POST /register", "User registration submission"],
  ["GET  /dashboard", "User dashboard (requires login)"],
  ["POST /dashboard/track", "Request database access (requires login)"],
  ["GET  /stats", "Server statistics"],
  ["POST /api/v0", "Eidetica sync protocol endpoint"],
] as const;

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
  if (why !== undefined) log.error("commands::serve", `Peers do not have everything: ${why}`);
}
