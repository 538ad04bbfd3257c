import process from "node:process";
import type { Command, Run } from "../frame/command.ts";
import { Log } from "../log.ts";
import { BACKEND, httpOptions } from "../options.ts";
import { openPlace, type Place, placeOf } from "../place.ts";
import { type Reached, serveUntilInterrupted } from "../serving.ts";
import { sockets } from "../sockets.ts";
import { announce } from "../storage_log.ts";
import { requireFree } from "../where.ts";

const { defaultSocketPath } = await sockets();

/** `eidetica daemon`. */
export const daemon: Command = {
  about: "Share a storage among programs of this machine, over a socket",
  options: [
    {
      name: "socket",
      short: "s",
      value: "SOCKET",
      env: "EIDETICA_SOCKET",
      default: defaultSocketPath({ ...process.env, EIDETICA_SOCKET: undefined }),
      help: "Path of the socket",
      global: true,
    },
    ...httpOptions(undefined),
    ...BACKEND,
  ],
  commands: {
    init: {
      about: "Create an instance with its first user, who administers it",
      load: async () => (await import("./daemon_init.ts")).daemonInit,
    },
  },
  examples: [
    "eidetica daemon",
    "eidetica daemon --port 3000",
    "eidetica daemon init --username ada",
  ],
  run: async (run) => {
    const { values, out, signal } = run;
    const log = new Log("info", out.json);
    const place = placeOf(values);
    announce(log, place);
    await requireFree(place);
    const instance = await openPlace(place, { signal });
    try {
      log.info("commands::daemon", `Instance initialized (device ID: ${instance.id})`);
      const port = values.get("port");
      const http = port && { port: Number(port), hostname: values.text("host") };
      // An instance that has synchronised before goes on, also where nobody can connect to it.
      if (await hasSynchronised(instance)) await instance.enableSync();
      const wanted = { socket: values.text("socket"), ...http && { http } };
      await serveUntilInterrupted(run, { log, place, instance }, wanted, (at) => {
        banner(run, place, at);
      });
    } finally {
      await instance.close();
    }
    if (!out.json) out.line("Daemon shut down");
  },
};

async function hasSynchronised(instance: Awaited<ReturnType<typeof openPlace>>): Promise<boolean> {
  const metadata = await instance.backend.getInstanceMetadata();
  return typeof metadata?.sync_db === "string";
}

function banner({ out, values }: Run, place: Place, { http, socket }: Reached): void {
  if (out.json) return out.value({ type: "listening", http: http && `http://${http}`, socket });
  out.line(`Eidetica daemon listening on ${values.text("socket")}`);
  out.line(`  Backend: ${place.label}`);
  if (http !== null) out.line(`  Node:    http://${http}`);
  out.line(`\nConnect with:\n  Instance.connect("unix://${socket}")`);
  out.line("\nPress Ctrl+C to shutdown");
}
