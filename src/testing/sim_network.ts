/**
 * A network in memory, for tests: every message is the bytes that would be on a wire. Links can be cut, and pushes
 * held back, delivered in any order, twice, or not at all.
 *
 * @module
 */

import type {
  Address,
  ByteStream,
  ExchangeOptions,
  Link,
  ServerSide,
  Transport,
} from "../transport/port.ts";
import { SyncError } from "../util/errors.ts";
import { type SimLinkOptions, SimLinkPair } from "./sim_link.ts";

/** A push that was captured. */
interface Captured {
  readonly handle: number;
  readonly from: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** Kind of the transports of a {@link SimNetwork}. */
export const SIM_TRANSPORT = "sim";

/** The network. Addresses are `sim-peer-0`, `sim-peer-1`, … */
export class SimNetwork {
  readonly #servers = new Map<string, ServerSide>();
  readonly #cut = new Set<string>();
  readonly #captured: Captured[] = [];
  readonly #live: { readonly name: string; readonly pair: SimLinkPair }[] = [];
  #isManual = false;
  #handles = 0;
  #transports = 0;
  /** How many messages failed at a cut link. */
  failed = 0;
  /** How many pushes were delivered a second time. */
  duplicated = 0;

  /** A transport of one peer. */
  transport(): SimTransport {
    return new SimTransport(this, `sim-peer-${this.#transports++}`);
  }

  /** Cuts the link between two addresses, in both directions. */
  partition(a: string, b: string): void {
    this.#cut.add(link(a, b));
    for (const { name, pair } of this.#live) if (name === link(a, b)) pair.cut();
  }

  /** Mends the link between two addresses. */
  heal(a: string, b: string): void {
    this.#cut.delete(link(a, b));
  }

  /** Mends all links. */
  healAll(): void {
    this.#cut.clear();
  }

  /** Whether pushes are captured instead of delivered; what is captured already stays so. */
  setManualDelivery(isManual: boolean): void {
    this.#isManual = isManual;
  }

  /** Handles of the pushes that were captured, in the order in which they were sent. */
  pending(): number[] {
    return this.#captured.map(({ handle }) => handle);
  }

  /** Delivers a captured push; false when its receiver does not serve any more. */
  async deliver(handle: number): Promise<boolean> {
    const [message] = this.#take(handle);
    return message !== undefined && await this.#handOver(message);
  }

  /** Delivers the push that was captured first; false when there is none. */
  async deliverOne(): Promise<boolean> {
    const first = this.#captured[0];
    return first !== undefined && await this.deliver(first.handle);
  }

  /** Delivers all that is captured, in order. */
  async deliverAll(): Promise<void> {
    while (this.#captured.length > 0) await this.deliverOne();
  }

  /** Puts a copy of a captured push behind all others; its handle. */
  duplicate(handle: number): number | undefined {
    const found = this.#captured.find((it) => it.handle === handle);
    if (found === undefined) return undefined;
    const copy = { ...found, handle: this.#handles++ };
    this.#captured.push(copy);
    this.duplicated++;
    return copy.handle;
  }

  /** Loses a captured push. */
  dropMessage(handle: number): boolean {
    return this.#take(handle).length > 0;
  }

  /** Loses all that is captured. */
  dropAll(): void {
    this.#captured.length = 0;
  }

  #take(handle: number): Captured[] {
    const at = this.#captured.findIndex((it) => it.handle === handle);
    return at < 0 ? [] : this.#captured.splice(at, 1);
  }

  async #handOver({ from, to, bytes }: Captured): Promise<boolean> {
    const server = this.#servers.get(to);
    if (server === undefined) return false;
    await all(await server.exchange(one(bytes), { transportType: SIM_TRANSPORT, address: from }));
    return true;
  }

  /** Begins to serve at an address. For transports. */
  serve(address: string, server: ServerSide): void {
    this.#servers.set(address, server);
  }

  /** Ends serving at an address. For transports. */
  leave(address: string): void {
    this.#servers.delete(address);
  }

  /** Connects one address with another, until the link between them is cut. For transports. */
  connect(from: string, to: string, options: SimLinkOptions = {}): Link {
    const server = this.#servers.get(to);
    if (this.#cut.has(link(from, to)) || server?.accept === undefined) {
      this.failed++;
      throw unreachable(to);
    }
    const pair = new SimLinkPair(options);
    this.#live.push({ name: link(from, to), pair });
    server.accept(pair.ends[1], { binding: to, remote: from });
    return pair.ends[0];
  }

  /** Sends a request from one address to another. For transports. */
  async send(from: string, to: string, bytes: Uint8Array): Promise<ByteStream> {
    const server = this.#servers.get(to);
    if (this.#cut.has(link(from, to)) || server === undefined) {
      this.failed++;
      throw unreachable(to);
    }
    if (this.#isManual && isPush(bytes)) {
      this.#captured.push({ handle: this.#handles++, from, to, bytes });
      return one(new TextEncoder().encode('"Ack"'));
    }
    return await server.exchange(one(bytes), { transportType: SIM_TRANSPORT, address: from });
  }
}

/** A transport over a {@link SimNetwork}. */
export class SimTransport implements Transport {
  /** See {@link Transport.type}. */
  readonly type: string = SIM_TRANSPORT;
  /** Address of the peer. */
  readonly address: string;
  readonly #network: SimNetwork;
  #isRunning = false;

  /** Use {@link SimNetwork.transport}. */
  constructor(network: SimNetwork, address: string) {
    this.#network = network;
    this.address = address;
  }

  /** See {@link Transport.canHandle}. */
  canHandle({ transportType }: Address): boolean {
    return transportType === SIM_TRANSPORT;
  }

  /** See {@link Transport.exchange}. */
  async exchange(
    { address }: Address,
    request: Uint8Array,
    { signal }: ExchangeOptions = {},
  ): Promise<ByteStream> {
    signal?.throwIfAborted();
    return await this.#network.send(this.address, address, request);
  }

  /** See {@link Transport.connect}. */
  async connect({ address }: Address, { signal }: ExchangeOptions = {}): Promise<Link> {
    signal?.throwIfAborted();
    return await Promise.resolve(this.#network.connect(this.address, address));
  }

  /** See {@link Transport.start}. */
  start(server: ServerSide): Promise<void> {
    if (this.#isRunning) {
      const message = `Cannot serve on ${this.address}: a server is running there already`;
      return Promise.reject(new SyncError("ServerAlreadyRunning", message));
    }
    this.#network.serve(this.address, server);
    this.#isRunning = true;
    return Promise.resolve();
  }

  /** See {@link Transport.stop}. */
  stop(): Promise<void> {
    if (!this.#isRunning) return Promise.reject(notRunning());
    this.#network.leave(this.address);
    this.#isRunning = false;
    return Promise.resolve();
  }

  /** See {@link Transport.isRunning}. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** See {@link Transport.serverAddress}. */
  serverAddress(): string {
    if (this.#isRunning) return this.address;
    throw notRunning();
  }
}

function link(a: string, b: string): string {
  return [a, b].sort().join(" ");
}

function isPush(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 14)) === '{"SendEntries"';
}

async function* one(bytes: Uint8Array): ByteStream {
  yield await Promise.resolve(bytes);
}

async function all(stream: ByteStream): Promise<void> {
  for await (const _ of stream);
}

function unreachable(address: string): SyncError {
  const reason = "nobody is there, or the link is cut";
  return new SyncError("ConnectionFailed", `Cannot reach ${address}: ${reason}`, {
    fields: { address, reason },
  });
}

function notRunning(): SyncError {
  return new SyncError(
    "ServerNotRunning",
    "Cannot use the server of the transport: it is not running; start it first",
  );
}
