import type { WriteEvent } from "../database/host.ts";
import type { ID } from "../entry/id.ts";
import { PublicKey } from "../keys/public_key.ts";
import { HttpTransport } from "../transport/http_transport.ts";
import type { IrohOptions } from "../transport/iroh_options.ts";
import type { Address, ServerSide, WebHandler } from "../transport/port.ts";
import { optionsOf, requireIterable, wrongArgument } from "../util/arguments.ts";
import { SyncError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import { requireSignal } from "../util/work.ts";
import { ReadAccess } from "./access/can_read.ts";
import { NodeAccess } from "./access/node_access.ts";
import { NonceStore } from "./access/nonces.ts";
import {
  type DatabaseLike,
  requirePeer,
  requireTree,
  rootOf,
  type RoundControls,
  roundControls,
} from "./arguments.ts";
import {
  noteSyncPeer,
  statusOf,
  SyncHandle,
  type SyncPeer,
  type SyncStatus,
} from "./declarative.ts";
import { type SyncEvent, SyncEvents } from "./events.ts";
import type { SyncHost } from "./host.ts";
import { requireOrigins, withOrigins } from "./http/origins.ts";
import { IROH_NAME, irohTransport, irohWish } from "./iroh.ts";
import { serveOptions, Servers } from "./listening.ts";
import { SyncLink } from "./link.ts";
import { SyncMetrics, type TreeMetrics } from "./metrics.ts";
import { NativeHost } from "./native/host/native_host.ts";
import { NativeOffers, OWN_OFFER } from "./native_offers.ts";
import { NativeSessions, type SessionListener } from "./native_sessions.ts";
import {
  type FollowOptions,
  type HandlerOptions,
  type ServeOptions,
  type SyncOptions,
  syncOptions,
  type SyncReport,
  type SyncServer,
} from "./options.ts";
import { NotedReaders } from "./noted_readers.ts";
import { serverSide } from "./server_side.ts";
import { SyncDatabase } from "./sync_database.ts";
import { SyncNetwork } from "./sync_network.ts";
import { DatabaseTicket } from "./ticket.ts";
import { Topology } from "./topology.ts";
import { syncEnded, Transports } from "./transports.ts";
import { V0Client } from "./v0/client.ts";
import { Serving } from "./v0/serving.ts";
import type { Lack } from "./worker/peer_worker.ts";
import { PostRounds } from "./worker/post_rounds.ts";
import { pause, systemTimers, type Timers, withinTime } from "./worker/timers.ts";
import { NOTHING, plus, type TreeReport, TreeSync } from "./worker/tree_sync.ts";
import { Workers } from "./worker/workers.ts";

const log = new Logger("sync");

/** Longest wait of {@link Sync.close} for what is still under way, in milliseconds: a storage, say, that never answers. */
export const SYNC_END_MS = 10_000;

/** What is refused, in words. */
const STATUS = "tell how a database stands with a peer";

/**
 * Synchronisation of one instance: keeps databases in step with other instances, and serves them. Made by
 * `instance.enableSync()`.
 */
export class Sync extends SyncNetwork implements AsyncDisposable {
  readonly #topology: Topology;
  readonly #readers: NotedReaders;
  readonly #workers: Workers;
  readonly #events: SyncEvents;
  readonly #metrics: SyncMetrics;
  readonly #server: ServerSide;
  readonly #timers: Timers;
  readonly #nonces: NonceStore;
  readonly #servers = new Servers();
  #watch: { [Symbol.dispose](): void } | undefined;
  #serving!: Serving;
  readonly #sessions: NativeSessions | undefined;
  #native: NativeHost | undefined;
  #unhear: () => void = () => {};
  #iroh: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(records: SyncDatabase, host: SyncHost, options: SyncOptions) {
    const isNative = options.native !== false;
    const offers = new NativeOffers(() => clock.nowMillis());
    const transports = new Transports(() => this.#server);
    const { clock, random } = host.host;
    const client = new V0Client({
      exchange: (...asked) => Promise.resolve(transports.exchange(...asked)),
      device: () => host.deviceKey(),
      clock,
      random,
      addresses: () => this.ticketAddresses(),
      offer: (address) => isNative && canConnect(transports, address) ? OWN_OFFER : undefined,
      onOffer: (peer, offer) => offers.note(peer, offer),
    });
    const trees = new TreeSync(host, client);
    super(records, host, { transports, client, trees });
    this.#topology = new Topology(records);
    this.#events = new SyncEvents();
    this.#metrics = new SyncMetrics(() => clock.nowMillis());
    const timers = options.timers ?? systemTimers;
    this.#timers = timers;
    this.#nonces = new NonceStore({ clock });
    this.#sessions = isNative
      ? new NativeSessions({
        host: () => this.native,
        nonces: this.#nonces,
        transports,
        offers,
        listener: this.#listener(),
      })
      : undefined;
    const posts = isNative
      ? new PostRounds({
        host: () => this.native,
        find: (address) => transports.find(address),
        pathOf: (peer) => offers.pathOf(peer),
      })
      : undefined;
    const access = this.#nodeAccess();
    this.#readers = new NotedReaders(
      { serving: { host, records }, access, admit: (peer) => this.#serving.knows(peer) },
      this.#topology,
    );
    this.#server = this.#serverSide(options, access);
    this.#workers = new Workers(
      {
        client,
        trees,
        events: this.#events,
        metrics: this.#metrics,
        timers,
        random,
        native: this.#sessions,
        posts,
        now: () => clock.nowMillis(),
        deviceKey: () => host.deviceKey(),
        speaksNative: (peer) => isNative && offers.pathOf(peer) !== undefined,
        addressesOf: (peer) => this.getPeerAddresses(peer),
        keyFor: (tree) => this.keyFor(tree),
        mayHave: (tree, peer) => this.#readers.mayHave(tree, peer),
        permit: (tree, peer) => this.#readers.permit(tree, peer),
      },
      this.#topology,
      timers,
    );
  }

  /** The synchronisation of an instance. Use `instance.enableSync()`. */
  static async of(host: SyncHost, options: SyncOptions = {}): Promise<Sync> {
    const given = syncOptions(options);
    const sync = new Sync(await SyncDatabase.of(host), host, given);
    const transports = given.transports ?? { http: new HttpTransport() };
    for (const [name, transport] of Object.entries(transports)) {
      await sync.addTransport(name, transport);
    }
    const iroh = irohWish(given.iroh, "enable synchronisation");
    if (iroh !== undefined) await sync.registerTransport(IROH_NAME, irohTransport(iroh));
    await sync.#begin();
    return sync;
  }

  async #begin(): Promise<void> {
    await this.#readUsers();
    this.#watch = await this.records.database.onWrite(() => this.#replan());
    this.#unhear = this.syncHost.host.onAnyWrite((tree, event) => this.#written(tree, event));
    await this.#workers.plan();
    // What was committed while nobody was there to send it.
    await this.#workers.wantAll();
  }

  /** Reads what users want: those who are followed already, or all of them the first time. */
  async #readUsers(): Promise<void> {
    const followed = await (await this.records.view().users()).followed();
    const users = followed.length > 0
      ? followed.map(({ uuid, preferences }) => [uuid, preferences] as const)
      : await this.syncHost.users();
    for (const [uuid, preferences] of users) {
      await this.syncUser(uuid, preferences).catch((error) => {
        log.warn("cannot read what the user {uuid} wants: {error}", { uuid, error });
      });
    }
  }

  #replan(): void {
    this.#workers.plan().catch((error) => {
      if (this.#closing === undefined) log.warn("cannot read `_sync`: {error}", { error });
    });
  }

  #written(tree: ID, { source }: WriteEvent): void {
    if (this.#closing !== undefined) return;
    this.#workers.changed(tree, source);
  }

  #nodeAccess(): NodeAccess {
    const node = { host: this.syncHost.host, id: this.getDevicePubkey() };
    return new NodeAccess(node, { isShared: (tree) => this.#serving.isShared(tree) });
  }

  #serverSide(options: SyncOptions, access: NodeAccess): ServerSide {
    const host = this.syncHost;
    const serving: Serving = new Serving({
      host,
      records: this.records,
      access: new ReadAccess(access, { clock: host.host.clock, nonces: this.#nonces }),
      timers: this.#timers,
      goesTo: (tree, peer) => this.#readers.goesTo(tree, peer),
      ...options.displayName === undefined ? {} : { displayName: options.displayName },
      onPeer: (peer) => this.#workers.find(peer)?.heard(),
      onRequest: (request) => this.#events.emit({ type: "accessRequested", request }),
    });
    this.#serving = serving;
    return serverSide(serving, this.#sessions, host.host.clock);
  }

  #listener(): SessionListener {
    return {
      met: (peer) => this.#workers.find(peer)?.heard(),
      served: (peer, session, channel) => this.#workers.of(peer).live.served(session, channel),
      noted: (peer, tree, notice) => this.#workers.find(peer)?.live.noted(tree, notice),
    };
  }

  /** The instance as sessions of the native protocol see it. */
  get native(): NativeHost {
    return this.#native ??= new NativeHost(this.#serving, {
      timers: this.#timers,
      readingOf: (tree, peer) => this.#readers.readingOf(tree, peer),
    });
  }

  // --- serving ---------------------------------------------------------------------------------

  /** Answers HTTP requests of other instances, on any server that takes web-standard handlers. */
  fetchHandler(options: HandlerOptions = {}): WebHandler {
    const action = "make a handler";
    const { relay = false, origins } = optionsOf(options, action);
    requireOrigins(origins, action);
    if (typeof relay !== "boolean") throw wrongArgument(action, "`relay`", "true or false", relay);
    if (relay) this.#serving.beRelay();
    return withOrigins(this.#server.fetch, origins);
  }

  /** Listens for other instances over HTTP on this runtime, and over Iroh where that is wanted. */
  async serve(options: ServeOptions = {}): Promise<SyncServer> {
    this.#requireOpen();
    const given = serveOptions(options);
    const wish = irohWish(given.iroh, "listen");
    const stopIroh = wish === undefined ? undefined : await this.#serveIroh(wish);
    try {
      const server = await this.#servers.listen(this.#server.fetch, given, stopIroh);
      if (this.isClosed) await server.close();
      this.#requireOpen();
      return server;
    } catch (error) {
      await stopIroh?.();
      throw error;
    }
  }

  /** Begins to serve over Iroh; gives what ends that. */
  async #serveIroh(options: IrohOptions): Promise<() => Promise<void>> {
    if (!this.transports.has(IROH_NAME)) {
      // Two that ask at once have one transport.
      this.#iroh ??= this.registerTransport(IROH_NAME, irohTransport(options));
      await this.#iroh.finally(() => this.#iroh = undefined);
    }
    const transport = this.transports.get(IROH_NAME);
    await this.transports.start(IROH_NAME);
    return async () => {
      if (transport.isRunning) await transport.stop();
    };
  }

  /** Whether it listens where connections that live on are taken. */
  protected override offersNative(): boolean {
    return this.#sessions !== undefined && (!this.#servers.isEmpty || this.transports.takesLinks);
  }

  /** Where others can reach this instance; first where it costs least. */
  protected override ticketAddresses(): readonly Address[] {
    return [...this.#servers.addresses(), ...this.transports.dialable()];
  }

  // --- keeping in step ---------------------------------------------------------------------------

  /**
   * Keeps a database in step with peers from now on, also after a restart: it must be tracked by a user who has
   * enabled its synchronisation, else it is brought in step now and not served.
   */
  async follow(database: DatabaseLike, options: FollowOptions): Promise<SyncLink> {
    this.#requireOpen();
    const action = "keep a database in step";
    const tree = rootOf(database, action);
    const { peers: wanted, key } = optionsOf(options, action);
    requireIterable(wanted, action, "`peers`");
    if (key !== undefined) this.useKey(tree, key);
    const peers = await Promise.all(Array.from(wanted!, (peer) => this.#peerOf(peer)));
    for (const peer of peers) await this.addTreeSync(peer, tree);
    for (const peer of peers) this.#workers.of(peer).want(tree, "round");
    return new SyncLink(tree, peers.map((peer) => this.#workers.of(peer)), async () => {
      for (const peer of peers) await this.removeTreeSync(peer, tree);
    });
  }

  /**
   * Notes that a database is to be kept in step with a peer, whether or not it is here. Nothing is asked of the peer
   * yet: that is for the next round, or for the handle's `waitForInitialSync`.
   */
  async registerSyncPeer(wanted: SyncPeer): Promise<SyncHandle> {
    this.#requireOpen();
    await noteSyncPeer(this.records, wanted);
    return new SyncHandle(wanted.tree, wanted.peer, {
      timers: this.#timers,
      getSyncStatus: (tree, peer) => this.getSyncStatus(tree, peer),
      addPeerAddress: (peer, address) => this.addPeerAddress(peer, address),
      ask: (peer, tree) => this.#workers.of(peer).want(tree, "round"),
      requireOpen: () => this.#requireOpen(),
    });
  }

  /** How a database stands with a peer. */
  async getSyncStatus(tree: ID, peer: PublicKey): Promise<SyncStatus> {
    requireTree(tree, STATUS);
    requirePeer(peer, STATUS);
    const { tips } = await this.syncHost.host.backend.snapshot(tree);
    return statusOf(tree, peer, tips.length > 0, this.#metrics.all());
  }

  async #peerOf(peer: DatabaseTicket | Address | PublicKey): Promise<PublicKey> {
    if (peer instanceof PublicKey) return peer;
    if (!(peer instanceof DatabaseTicket)) return await this.connectToPeer(peer);
    return await this.overTicket(peer, (_address, key) => Promise.resolve(key));
  }

  /** Brings a database in step now, with one peer or with all that it is followed with. */
  async syncNow(
    database: DatabaseLike,
    options: RoundControls & { readonly peer?: PublicKey } = {},
  ): Promise<SyncReport> {
    this.#requireOpen();
    const action = "bring a database in step";
    const tree = rootOf(database, action);
    const { peer } = optionsOf(options, action);
    const controls = roundControls(options, action);
    // By questions, also where it is live: what the other side has just committed may be on its way.
    const rounds = peer === undefined
      ? await this.#roundsWithAll(tree, controls)
      : await Promise.allSettled([
        this.syncTreeWithPeerAs(peer, tree, this.keyFor(tree), controls),
      ]);
    const failed = rounds.find((round) => round.status === "rejected");
    if (failed !== undefined && rounds.every((round) => round.status === "rejected")) {
      throw failed.reason;
    }
    const reports = rounds.flatMap((round) => round.status === "fulfilled" ? [round.value] : []);
    const report = reports.reduce(plus, NOTHING);
    return { ...report, complete: failed === undefined && report.untaken === 0 };
  }

  async #roundsWithAll(
    tree: ID,
    controls: RoundControls,
  ): Promise<PromiseSettledResult<TreeReport>[]> {
    const peers = await this.getTreePeers(tree);
    const may = await Promise.all(peers.map((peer) => this.#readers.mayHave(tree, peer)));
    return await Promise.allSettled(
      peers.filter((_, at) => may[at]).map((peer) => {
        const permit = () => this.#readers.permit(tree, peer);
        return this.roundWith(peer, tree, { ...controls, key: this.keyFor(tree), permit });
      }),
    );
  }

  /** Sends entries to a peer; what fails is tried again as for any commit. */
  async sendEntriesToPeer(
    peer: PublicKey,
    entries: readonly { readonly root: ID | undefined; readonly id: ID }[],
  ): Promise<void> {
    await Promise.resolve();
    const action = "send entries to a peer";
    requirePeer(peer, action);
    if (!Array.isArray(entries)) throw wrongArgument(action, "the entries", "a list", entries);
    const trees = entries.map((entry) => entry?.root ?? entry?.id);
    for (const tree of trees) requireTree(tree, action);
    for (const tree of trees) this.#workers.of(peer).want(tree, "push");
  }

  /** Has the peer brought up to an entry; nothing waits for it. */
  queueEntryForSync(peer: PublicKey, _entry: ID, tree: ID): void {
    requirePeer(peer, "bring a peer up to an entry");
    requireTree(tree, "bring a peer up to an entry");
    this.#workers.of(peer).want(tree, "push");
  }

  /** Peers that something waits for, with the trees. */
  waiting(): { readonly peer: PublicKey; readonly trees: readonly ID[] }[] {
    return this.#workers.waiting();
  }

  /**
   * A barrier: resolves when every peer has all that this instance has of the trees it is followed with, and
   * rejects with `Network`, naming who lacks what, when some cannot be brought there now.
   */
  async flush(): Promise<void> {
    this.#requireOpen();
    if (this.transports.isEmpty) return;
    const followed = await this.#topology.all();
    const lacks = (await this.#workers.settle()).filter(({ peer, tree }) => {
      const it = followed.get(tree.toString());
      return it?.peers.some((other) => other.equals(peer)) === true;
    });
    if (lacks.length > 0) throw notFlushed(lacks);
  }

  /** Tells that access was asked for, and waits for a while until it is worth asking again. */
  async accessAwaited(
    tree: ID,
    request: string,
    pauseMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    this.#events.emit({ type: "accessPending", tree: `${tree}`, request });
    const { ended } = this.transports;
    await pause(
      this.#timers,
      pauseMs,
      signal === undefined ? ended : AbortSignal.any([signal, ended]),
    );
  }

  // --- looking on --------------------------------------------------------------------------------

  /** What happens from now on. */
  events(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<SyncEvent, void> {
    const { signal } = optionsOf(options, "listen to events");
    requireSignal(signal, "listen to events");
    return this.#events.listen(signal);
  }

  /** What has gone over so far, by peer and tree. */
  metrics(): TreeMetrics[] {
    return this.#metrics.all();
  }

  /** Peers that were not removed. As {@link listPeers}. */
  async peers(): ReturnType<SyncNetwork["listPeers"]> {
    return await this.listPeers();
  }

  /** Ends synchronisation: servers, exchanges under way and timers. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#watch?.[Symbol.dispose]();
    this.#unhear();
    const isDone = await withinTime(this.#timers, SYNC_END_MS, [
      () => this.#workers.close(),
      async () => await this.#native?.close(),
      () => this.#servers.close(),
      () => this.transports.close().catch(() => {}),
    ]);
    if (!isDone) {
      log.warn("what is under way did not end in {ms} ms, and is left alone", { ms: SYNC_END_MS });
    }
    this.forgetKeys();
    this.#events.close();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  #requireOpen(): void {
    if (this.isClosed) throw syncEnded();
  }
}

/** Whether an address can be reached natively: those of no transport are told of elsewhere. */
function canConnect(transports: Transports, address: Address): boolean {
  return transports.find(address)?.connect !== undefined;
}

function notFlushed(lacks: readonly Lack[]): SyncError {
  const said = lacks.map(({ peer, tree, error }) => `${peer} lacks ${tree} (${error.message})`);
  const message = `Cannot deliver everything: ${said.join("; ")}`;
  const fields = {
    lacking: lacks.map(({ peer, tree, error }) => ({
      peer: `${peer}`,
      tree: `${tree}`,
      code: error.code,
    })),
  };
  return new SyncError("Network", message, { cause: lacks[0]!.error, fields });
}
