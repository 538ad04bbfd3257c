/** EDGE: what an endpoint of Iroh serves. */

import { addressBlock, isOwnMachine } from "../address_block.ts";
import type { ServerSide } from "../port.ts";
import { Room } from "../room.ts";
import type { AddonConnection, AddonIncoming } from "./iroh_addon.ts";
import type { IrohEndpoint } from "./iroh_endpoint.ts";
import { IrohLink, within } from "./iroh_link.ts";
import { closeConnection, IrohStream } from "./iroh_stream.ts";
import { answerV0, V0_ALPN } from "./iroh_v0.ts";

/** Name of the native protocol. */
export const NATIVE_ALPN = "eidetica-native/1";
/** Connections that are open at a time. */
export const MAX_IROH_CONNECTIONS = 1024;
/** Connections of one owner of addresses that are open at a time. */
export const MAX_IROH_CONNECTIONS_EACH = 64;
/** Connections for requests of protocol v0 that are open at a time: each may keep 1 MiB. */
export const MAX_IROH_REQUESTS = 512;
/** Those of one owner of addresses. */
export const MAX_IROH_REQUESTS_EACH = 64;
/** How long somebody who has connected may take until it opens its stream, in milliseconds. */
export const STREAM_MS = 10_000;
/** How long requests under way may take when serving ends, in milliseconds. */
const GRACE_MS = 10_000;

/** Names what carries a session, the same on both sides. */
export function bindingOf(client: string, server: string): string {
  return `${NATIVE_ALPN} ${client} ${server}`;
}

/** Limits other than the usual ones. */
export interface IrohLimits {
  /** {@link MAX_IROH_CONNECTIONS} unless told. */
  readonly connections?: number;
  /** {@link MAX_IROH_REQUESTS} unless told. */
  readonly exchanges?: number;
  /** {@link STREAM_MS} unless told. */
  readonly streamMs?: number;
}

/** Serves those who connect, until it is closed. */
export class IrohServer {
  /** The protocols that are served. */
  readonly alpns: readonly string[];
  readonly #endpoint: IrohEndpoint;
  readonly #server: ServerSide;
  readonly #connections = new Set<AddonConnection>();
  readonly #exchanges = new Set<Promise<unknown>>();
  readonly #links = new Set<IrohLink>();
  readonly #room: Room;
  readonly #exchangeRoom: Room;
  readonly #streamMs: number;

  /** Serves with what answers. */
  constructor(endpoint: IrohEndpoint, server: ServerSide, limits: IrohLimits = {}) {
    this.#endpoint = endpoint;
    this.#server = server;
    this.#room = new Room(limits.connections ?? MAX_IROH_CONNECTIONS, MAX_IROH_CONNECTIONS_EACH);
    this.#exchangeRoom = new Room(limits.exchanges ?? MAX_IROH_REQUESTS, MAX_IROH_REQUESTS_EACH);
    this.#streamMs = limits.streamMs ?? STREAM_MS;
    this.alpns = server.accept === undefined ? [V0_ALPN] : [V0_ALPN, NATIVE_ALPN];
  }

  /** Serves somebody who wants to connect, if there is room. */
  async take(incoming: AddonIncoming): Promise<void> {
    let leave: (() => void) | undefined;
    try {
      const remote = await hostOf(incoming);
      leave = this.#room.enter(remote);
      if (leave === undefined) return await incoming.refuse();
      await this.#serve(await (await incoming.accept()).connect(), remote);
    } catch {
      // It speaks none of the protocols, or is gone.
    } finally {
      leave?.();
    }
  }

  async #serve(connection: AddonConnection, remote: string | undefined): Promise<void> {
    connection.setMaxConcurrentBiStreams(1n);
    connection.setMaxConcurrentUniStreams(0n);
    const alpn = String.fromCharCode(...connection.alpn());
    this.#connections.add(connection);
    try {
      if (alpn === NATIVE_ALPN) await this.#accept(connection, remote);
      else await this.#answer(connection, remote);
    } finally {
      this.#connections.delete(connection);
      closeConnection(connection);
    }
  }

  async #answer(connection: AddonConnection, remote: string | undefined): Promise<void> {
    const leave = this.#exchangeRoom.enter(remote);
    if (leave === undefined) return;
    await this.#exchange(connection, remote).finally(leave);
  }

  async #exchange(connection: AddonConnection, remote: string | undefined): Promise<void> {
    const takesLinks = this.#server.accept !== undefined;
    const gone = connection.closed();
    await answerV0(
      connection,
      this.#endpoint.toAddon,
      // An endpoint cannot be reached by its name alone, which is all that is known of it.
      (request) => this.#server.exchange(request, undefined, takesLinks, remote),
      async (work) => {
        // Nobody waits for the answer to somebody who is gone.
        const wanted = Promise.race([work, gone]);
        this.#exchanges.add(wanted);
        await wanted.finally(() => this.#exchanges.delete(wanted));
      },
    );
  }

  async #accept(connection: AddonConnection, remote: string | undefined): Promise<void> {
    const timer = setTimeout(() => closeConnection(connection), this.#streamMs);
    const stream = await connection.acceptBi().finally(() => clearTimeout(timer));
    const link = new IrohLink(connection, new IrohStream(stream, this.#endpoint.toAddon));
    this.#links.add(link);
    const client = connection.remoteId().toString();
    this.#server.accept!(link, { binding: bindingOf(client, this.#endpoint.id), remote });
    await link.closed;
    this.#links.delete(link);
  }

  /** Ends all connections; requests under way are answered before. */
  async close(): Promise<void> {
    const links = [...this.#links];
    for (const link of links) link.close();
    await Promise.all(links.map(({ closed }) => closed));
    await within(GRACE_MS, Promise.allSettled([...this.#exchanges]));
    for (const connection of this.#connections) closeConnection(connection);
  }
}

/** Who is counted: a host or network, not its ports. What comes over a relay, or from this machine, may be anybody. */
async function hostOf(incoming: AddonIncoming): Promise<string | undefined> {
  const { kind, addr = "" } = await incoming.remoteAddr();
  return kind !== "ip" || isOwnMachine(addr) ? undefined : addressBlock(addr);
}
