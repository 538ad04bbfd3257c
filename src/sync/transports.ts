import type {
  Address,
  ConnectOptions,
  ExchangeOptions,
  Link,
  ServerSide,
  Transport,
} from "../transport/port.ts";
import { endedBy, unlessAborted } from "../util/abort.ts";
import { EideticaError, SyncError } from "../util/errors.ts";
import { addressText } from "./address.ts";
import { eitherOf, heardStream } from "./heard.ts";

/** The transports of an instance, by name. Several of one kind may stand side by side. */
export class Transports {
  readonly #all = new Map<string, Transport>();
  readonly #server: () => ServerSide;
  readonly #ended = new AbortController();

  /** No transports yet; `server` answers what arrives. */
  constructor(server: () => ServerSide) {
    this.#server = server;
  }

  /** Whether there is any. */
  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** Aborted when synchronisation ends. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Adds a transport; one of the same name is stopped first. */
  async add(name: string, transport: Transport): Promise<void> {
    this.#requireOpen();
    const before = this.#all.get(name);
    this.#all.set(name, transport);
    if (before?.isRunning) await before.stop();
    if (before !== transport) await before?.close?.();
  }

  /** Whether there is a transport of a name. */
  has(name: string): boolean {
    return this.#all.has(name);
  }

  /** The transport of a name; `TransportNotFound` when there is none. */
  get(name: string): Transport {
    const found = this.#all.get(name);
    if (found !== undefined) return found;
    const message = `Cannot find the transport "${name}": add it with \`sync.addTransport\``;
    throw new SyncError("TransportNotFound", message, { fields: { name } });
  }

  /**
   * Sends a request to an address by the first transport, in order of the names, that leads there.
   * `NoTransportEnabled` when there are none at all, `NoTransportForAddress` when none leads there.
   */
  async *exchange(
    address: Address,
    request: Uint8Array,
    options: ExchangeOptions,
  ): AsyncGenerator<Uint8Array, void> {
    this.#requireOpen();
    const { signal, release } = eitherOf(options.signal ?? this.#ended.signal, this.#ended.signal);
    const given = { ...options, signal };
    const begin = () => this.leadingTo(address).exchange(address, request, given);
    try {
      yield* heardStream(signal, `reach ${address.address}`, begin);
    } finally {
      release();
    }
  }

  /** Opens a connection that lives on; whoever asks looks before whether the transport that leads there can. */
  async connect(
    address: Address,
    options: ConnectOptions & { readonly signal: AbortSignal },
  ): Promise<Link> {
    const { signal } = options;
    return await unlessAborted(
      signal,
      async () => await this.leadingTo(address).connect!(address, options),
      {
        failure: () => endedBy(signal, `connect to ${address.address}`),
        discard: (late) => late.close(),
      },
    );
  }

  /** The transport that leads to an address. */
  leadingTo(address: Address): Transport {
    if (this.isEmpty) throw noTransport();
    const found = this.find(address);
    if (found !== undefined) return found;
    const hint = address.transportType === "iroh"
      ? "; enable synchronisation with `{ iroh: true }`"
      : "";
    const message = `Cannot reach ${
      addressText(address)
    }: no transport that was added leads there${hint}`;
    throw new SyncError("NoTransportForAddress", message, { fields: { address } });
  }

  /** The transport that leads to an address, if there is one. */
  find(address: Address): Transport | undefined {
    const names = [...this.#all.keys()].sort();
    return names.map((name) => this.#all.get(name)!).find((it) => it.canHandle(address));
  }

  /** Begins to serve on all transports. Fails only when none of them can. */
  async startAll(): Promise<void> {
    const errors: EideticaError[] = [];
    for (const [name, transport] of this.#all) {
      await this.#start(transport).catch((error) => errors.push(named(name, error)));
    }
    if (errors.length > 0 && errors.length === this.#all.size) throw several(errors);
  }

  /** Begins to serve on one transport. */
  async start(name: string): Promise<void> {
    await this.#start(this.get(name));
  }

  async #start(transport: Transport): Promise<void> {
    this.#requireOpen();
    await transport.start(this.#server());
    if (this.#ended.signal.aborted && transport.isRunning) await transport.stop();
    this.#requireOpen();
  }

  /** Ends serving on all transports that serve. */
  async stopAll(): Promise<void> {
    const errors: EideticaError[] = [];
    for (const [name, transport] of this.#all) {
      if (!transport.isRunning) continue;
      await transport.stop().catch((error) => errors.push(named(name, error)));
    }
    if (errors.length > 0) throw several(errors);
  }

  /** Ends serving, and the exchanges under way that nobody else may end; nothing begins after that. */
  async close(): Promise<void> {
    this.#ended.abort(syncEnded());
    await this.stopAll().catch(() => {});
    await Promise.allSettled([...this.#all.values()].map(async (it) => await it.close?.()));
  }

  /** Whether connections that live on are taken anywhere. */
  get takesLinks(): boolean {
    return [...this.#all.values()].some((it) => it.isRunning && it.connect !== undefined);
  }

  #requireOpen(): void {
    this.#ended.signal.throwIfAborted();
  }

  /** Where the transports serve: names with addresses, of those that do. */
  addresses(): [name: string, address: string][] {
    const running = [...this.#all].filter(([, transport]) => transport.isRunning);
    return running.map(([name, transport]) => [name, transport.serverAddress()]);
  }

  /** The same with the kinds of the transports, as other instances use them. */
  dialable(): Address[] {
    const running = [...this.#all.values()].filter((transport) => transport.isRunning);
    return running.map((it) => ({ transportType: it.type, address: it.serverAddress() }));
  }
}

/** The error of whoever wants something of synchronisation that has ended. */
export function syncEnded(): SyncError {
  const message = "Cannot synchronise: it has ended; enable it again with `instance.enableSync()`";
  return new SyncError("InstanceDropped", message);
}

/** The error of an instance that has no way to others. */
export function noTransport(): SyncError {
  const message =
    "Cannot reach or serve others: no transport is enabled; add one with `sync.addTransport`";
  return new SyncError("NoTransportEnabled", message);
}

function named(name: string, error: unknown): EideticaError {
  if (error instanceof EideticaError) return error;
  return new SyncError(
    "TransportInit",
    `Cannot start or stop the transport "${name}": it has failed`,
    { cause: error },
  );
}

function several(errors: readonly EideticaError[]): SyncError {
  const lines = errors.map((error) => error.message);
  return new SyncError("MultipleTransportErrors", lines.join("; "), { fields: { errors: lines } });
}
