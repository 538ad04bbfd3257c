/**
 * WebSockets of Bun: they belong to the server and not to the request, so whoever calls `Bun.serve` must give it both
 * functions that are made here.
 *
 * @module
 */

import { joinAddress } from "./addresses.ts";
import { Incoming } from "./incoming.ts";
import { OpenLinks } from "./open_links.ts";
import type { ByteStream, ConnectionInfo, FetchHandler, Link } from "./port.ts";
import {
  bytesOf,
  CLOSE_CODES,
  MAX_BUFFERED_BYTES,
  MAX_MESSAGE_BYTES,
  NATIVE_SUBPROTOCOL,
  partsOf,
  requireRoom,
} from "./web_socket_link.ts";

/** Longest silence of a connection that Bun takes, in seconds; what runs over it has signs of life of its own. */
const IDLE_SECONDS = 255;

/** The part of Bun's server that is used. */
export interface BunServer {
  /** Where a request comes from. */
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  /** Makes a WebSocket of a request; whether it has. */
  upgrade(
    request: Request,
    options: { readonly data: BunLink; readonly headers: Readonly<Record<string, string>> },
  ): boolean;
}

/** A WebSocket of Bun's server. */
export interface BunSocket {
  /** The connection over it. */
  readonly data: BunLink;
  /** Bytes that have not left yet. */
  getBufferedAmount?(): number;
  /** Sends a message. */
  send(data: Uint8Array): number;
  /** Ends it. */
  close(code?: number, reason?: string): void;
}

/** What `Bun.serve` takes, but for where it listens. */
export interface BunHandlers {
  /** Answers requests. */
  fetch(request: Request, server: BunServer): Promise<Response | undefined>;
  /** Runs WebSockets. */
  readonly websocket: BunSocketHandlers;
}

/** What Bun asks about WebSockets. */
export interface BunSocketHandlers {
  /** Most bytes of one message. */
  readonly maxPayloadLength: number;
  /** Most bytes that may wait to leave. */
  readonly backpressureLimit: number;
  /** Whether more end the connection. */
  readonly closeOnBackpressureLimit: boolean;
  /** Longest silence in seconds. */
  readonly idleTimeout: number;
  /** Whether messages are deflated. */
  readonly perMessageDeflate: boolean;
  /** Told that one is open. */
  open(socket: BunSocket): void;
  /** Told of a message. */
  message(socket: BunSocket, data: string | Uint8Array): void;
  /** Told that one is over. */
  close(socket: BunSocket): void;
}

/** What `Bun.serve` takes to answer requests by `handler`; the connections stand in `links`. */
export function bunHandlers(
  handler: FetchHandler,
  links: OpenLinks = new OpenLinks(),
): BunHandlers {
  return {
    fetch: (request, server) => answer(handler, links, request, server),
    websocket: {
      maxPayloadLength: MAX_MESSAGE_BYTES,
      backpressureLimit: MAX_BUFFERED_BYTES,
      closeOnBackpressureLimit: true,
      idleTimeout: IDLE_SECONDS,
      perMessageDeflate: false,
      open: (socket) => socket.data.opened(socket),
      message: ({ data }, message) => data.arrived(message),
      close: ({ data }) => data.ended(),
    },
  };
}

async function answer(
  handler: FetchHandler,
  links: OpenLinks,
  request: Request,
  server: BunServer,
): Promise<Response | undefined> {
  let isUpgraded = false;
  const remote = server.requestIP(request);
  const info: ConnectionInfo = {
    ...remote === null ? {} : { remoteAddress: joinAddress(remote.address, remote.port) },
    upgrade: (request) => {
      const data = links.add((onEnd) => new BunLink(onEnd));
      const headers = { "sec-websocket-protocol": NATIVE_SUBPROTOCOL };
      isUpgraded = server.upgrade(request, { data, headers });
      if (!isUpgraded) data.ended();
      return isUpgraded ? { link: data, response: new Response(null) } : undefined;
    },
  };
  const response = await handler(request, info);
  // Bun has answered already.
  return isUpgraded ? undefined : response;
}

/** A connection over a WebSocket of Bun's server. */
export class BunLink implements Link {
  readonly #incoming = new Incoming();
  readonly #onEnd: () => void;
  #socket: BunSocket | undefined;
  #isOver = false;

  /** A connection that is about to be opened. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** See {@link Link.buffered}. */
  get buffered(): number {
    return this.#socket?.getBufferedAmount?.() ?? 0;
  }

  /** See {@link Link.incoming}. */
  get incoming(): ByteStream {
    return this.#incoming.messages;
  }

  /** See {@link Link.send}. */
  send(message: Uint8Array): void {
    requireRoom(this.buffered);
    for (const part of partsOf(message)) this.#socket?.send(part);
  }

  /** See {@link Link.close}. */
  close(code: number = CLOSE_CODES.done, reason = ""): void {
    if (this.#isOver) return;
    this.ended();
    this.#socket?.close(code, reason);
  }

  /** The socket is open. For the server. */
  opened(socket: BunSocket): void {
    this.#socket = socket;
    if (this.#isOver) socket.close(CLOSE_CODES.done);
  }

  /** A message has come. For the server. */
  arrived(data: string | Uint8Array): void {
    const bytes = bytesOf(data);
    if (bytes === undefined) this.close(CLOSE_CODES.unsupported, "bytes are expected");
    else if (!this.#incoming.push(bytes)) {
      this.close(CLOSE_CODES.tooBig, "more was sent than is taken");
    }
  }

  /** The connection is over. For the server. */
  ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#incoming.end();
    this.#onEnd();
  }
}
