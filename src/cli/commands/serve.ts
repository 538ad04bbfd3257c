import type { Command, Run } from "../frame/command.ts";
import { Log } from "../log.ts";
import { BACKEND, httpOptions } from "../options.ts";
import { openPlace, placeOf } from "../place.ts";
import { type Reached, serveUntilInterrupted } from "../serving.ts";
import { announce } from "../storage_log.ts";
import { requireFree } from "../where.ts";

/** `eidetica serve`: pages for browsers and synchronisation for other nodes. */
export const serve: Command = {
  about: "Run a node: pages for browsers, synchronisation for other nodes",
  options: [
    ...httpOptions("3000"),
    {
      name: "socket",
      short: "s",
      value: "SOCKET",
      help: "Serve programs of this machine over a socket as well, as the daemon does",
    },
    ...BACKEND,
  ],
  examples: [
    "eidetica serve",
    "eidetica serve --host 0.0.0.0 -p 8080",
    "eidetica serve -b inmemory",
  ],
  run: async (run) => {
    const { values, out, signal } = run;
    const log = new Log("warn", out.json);
    const place = placeOf(values);
    announce(log, place);
    await requireFree(place);
    const instance = await openPlace(place, { signal });
    try {
      const http = { port: Number(values.text("port")), hostname: values.text("host") };
      const wanted = { http, socket: values.get("socket") };
      await serveUntilInterrupted(run, { log, place, instance }, wanted, (at) => banner(run, at));
    } finally {
      await instance.close();
    }
    if (out.json) return;
    if (place.kind === "inmemory") out.line("\nDatabase saved successfully");
    out.line("Server shut down");
  },
};

function banner({ out, values }: Run, { http, socket }: Reached): void {
  const host = values.text("host");
  const port = http!.slice(http!.lastIndexOf(":") + 1);
  const url = `http://${LOCAL.test(host) ? `localhost:${port}` : http}`;
  if (out.json) return out.value({ type: "listening", http: url, socket });
  out.line("╔════════════════════════════════════════════════════════════════╗");
  out.line("║              Eidetica Sync Server Started                     ║");
  out.line("╚════════════════════════════════════════════════════════════════╝");
  out.line(`\n🌐 Web Interface: ${url}`);
  if (socket !== null) out.line(`🔌 Socket:        unix://${socket}`);
  out.line("\nAvailable endpoints:");
  for (const [route, use] of ROUTES) out.line(`  ${route.padEnd(18)} - ${use}`);
  out.line("\nPress Ctrl+C to shutdown");
  if (/^(127\.|localhost$|::1$)/.test(host)) return;
  out.note(`Other machines reach it at ${host}:${port}. Put TLS in front of it for browsers.`);
}

/** Addresses that this machine reaches by its own name, those that mean all of its addresses included. */
const LOCAL = /^(127\.0\.0\.1|0\.0\.0\.0|localhost|\[?::1?\]?)$/;

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
