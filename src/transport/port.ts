/**
 * What carries bytes between two instances. A transport knows nothing of what it carries.
 *
 * @module
 */

/** Where an instance can be reached. Two are the same when both members are. */
export interface Address {
  /** Which kind of transport leads there, for example `"http"`. */
  readonly transportType: string;
  /** The place, as that kind of transport writes it, for example `"127.0.0.1:4000"`. */
  readonly address: string;
}

/** Bytes in pieces. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** How one exchange is made. */
export interface ExchangeOptions {
  /** Ends the exchange. */
  readonly signal?: AbortSignal | undefined;
  /** Most milliseconds without a byte of the answer before the exchange fails. */
  readonly silenceMs?: number | undefined;
}

/** How a connection that lives on is opened. */
export interface ConnectOptions {
  /** Gives up opening it. */
  readonly signal?: AbortSignal | undefined;
  /** Path at which the other side says that it takes connections, where the transport has paths. */
  readonly path?: string | undefined;
}

/** A request that stands alone, of frames. */
export interface PostedRequest {
  /** Path that is asked, where the transport has paths. */
  readonly path: string;
  /** Who asks, as the header `Authorization`. */
  readonly authorization: string;
  /** The frames. */
  readonly body: Uint8Array;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** The answer to such a request. */
export interface PostedAnswer {
  /** What proves who has answered, the header `Eidetica-Proof`. */
  readonly proof: string | undefined;
  /** Frames, which may still be arriving. */
  readonly body: ByteStream;
}

/** A connection that lives on: messages in both directions, in order. */
export interface Link {
  /** Sends one message, which is not changed afterwards. */
  send(message: Uint8Array): void;
  /** Bytes that were sent and have not left yet. */
  readonly buffered: number;
  /** Messages of the other side, which are not changed afterwards; ends when the connection does. */
  readonly incoming: ByteStream;
  /** Ends the connection. */
  close(code?: number, reason?: string): void;
}

/** A request that has become a live connection. */
export interface Upgraded {
  /** The connection. */
  readonly link: Link;
  /** What the server is given as the answer to the request. */
  readonly response: Response;
}

/** Makes a live connection of a request; undefined when it asks for none in the proper way. */
export type Upgrade = (request: Request) => Upgraded | undefined;

/** What a server knows of a request besides the request. */
export interface ConnectionInfo {
  /** The other end of the connection, `ip:port`. */
  readonly remoteAddress?: string;
  /** Turns the request into a live connection, where the server can. */
  readonly upgrade?: Upgrade;
}

/** A web-standard server: Deno, Bun, Node and edge hosts take it as it is. */
export type FetchHandler = (request: Request, info?: ConnectionInfo) => Promise<Response>;

/** The same for servers that pass along something of their own, which is made sense of where it can be. */
export type WebHandler = (request: Request, info?: object) => Promise<Response>;

/** What a server knows of a connection that lives on. */
export interface LinkInfo {
  /** Names what carries the connection, the same on both sides. */
  readonly binding: string;
  /** Where the other side has connected from. */
  readonly remote?: string | undefined;
}

/** The serving side, as transports call it. */
export interface ServerSide {
  /**
   * Answers one request of protocol v0: a stream of bytes in, one out. Whoever asks may be told that connections which
   * live on are taken on the same way, where the transport has them. What it makes this side verify is counted for the
   * host it comes from, if `from` tells that: `TooBusy` when too much was sent from there.
   */
  exchange(
    request: ByteStream,
    remote: Address | undefined,
    takesLinks?: boolean,
    from?: string,
  ): Promise<ByteStream>;
  /** Serves a connection that lives on, until it ends; left out by those who serve none. */
  accept?(link: Link, info: LinkInfo): void;
  /** Answers HTTP requests. */
  readonly fetch: WebHandler;
}

/** A way to reach other instances, and to be reached. */
export interface Transport {
  /** Kind of the transport: the type of the addresses that it leads to. */
  readonly type: string;
  /** Whether it leads to an address. */
  canHandle(address: Address): boolean;
  /**
   * Sends one request of protocol v0 and gives the answer, which may still be arriving. `ConnectionFailed`
   * when nobody answers, `Network` for any other failure.
   */
  exchange(address: Address, request: Uint8Array, options?: ExchangeOptions): Promise<ByteStream>;
  /** Opens a connection that lives on; transports that cannot leave it out. */
  connect?(address: Address, options?: ConnectOptions): Promise<Link>;
  /** Sends a request that stands alone; undefined when nobody there answers such. Transports that cannot leave it out. */
  post?(address: Address, request: PostedRequest): Promise<PostedAnswer | undefined>;
  /** Names what carries connections to an address, as {@link LinkInfo.binding} does; the address unless told. */
  binding?(address: Address): string;
  /**
   * Begins to serve. One that only connects does nothing. `ServerAlreadyRunning` when it serves already,
   * `ServerBind` when it cannot listen.
   */
  start(server: ServerSide): Promise<void>;
  /** Ends serving when the exchanges under way are done; `ServerNotRunning` when it does not serve. */
  stop(): Promise<void>;
  /** Ends everything, for good: what it has open besides its server. Transports that have nothing leave it out. */
  close?(): Promise<void>;
  /** Whether it serves. */
  readonly isRunning: boolean;
  /** Where it serves; `ServerNotRunning` when it does not. */
  serverAddress(): string;
}

/** Where and how a server listens. */
export interface ListenOptions {
  /** Address of an interface, or a host name. */
  readonly hostname: string;
  /** Port; 0 has one picked. */
  readonly port: number;
  /** Answers requests. */
  readonly handler: FetchHandler;
  /** Certificate and key in PEM form, for `https`. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** A server that listens. */
export interface Listening {
  /** Port that it listens on. */
  readonly port: number;
  /** Ends it: requests under way are finished, for at most so many milliseconds. */
  close(graceMs?: number): Promise<void>;
}

/** Begins to listen; rejects with `ServerBind` when that cannot be. */
export type Listen = (options: ListenOptions) => Promise<Listening>;
