/**
 * EDGE: Iroh, which connects two machines directly by QUIC, through routers that let nobody in, and over relays where
 * nothing else helps. Its addresses are endpoint tickets. Two protocols are told apart by their ALPN:
 *
 * ```text
 * eidetica/v0         a stream per request of protocol v0
 * eidetica-native/1   one stream, a session of the native protocol
 * ```
 *
 * @module
 */

import { setInspection } from "#inspect";
import { EideticaError } from "../../util/errors.ts";
import { connectionFailed, serverAlreadyRunning, serverNotRunning } from "../errors.ts";
import type { IrohOptions } from "../iroh_options.ts";
import type {
  Address,
  ByteStream,
  ConnectOptions,
  ExchangeOptions,
  Link,
  ServerSide,
  Transport,
} from "../port.ts";
import { SILENCE_MS } from "../silence.ts";
import { loadAddon, plainError } from "./iroh_addon.ts";
import { IrohEndpoint } from "./iroh_endpoint.ts";
import { IrohLink } from "./iroh_link.ts";
import { bindingOf, IrohServer, NATIVE_ALPN } from "./iroh_server.ts";
import { closeConnection, IrohStream } from "./iroh_stream.ts";
import { requestV0, requireTakeable, V0_ALPN } from "./iroh_v0.ts";

/** Loads the add-on, and makes a transport of an endpoint with this secret key. Its socket is opened when it is needed. */
export async function openIroh(options: IrohOptions, secret: Uint8Array): Promise<Transport> {
  return new IrohTransport(new IrohEndpoint(await loadAddon(), options, secret), options);
}

/** Exchanges and connections over Iroh. */
class IrohTransport implements Transport {
  readonly type: string = "iroh";
  readonly #endpoint: IrohEndpoint;
  readonly #options: IrohOptions;
  readonly #links = new Set<IrohLink>();
  #server: IrohServer | undefined;

  constructor(endpoint: IrohEndpoint, options: IrohOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  canHandle({ transportType }: Address): boolean {
    return transportType === this.type;
  }

  async exchange(
    { address }: Address,
    request: Uint8Array,
    { signal, silenceMs = SILENCE_MS }: ExchangeOptions = {},
  ): Promise<ByteStream> {
    requireTakeable(address, request);
    const { answerBytes = Infinity } = this.#options;
    const connection = await this.#endpoint.connect(address, V0_ALPN, signal);
    const asked = { address, request, signal, silenceMs, answerBytes };
    return requestV0(connection, this.#endpoint.toAddon, asked);
  }

  /** Both ends: what is signed for one connection is of no use between others. */
  binding({ address }: Address): string {
    return bindingOf(this.#endpoint.id, this.#endpoint.addressOf(address).id().toString());
  }

  async connect({ address }: Address, { signal }: ConnectOptions = {}): Promise<Link> {
    const connection = await this.#endpoint.connect(address, NATIVE_ALPN, signal);
    // The other side may allow none.
    const stream = await this.#endpoint.inTime(address, signal, () => connection.openBi()).catch(
      (error) => {
        closeConnection(connection);
        if (error instanceof EideticaError) throw error;
        throw connectionFailed(address, plainError(error));
      },
    );
    const own = new IrohStream(stream, this.#endpoint.toAddon);
    const link: IrohLink = new IrohLink(connection, own, () => this.#links.delete(link));
    this.#links.add(link);
    return link;
  }

  async start(server: ServerSide): Promise<void> {
    if (this.#server !== undefined) throw serverAlreadyRunning(this.type);
    const own = this.#server = new IrohServer(this.#endpoint, server);
    try {
      await this.#endpoint.listen(own.alpns, (incoming) => {
        if (this.#server === undefined) void incoming.refuse().catch(() => {});
        else void this.#server.take(incoming);
      });
    } catch (error) {
      this.#server = undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) throw serverNotRunning(this.type);
    this.#server = undefined;
    this.#endpoint.mute();
    await server.close();
  }

  get isRunning(): boolean {
    return this.#server !== undefined && this.#endpoint.ticket !== undefined;
  }

  serverAddress(): string {
    const ticket = this.#server === undefined ? undefined : this.#endpoint.ticket;
    if (ticket !== undefined) return ticket;
    throw serverNotRunning(this.type);
  }

  async close(): Promise<void> {
    if (this.#server !== undefined) await this.stop();
    const links = [...this.#links];
    for (const link of links) link.close();
    await Promise.all(links.map(({ closed }) => closed));
    await this.#endpoint.close();
  }
}

setInspection(IrohTransport, "IrohTransport");
