/** EDGE: the HTTP server of Bun. */

import { serverBind } from "../errors.ts";
import { joinAddress } from "../http_transport.ts";
import type { Listening, ListenOptions } from "../port.ts";

/** How long requests under way may take when a server is closed, in milliseconds. */
const GRACE_MS = 10_000;
/** Longest silence of a connection that Bun takes, in seconds; the handler has limits of its own. */
const IDLE_SECONDS = 255;

/** The part of Bun's server that is used. */
interface BunServer {
  readonly port: number;
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  stop(closeActive?: boolean): Promise<void>;
}

interface BunHost {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    readonly idleTimeout: number;
    readonly tls?: object | undefined;
    fetch(request: Request, server: BunServer): Promise<Response>;
  }): BunServer;
}

/** Listens on this runtime. */
export function listen(options: ListenOptions): Promise<Listening> {
  return Promise.resolve(options).then(begin);
}

function begin(options: ListenOptions): Listening {
  const { hostname, port, handler, tls } = options;
  const host = (globalThis as unknown as { readonly Bun: BunHost }).Bun;
  try {
    const server = host.serve({
      hostname,
      port,
      tls,
      idleTimeout: IDLE_SECONDS,
      fetch: async (request, bun) => {
        const remote = bun.requestIP(request);
        const remoteAddress = remote === null
          ? undefined
          : joinAddress(remote.address, remote.port);
        return await handler(request, remoteAddress === undefined ? {} : { remoteAddress });
      },
    });
    return { port: server.port, close: (graceMs = GRACE_MS) => close(server, graceMs) };
  } catch (cause) {
    throw serverBind(joinAddress(hostname, port), cause);
  }
}

async function close(server: BunServer, graceMs: number): Promise<void> {
  const timer = setTimeout(() => void server.stop(true), graceMs);
  await server.stop();
  clearTimeout(timer);
}
