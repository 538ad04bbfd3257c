import { joinAddress } from "../transport/addresses.ts";
import type { Address, WebHandler } from "../transport/port.ts";
import { optionsOf, requireFunction, requireText } from "../util/arguments.ts";
import { requireOptionalText } from "./arguments.ts";
import { requireOrigins, withOrigins } from "./http/origins.ts";
import type { ServeOptions, SyncServer } from "./options.ts";
import { listenHere } from "./serve.ts";

const LISTEN = "listen";

/** Options that were checked, with what is not told. */
type Listening = ServeOptions & { readonly port: number; readonly hostname: string };

/** Checks the options of `Sync.serve`, but for those of Iroh. */
export function serveOptions(options: ServeOptions): Listening {
  const given = optionsOf(options, LISTEN);
  const { port = 0, hostname = "127.0.0.1", publicAddress, origins, handler } = given;
  requireOrigins(origins, LISTEN);
  if (handler !== undefined) requireFunction(handler, LISTEN, "`handler`");
  requireText(hostname, LISTEN, "`hostname`");
  requireOptionalText(publicAddress, LISTEN, "`publicAddress`");
  return { ...given, port, hostname };
}

/** The HTTP servers that an instance has opened by itself. */
export class Servers {
  readonly #servers = new Map<SyncServer, Address>();

  /** Whether there is none. */
  get isEmpty(): boolean {
    return this.#servers.size === 0;
  }

  /** Where others reach them. */
  addresses(): readonly Address[] {
    return [...this.#servers.values()];
  }

  /** Opens one, which answers by `fetch` unless another handler is given; `alongside` is ended with it. */
  async listen(
    fetch: WebHandler,
    { port, hostname, publicAddress, tls, origins, ...given }: Listening,
    alongside?: () => Promise<void>,
  ): Promise<SyncServer> {
    const handler = given.handler ?? withOrigins(fetch, origins);
    const listening = await listenHere({ port, hostname, tls, handler });
    const address = joinAddress(hostname, listening.port);
    const dialled = publicAddress ?? (tls === undefined ? address : `https://${address}`);
    return this.#add(address, dialled, async () => {
      await Promise.all([listening.close(), alongside?.()]);
    });
  }

  #add(address: string, dialled: string, end: () => Promise<void>): SyncServer {
    const close = async () => {
      this.#servers.delete(server);
      await end();
    };
    const server: SyncServer = { address, close, [Symbol.asyncDispose]: close };
    this.#servers.set(server, { transportType: "http", address: dialled });
    return server;
  }

  /** Closes them all, whatever comes of each. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#servers.keys()].map((server) => server.close()));
  }
}
