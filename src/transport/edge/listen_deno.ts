/** EDGE: the HTTP server of Deno. */

import { joinAddress } from "../addresses.ts";
import { serverBind } from "../errors.ts";
import { OpenLinks } from "../open_links.ts";
import type { Listening, ListenOptions } from "../port.ts";
import { upgrade } from "./upgrade_deno.ts";

/** How long requests under way may take when a server is closed, in milliseconds. */
const GRACE_MS = 10_000;

interface DenoAddress {
  readonly hostname: string;
  readonly port: number;
}

/** The part of Deno's server that is used. */
interface DenoServer {
  readonly addr: DenoAddress;
  shutdown(): Promise<void>;
}

interface DenoHost {
  serve(
    options: {
      readonly hostname: string;
      readonly port: number;
      readonly signal: AbortSignal;
      onListen(): void;
    },
    handler: (
      request: Request,
      info: { readonly remoteAddr: DenoAddress },
    ) => Promise<Response>,
  ): DenoServer;
}

/** Listens on this runtime. */
export function listen(options: ListenOptions): Promise<Listening> {
  return Promise.resolve(options).then(begin);
}

function begin(options: ListenOptions): Listening {
  const { hostname, port, handler, tls } = options;
  const ended = new AbortController();
  const links = new OpenLinks();
  const host = (globalThis as unknown as { readonly Deno: DenoHost }).Deno;
  try {
    const server = host.serve(
      { hostname, port, ...tls, signal: ended.signal, onListen: () => {} },
      (request, { remoteAddr: { hostname, port } }) =>
        handler(request, {
          remoteAddress: joinAddress(hostname, port),
          upgrade: (request) => upgrade(request, links),
        }),
    );
    return {
      port: server.addr.port,
      close: (graceMs = GRACE_MS) => {
        links.close();
        return close(server, ended, graceMs);
      },
    };
  } catch (cause) {
    throw serverBind(joinAddress(hostname, port), cause);
  }
}

async function close(
  server: DenoServer,
  ended: AbortController,
  graceMs: number,
): Promise<void> {
  const timer = setTimeout(() => ended.abort(), graceMs);
  await server.shutdown();
  clearTimeout(timer);
}
