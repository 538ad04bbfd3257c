/** EDGE: the HTTP server of Bun. */

import { joinAddress } from "../addresses.ts";
import { type BunHandlers, bunHandlers, type BunServer as Handling } from "../bun_server.ts";
import { serverBind } from "../errors.ts";
import { OpenLinks } from "../open_links.ts";
import type { Listening, ListenOptions } from "../port.ts";

/** How long requests under way may take when a server is closed, in milliseconds. */
const GRACE_MS = 10_000;
/** Longest silence of a connection that Bun takes, in seconds; the handler has limits of its own. */
const IDLE_SECONDS = 255;

/** The part of Bun's server that is used. */
interface BunServer extends Handling {
  readonly port: number;
  stop(closeActive?: boolean): Promise<void>;
}

interface BunHost {
  serve(
    options: BunHandlers & {
      readonly hostname: string;
      readonly port: number;
      readonly idleTimeout: number;
      readonly tls?: object | undefined;
    },
  ): BunServer;
}

/** Listens on this runtime. */
export function listen(options: ListenOptions): Promise<Listening> {
  return Promise.resolve(options).then(begin);
}

function begin(options: ListenOptions): Listening {
  const { hostname, port, handler, tls } = options;
  const links = new OpenLinks();
  const host = (globalThis as unknown as { readonly Bun: BunHost }).Bun;
  try {
    const server = host.serve({
      hostname,
      port,
      tls,
      idleTimeout: IDLE_SECONDS,
      ...bunHandlers(handler, links),
    });
    return {
      port: server.port,
      close: (graceMs = GRACE_MS) => {
        links.close();
        return close(server, graceMs);
      },
    };
  } catch (cause) {
    throw serverBind(joinAddress(hostname, port), cause);
  }
}

async function close(server: BunServer, graceMs: number): Promise<void> {
  const timer = setTimeout(() => void server.stop(true), graceMs);
  await server.stop();
  clearTimeout(timer);
}
