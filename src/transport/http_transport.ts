import { endedBy } from "../util/abort.ts";
import { setInspection } from "#inspect";
import { joinAddress, splitAddress } from "./addresses.ts";
import { connectWebSocket } from "./connect_web_socket.ts";
import {
  connectionFailed,
  lineOf,
  networkFailed,
  serverAlreadyRunning,
  serverNotRunning,
} from "./errors.ts";
import type {
  Address,
  ByteStream,
  ConnectOptions,
  ExchangeOptions,
  Link,
  Listen,
  Listening,
  PostedAnswer,
  PostedRequest,
  ServerSide,
  Transport,
} from "./port.ts";
import { piecesOf, SILENCE_MS, SilenceWatch } from "./silence.ts";
import { NATIVE_PATH, NATIVE_SUBPROTOCOL } from "./web_socket_link.ts";

/** Letters of the text of a failure that an error tells. */
const SHOWN = 200;

/** Path of protocol v0. */
export const V0_PATH = "/api/v0";
/** Type of bodies of frames of the native protocol. */
export const FRAMES_TYPE = "application/vnd.eidetica.native";

/** How an HTTP transport serves. */
export interface HttpTransportOptions {
  /** Where it listens, `ip:port`; one that only connects has none. */
  readonly bindAddress?: string;
  /** Listens, on this runtime. */
  readonly listen?: Listen;
}

/**
 * Exchanges over HTTP, with the `fetch` of the platform. Addresses are `host:port`, or a whole URL beginning
 * with `http://` or `https://`, which nodes of the Rust project do not take.
 */
export class HttpTransport implements Transport {
  /** See {@link Transport.type}. */
  readonly type: string = "http";
  readonly #options: HttpTransportOptions;
  #listening: { readonly server: Listening; readonly address: string } | undefined;
  #starting = false;

  /** A transport that serves as `options` say, once it is started. */
  constructor(options: HttpTransportOptions = {}) {
    this.#options = options;
  }

  /** See {@link Transport.canHandle}. */
  canHandle({ transportType }: Address): boolean {
    return transportType === this.type;
  }

  /** See {@link Transport.exchange}. */
  async exchange(
    { address }: Address,
    request: Uint8Array,
    { signal, silenceMs = SILENCE_MS }: ExchangeOptions = {},
  ): Promise<ByteStream> {
    const watch = new SilenceWatch(silenceMs, signal);
    try {
      const response = await this.#send(address, request, watch);
      return heard(address, response.body, watch);
    } catch (error) {
      watch.stop();
      throw error;
    }
  }

  /** See {@link Transport.binding}. Hosts and paths may be others behind a proxy. */
  binding(): string {
    return NATIVE_SUBPROTOCOL;
  }

  /** See {@link Transport.connect}: a WebSocket. */
  async connect({ address }: Address, options: ConnectOptions = {}): Promise<Link> {
    return await connectWebSocket(urlOf(address, options.path ?? NATIVE_PATH), options);
  }

  /** See {@link Transport.post}. */
  async post(
    { address }: Address,
    { path, authorization, body, signal }: PostedRequest,
  ): Promise<PostedAnswer | undefined> {
    const watch = new SilenceWatch(SILENCE_MS, signal);
    const headers = { "content-type": FRAMES_TYPE, authorization };
    const init = { method: "POST", headers, body: body as BodyInit, signal: watch.signal };
    try {
      const response = await fetch(urlOf(address, path), init);
      const proof = response.headers.get("eidetica-proof") ?? undefined;
      if (response.ok) return { proof, body: heard(address, response.body, watch) };
      await response.body?.cancel();
      watch.stop();
      return undefined;
    } catch (cause) {
      watch.stop();
      throw failure(address, cause, watch, connectionFailed);
    }
  }

  async #send(address: string, body: Uint8Array, watch: SilenceWatch): Promise<Response> {
    const headers = { "content-type": "application/json", accept: "application/json" };
    const init = { method: "POST", headers, body: body as BodyInit, signal: watch.signal };
    const response = await fetch(urlOf(address), init).catch((cause) => {
      throw failure(address, cause, watch, connectionFailed);
    });
    if (response.ok) return response;
    const text = await beginningOf(response.body).catch(() => "");
    throw networkFailed(address, `status ${response.status} ${text}`.trim());
  }

  /** See {@link Transport.start}. */
  async start(server: ServerSide): Promise<void> {
    if (this.#listening !== undefined || this.#starting) {
      throw serverAlreadyRunning(this.#listening?.address ?? this.#options.bindAddress!);
    }
    const { bindAddress, listen } = this.#options;
    if (bindAddress === undefined || listen === undefined) return;
    this.#starting = true;
    try {
      const { hostname, port } = splitAddress(bindAddress);
      const listening = await listen({ hostname, port, handler: server.fetch });
      this.#listening = { server: listening, address: joinAddress(hostname, listening.port) };
    } finally {
      this.#starting = false;
    }
  }

  /** See {@link Transport.stop}. */
  async stop(): Promise<void> {
    const listening = this.#listening;
    if (listening === undefined) throw serverNotRunning(this.type);
    this.#listening = undefined;
    await listening.server.close();
  }

  /** See {@link Transport.isRunning}. */
  get isRunning(): boolean {
    return this.#listening !== undefined;
  }

  /** See {@link Transport.serverAddress}. */
  serverAddress(): string {
    if (this.#listening !== undefined) return this.#listening.address;
    throw serverNotRunning(this.type);
  }
}

setInspection(HttpTransport, "HttpTransport");

/** The first letters of a text that says what went wrong; no more of it is read. */
async function beginningOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of piecesOf(body)) {
    text += decoder.decode(piece.subarray(0, 4 * SHOWN), { stream: true });
    if (text.length >= SHOWN) break;
  }
  return text.slice(0, SHOWN);
}

function urlOf(address: string, path: string = V0_PATH): string {
  const base = /^https?:\/\//i.test(address) ? address : `http://${address}`;
  return base.replace(/\/+$/, "") + path;
}

async function* heard(
  address: string,
  body: ReadableStream<Uint8Array> | null,
  watch: SilenceWatch,
): ByteStream {
  try {
    for await (const piece of piecesOf(body)) {
      watch.heard();
      yield piece;
    }
  } catch (cause) {
    throw failure(address, cause, watch, (where, why) => networkFailed(where, lineOf(why), why));
  } finally {
    watch.stop();
  }
}

/** What an exchange failed of: silence, an abort from outside, which is passed on, or the network. */
function failure(
  address: string,
  cause: unknown,
  watch: SilenceWatch,
  otherwise: (address: string, cause: unknown) => Error,
): unknown {
  if (watch.wasSilent) return networkFailed(address, lineOf(watch.signal.reason), cause);
  return watch.signal.aborted
    ? endedBy(watch.signal, `reach ${address}`)
    : otherwise(address, cause);
}
