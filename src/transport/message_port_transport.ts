/**
 * Exchanges over a `MessagePort`, as between a page and a worker. Each exchange and each connection has a port of its
 * own, which is sent along the one that both sides share:
 *
 * ```text
 * { eidetica: "exchange" or "link", port: MessagePort }
 * ```
 *
 * @module
 */

import { setInspection } from "#inspect";
import { endedBy } from "../util/abort.ts";
import { requireMethod, requireText } from "../util/arguments.ts";
import {
  connectionFailed,
  lineOf,
  networkFailed,
  serverAlreadyRunning,
  serverNotRunning,
} from "./errors.ts";
import { dataOf, type MessagePortLike, MessagePortLink } from "./message_port_link.ts";
import type {
  Address,
  ByteStream,
  ConnectOptions,
  ExchangeOptions,
  Link,
  ServerSide,
  Transport,
} from "./port.ts";
import { SILENCE_MS, SilenceWatch } from "./silence.ts";
import { NATIVE_SUBPROTOCOL } from "./web_socket_link.ts";

/** Exchanges and connections that the other side of a port may have open at once. */
export const MAX_PORT_LINKS = 64;
/** How long the other side may take until it takes a connection, in milliseconds. */
export const PORT_OPEN_MS = 15_000;

const ACTION = "reach an instance through a port";
type Kind = "exchange" | "link";

/** How a {@link MessagePortTransport} is made. */
export interface MessagePortOptions {
  /** What both sides call the port in addresses; `"port"` unless told. Give each pair of instances its own. */
  readonly name?: string;
  /** How long the other side may take until it answers at all, in milliseconds; 15,000 unless told. */
  readonly openMs?: number;
}

/**
 * Reaches the one instance at the other end of a `MessagePort`, and is reached by it: give one end of a `MessageChannel`
 * to a worker, and each side a transport over its own. Addresses are `{ transportType: "port", address: NAME }`.
 */
export class MessagePortTransport implements Transport {
  /** See {@link Transport.type}. */
  readonly type: string = "port";
  readonly #port: MessagePortLike;
  readonly #name: string;
  readonly #openMs: number;
  readonly #served = new Set<MessagePortLink>();
  #server: ServerSide | undefined;

  /** A transport over a port, a worker, or the scope of a worker. */
  constructor(
    port: MessagePortLike,
    { name = "port", openMs = PORT_OPEN_MS }: MessagePortOptions = {},
  ) {
    requireMethod(port, "postMessage", ACTION, "the port");
    requireMethod(port, "addEventListener", ACTION, "the port");
    requireText(name, ACTION, "`name`");
    this.#port = port;
    this.#name = name;
    this.#openMs = openMs;
  }

  /** See {@link Transport.canHandle}. */
  canHandle({ transportType, address }: Address): boolean {
    return transportType === this.type && address === this.#name;
  }

  /** See {@link Transport.binding}. */
  binding(): string {
    return PORT_BINDING;
  }

  /** See {@link Transport.exchange}. */
  async exchange(
    _address: Address,
    request: Uint8Array,
    { signal, silenceMs = SILENCE_MS }: ExchangeOptions = {},
  ): Promise<ByteStream> {
    const link = await this.#open("exchange", signal);
    link.send(request);
    link.end();
    return this.#answer(link, silenceMs, signal);
  }

  async *#answer(
    link: MessagePortLink,
    silenceMs: number,
    signal: AbortSignal | undefined,
  ): ByteStream {
    const watch = new SilenceWatch(silenceMs, signal);
    const close = () => link.close();
    watch.signal.addEventListener("abort", close, { once: true });
    if (watch.signal.aborted) close();
    try {
      for await (const piece of link.incoming) {
        watch.heard();
        yield piece;
      }
      if (watch.wasSilent) throw networkFailed(this.#name, lineOf(watch.signal.reason));
      if (signal?.aborted === true) throw endedBy(signal, ACTION);
      if (!link.isWhole) {
        throw networkFailed(this.#name, "the other end of the port has broken it off");
      }
    } finally {
      watch.stop();
      link.close();
    }
  }

  /** See {@link Transport.connect}. */
  async connect(_address: Address, { signal }: ConnectOptions = {}): Promise<Link> {
    return await this.#open("link", signal);
  }

  /** Sends the other side a port, and waits until it is taken there. */
  async #open(kind: Kind, signal: AbortSignal | undefined): Promise<MessagePortLink> {
    if (signal?.aborted === true) throw endedBy(signal, ACTION);
    const { port1, port2 } = new MessageChannel();
    const link = new MessagePortLink(port1);
    const close = () => link.close();
    const timer = setTimeout(close, this.#openMs);
    signal?.addEventListener("abort", close, { once: true });
    try {
      this.#port.postMessage({ eidetica: kind, port: port2 }, [port2]);
      if (await link.opened) return link;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", close);
    }
    throw this.#notTaken(signal);
  }

  #notTaken(signal: AbortSignal | undefined): Error {
    if (signal?.aborted === true) return endedBy(signal, ACTION);
    return connectionFailed(`port:${this.#name}`, new Error("nobody takes connections there"));
  }

  // --- serving ---------------------------------------------------------------------------------

  /** See {@link Transport.start}. */
  start(server: ServerSide): Promise<void> {
    if (this.#server !== undefined) return Promise.reject(serverAlreadyRunning(this.#name));
    this.#server = server;
    this.#port.addEventListener("message", this.#asked);
    this.#port.start?.();
    return Promise.resolve();
  }

  /** See {@link Transport.stop}. The port itself stays open: it belongs to whoever has made it. */
  stop(): Promise<void> {
    if (this.#server === undefined) return Promise.reject(serverNotRunning(this.type));
    this.#server = undefined;
    this.#port.removeEventListener("message", this.#asked);
    for (const link of [...this.#served]) link.close();
    return Promise.resolve();
  }

  /** See {@link Transport.isRunning}. */
  get isRunning(): boolean {
    return this.#server !== undefined;
  }

  /** See {@link Transport.serverAddress}. */
  serverAddress(): string {
    if (this.#server !== undefined) return this.#name;
    throw serverNotRunning(this.type);
  }

  readonly #asked = (event: object): void => {
    const asked = askedFor(dataOf(event));
    const server = this.#server;
    if (asked === undefined || server === undefined) return;
    const link: MessagePortLink = new MessagePortLink(asked.port, () => this.#served.delete(link));
    if (this.#served.size >= MAX_PORT_LINKS) return link.close();
    this.#served.add(link);
    if (asked.kind === "exchange") void answer(server, link);
    else if (server.accept === undefined) link.close();
    else server.accept(link.open(), { binding: PORT_BINDING });
  };
}

setInspection(MessagePortTransport, "MessagePortTransport");

/** What is signed for a port is of no use elsewhere. */
const PORT_BINDING = `${NATIVE_SUBPROTOCOL}/port`;

/** What a message asks for; undefined for what is somebody else's. */
function askedFor(data: unknown): { kind: Kind; port: MessagePortLike } | undefined {
  const { eidetica: kind, port } = (data ?? {}) as { eidetica?: unknown; port?: unknown };
  if (kind !== "exchange" && kind !== "link") return undefined;
  return port instanceof MessagePort ? { kind, port } : undefined;
}

/** Answers one request; whatever is none is broken off. */
async function answer(server: ServerSide, link: MessagePortLink): Promise<void> {
  try {
    const { incoming } = link.open();
    for await (const piece of await server.exchange(incoming, undefined, true)) {
      link.send(piece);
      if (!await link.drained()) return;
    }
    link.end();
  } catch {
    link.close();
  }
}
