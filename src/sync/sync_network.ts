import { Permission } from "../auth/permission.ts";
import type { DatabaseKey } from "../auth/database_key.ts";
import { Doc } from "../crdt/doc.ts";
import { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { Address, Transport } from "../transport/port.ts";
import {
  optionsOf,
  requireInstance,
  requireInstances,
  requireMethod,
  requireText,
} from "../util/arguments.ts";
import { endedBy } from "../util/abort.ts";
import { SyncError } from "../util/errors.ts";
import { approveRequest, rejectRequest } from "./access/approval.ts";
import {
  type DatabaseLike,
  requireAddress,
  requireKey,
  requirePeer,
  requireTree,
  rootOf,
  type RoundControls,
  roundControls,
} from "./arguments.ts";
import type { SyncHost } from "./host.ts";
import type { SyncDatabase } from "./sync_database.ts";
import { SyncRecords } from "./sync_records.ts";
import { peerNotFound } from "./peers/peer_store.ts";
import { DatabaseTicket } from "./ticket.ts";
import type { Transports } from "./transports.ts";
import type { V0Client } from "./v0/client.ts";
import { noAddress } from "./worker/routes.ts";
import type { RoundOptions, TreeReport, TreeSync } from "./worker/tree_sync.ts";

const ADD_TRANSPORT = "add a transport";
const CONNECT = "connect to a peer";
const SYNC = "bring a database in step";
const ASK = "ask for access to a database";

/** How long one address of a ticket is tried, in milliseconds. */
export const TICKET_ADDRESS_MS = 30_000;

/** Makes a transport out of what it has stored, and may store something else. */
export interface TransportBuilder {
  /** The transport, with the state to store from now on if it has changed. */
  build(state: Doc): Promise<{ readonly transport: Transport; readonly state?: Doc | undefined }>;
}

/** A key that asks for access, under the name that it shall have. */
export interface AccessRequest {
  /** Key that asks. */
  readonly key: PrivateKey;
  /** Name in the database's settings; not empty. */
  readonly name: string;
  /** What it asks to be allowed; undefined asks what it may do already. */
  readonly permission?: Permission | undefined;
  /** A note for whoever decides. */
  readonly metadata?: Doc | undefined;
}

export type { RoundControls } from "./arguments.ts";

/** The part of `Sync` that talks to others. */
export class SyncNetwork extends SyncRecords {
  /** The transports. */
  protected readonly transports: Transports;
  /** Makes requests. */
  protected readonly client: V0Client;
  readonly #trees: TreeSync;
  readonly #keys = new Map<string, PrivateKey>();

  /** The network of an instance. */
  constructor(
    records: SyncDatabase,
    host: SyncHost,
    parts: { readonly transports: Transports; readonly client: V0Client; readonly trees: TreeSync },
  ) {
    super(records, host);
    this.transports = parts.transports;
    this.client = parts.client;
    this.#trees = parts.trees;
  }

  // --- transports ------------------------------------------------------------------------------

  /** Adds a transport; one of the same name is stopped and replaced. */
  async addTransport(name: string, transport: Transport): Promise<void> {
    requireText(name, ADD_TRANSPORT, "its name");
    requireMethod(transport, "exchange", ADD_TRANSPORT, "the transport");
    requireMethod(transport, "canHandle", ADD_TRANSPORT, "the transport");
    await this.transports.add(name, transport);
  }

  /** Builds a transport out of what is stored under its name, and adds it. */
  async registerTransport(name: string, builder: TransportBuilder): Promise<void> {
    requireText(name, ADD_TRANSPORT, "its name");
    requireMethod(builder, "build", ADD_TRANSPORT, "the builder");
    const stored = await (await this.records.view().transportState()).getOption([name]);
    const before = stored instanceof Doc ? stored : new Doc();
    const { transport, state } = await builder.build(before);
    // Another process may have stored a state meanwhile: that counts, and one transport is built of it.
    if (state !== undefined && !await this.#keep(name, before, state)) {
      await transport.close?.();
      return await this.registerTransport(name, builder);
    }
    await this.addTransport(name, transport);
  }

  /** Stores the state of a transport unless it has changed since it was read. */
  async #keep(name: string, before: Doc, state: Doc): Promise<boolean> {
    return await this.records.change(async (stores) => {
      const store = await stores.transportState();
      const now = await store.getOption([name]);
      const isSame = (now instanceof Doc ? now : new Doc()).equals(before);
      if (isSame) await store.set([name], state);
      return isSame;
    });
  }

  /** Begins to serve on all transports; fails only when none of them can. */
  async acceptConnections(): Promise<void> {
    await this.transports.startAll();
  }

  /** Begins to serve on one transport. */
  async acceptConnectionsOn(name: string): Promise<void> {
    await this.transports.start(name);
  }

  /** Ends serving on all transports. */
  async stopServer(): Promise<void> {
    await this.transports.stopAll();
  }

  /** Where this instance serves, on any transport; `ServerNotRunning` when on none. */
  getServerAddress(): string {
    const first = this.transports.addresses()[0];
    if (first !== undefined) return first[1];
    throw new SyncError(
      "ServerNotRunning",
      "Cannot tell the address: no server is running; start one with `serve`",
    );
  }

  /** Where one transport serves; `ServerNotRunning` when it does not. */
  getServerAddressFor(name: string): string {
    return this.transports.get(name).serverAddress();
  }

  /** Where all transports serve that do: names with addresses. */
  getAllServerAddresses(): [name: string, address: string][] {
    return this.transports.addresses();
  }

  /** A ticket for a database, with a hint for each transport that serves. */
  createTicket(database: DatabaseLike): DatabaseTicket {
    const addresses = this.ticketAddresses();
    const native = addresses.length > 0 && this.offersNative();
    return new DatabaseTicket(rootOf(database, "make a ticket"), addresses, { native });
  }

  /** Reads a ticket, unless it was read already. */
  ticketOf(ticket: DatabaseTicket | string): Promise<DatabaseTicket> {
    return Promise.resolve(ticket).then((it) =>
      typeof it === "string" ? DatabaseTicket.parse(it) : it
    );
  }

  /** Whether others who reach this instance can speak the native protocol. */
  protected offersNative(): boolean {
    return false;
  }

  /** Where others can reach this instance. */
  protected ticketAddresses(): readonly Address[] {
    return this.transports.dialable();
  }

  // --- keys ------------------------------------------------------------------------------------

  /** Reads a tree with this key from now on, in this process; the device's own key does otherwise. */
  useKey(tree: ID, key: PrivateKey): void {
    requireTree(tree, "read with a key");
    requireKey(key, "read with a key");
    this.#keys.set(tree.toString(), key);
  }

  /** The key with which a tree is read. */
  keyFor(tree: ID): PrivateKey {
    requireTree(tree, "look for the key of a database");
    return this.#keys.get(tree.toString()) ?? this.syncHost.deviceKey();
  }

  /** Forgets the keys that were given. */
  protected forgetKeys(): void {
    this.#keys.clear();
  }

  // --- one exchange ----------------------------------------------------------------------------

  /** Asks who is at an address, and notes the peer and the address; its key. */
  async connectToPeer(
    address: Address,
    options: { signal?: AbortSignal } = {},
  ): Promise<PublicKey> {
    requireAddress(address, CONNECT);
    const { signal } = roundControls(options, CONNECT);
    const { key, displayName } = await this.client.handshake(address, { signal });
    await this.records.change(async (stores) => {
      await (await stores.peers()).note(key, displayName, [address]);
    });
    return key;
  }

  /** Trees that a peer offers; only those that anybody may read are told. */
  async discoverPeerTrees(address: Address): Promise<ID[]> {
    await this.connectToPeer(address);
    return [];
  }

  /** Connects with whoever is at an address and, if a tree is named, brings it in step. */
  async syncWithPeer(address: Address, tree?: ID): Promise<PublicKey> {
    return await this.syncWithPeerAs(address, tree);
  }

  /** As {@link syncWithPeer}, reading with a key other than the usual one. */
  async syncWithPeerAs(address: Address, tree?: ID, key?: PrivateKey): Promise<PublicKey> {
    if (tree !== undefined) requireTree(tree, SYNC);
    if (key !== undefined) requireKey(key, SYNC);
    const peer = await this.connectToPeer(address);
    if (tree !== undefined) {
      await this.roundAt(address, peer, tree, { key: key ?? this.keyFor(tree) });
    }
    return peer;
  }

  /** Brings a tree in step with a peer: asks for what it has, then sends what it lacks. */
  async syncTreeWithPeer(peer: PublicKey, tree: ID): Promise<TreeReport> {
    return await this.syncTreeWithPeerAs(peer, tree);
  }

  /** As {@link syncTreeWithPeer}, reading with a key other than the usual one. */
  async syncTreeWithPeerAs(
    peer: PublicKey,
    tree: ID,
    key: PrivateKey = this.keyFor(tree),
    controls: RoundControls = {},
  ): Promise<TreeReport> {
    requirePeer(peer, SYNC);
    requireKey(key, SYNC);
    const options = { ...roundControls(controls, SYNC), key };
    return await this.roundAt(await this.addressOf(peer), peer, tree, options);
  }

  /** As {@link syncTreeWithPeer}, asking for access as well. */
  async syncTreeWithPeerAuth(
    peer: PublicKey,
    tree: ID,
    access: AccessRequest,
    controls: RoundControls = {},
  ): Promise<TreeReport> {
    requirePeer(peer, ASK);
    requireTree(tree, ASK);
    return await this.#bootstrapAt(await this.addressOf(peer), peer, tree, access, controls);
  }

  /** Asks a peer at an address for a database, and for access to it. */
  async syncWithPeerForBootstrapWithKey(
    address: Address,
    tree: ID,
    key: PrivateKey,
    name: string,
    permission: Permission,
  ): Promise<TreeReport> {
    requireTree(tree, ASK);
    requireAccess({ key, name });
    const peer = await this.connectToPeer(address);
    return await this.#bootstrapAt(address, peer, tree, { key, name, permission }, {});
  }

  async #bootstrapAt(
    address: Address,
    peer: PublicKey,
    tree: ID,
    asked: AccessRequest,
    controls: RoundControls,
  ): Promise<TreeReport> {
    requireAccess(asked);
    const { key, ...access } = asked;
    return await this.roundAt(address, peer, tree, {
      ...roundControls(controls, ASK),
      key,
      access,
    });
  }

  /** Brings the database of a ticket in step with the first of its addresses that answers. */
  async syncWithTicket(ticket: DatabaseTicket, controls: RoundControls = {}): Promise<TreeReport> {
    requireInstance(ticket, DatabaseTicket, SYNC, "the ticket");
    const checked = roundControls(controls, SYNC);
    const tree = ticket.databaseId;
    const key = this.keyFor(tree);
    return await this.overTicket(ticket, async (address, peer) => {
      const report = await this.roundAt(address, peer, tree, { ...checked, key });
      await this.addTreeSync(peer, tree);
      return report;
    }, checked.signal);
  }

  /** Asks for the database of a ticket, and for access to it, at all of its addresses. */
  async bootstrapWithTicket(
    ticket: DatabaseTicket,
    key: PrivateKey,
    name: string,
    permission?: Permission,
    metadata?: Doc,
    controls: RoundControls = {},
  ): Promise<TreeReport> {
    requireInstance(ticket, DatabaseTicket, ASK, "the ticket");
    const access = { key, name, permission, metadata };
    requireAccess(access);
    const checked = roundControls(controls, ASK);
    const tree = ticket.databaseId;
    return await this.overTicket(ticket, async (address, peer) => {
      const report = await this.#bootstrapAt(address, peer, tree, access, checked);
      await this.addTreeSync(peer, tree);
      return report;
    }, checked.signal);
  }

  /**
   * Does something at all addresses of a ticket side by side; what the first one that succeeds gives. The others go on:
   * they, too, are peers of the database from then on.
   */
  protected async overTicket<T>(
    ticket: DatabaseTicket,
    work: (address: Address, peer: PublicKey) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (ticket.addresses.length === 0) throw noHints();
    const attempts = ticket.addresses.map(async (address) => {
      const limit = AbortSignal.timeout(TICKET_ADDRESS_MS);
      const ends = signal === undefined ? limit : AbortSignal.any([limit, signal]);
      const peer = await this.connectToPeer(address, { signal: ends });
      // Data may take as long as it comes: what is limited is how long nobody answers.
      return await work(address, peer);
    });
    try {
      return await Promise.any(attempts);
    } catch (error) {
      if (signal?.aborted) throw endedBy(signal, "reach an address of the ticket");
      throw preferred((error as AggregateError).errors);
    }
  }

  /**
   * One round at one address, after which the tree is followed with the peer. That it is followed already, only because
   * the peer has read it, is not changed by that.
   */
  protected async roundAt(
    address: Address,
    peer: PublicKey,
    tree: ID,
    options: RoundOptions,
  ): Promise<TreeReport> {
    const report = await this.#trees.round(address, peer, tree, options);
    if (!await this.isTreeSyncedWithPeer(tree, peer)) await this.addTreeSync(peer, tree);
    return report;
  }

  /** One round with a peer, after which nothing is noted. */
  protected async roundWith(
    peer: PublicKey,
    tree: ID,
    options: RoundOptions,
  ): Promise<TreeReport> {
    return await this.#trees.round(await this.addressOf(peer), peer, tree, options);
  }

  /** Where a peer is tried first. */
  protected async addressOf(peer: PublicKey): Promise<Address> {
    if (await this.getPeerInfo(peer) === undefined) throw peerNotFound(peer);
    const [first] = await this.getPeerAddresses(peer);
    if (first !== undefined) return first;
    throw noAddress(peer);
  }

  /** Sends entries to an address and waits until they are taken; how many the other side holds now. */
  async sendEntries(entries: readonly Entry[], address: Address): Promise<number> {
    requireInstances(entries, Entry, "send entries", "the entries");
    requireAddress(address, "send entries");
    return await this.client.sendEntries(address, entries);
  }

  // --- deciding --------------------------------------------------------------------------------

  /** Grants what a request asks for, with a key that administers the database. */
  async approveBootstrapRequestWithKey(id: string, key: DatabaseKey | PrivateKey): Promise<void> {
    await approveRequest({ host: this.syncHost, records: this.records }, id, key);
  }

  /** Refuses a request, with a key that administers the database. */
  async rejectBootstrapRequestWithKey(id: string, key: DatabaseKey | PrivateKey): Promise<void> {
    await rejectRequest({ host: this.syncHost, records: this.records }, id, key);
  }
}

/** A permission and a note are optional; a key without a name would be refused by the other side. */
function requireAccess(asked: AccessRequest): void {
  const { key, name, permission, metadata } = optionsOf(asked, ASK);
  requireKey(key, ASK);
  if (permission !== undefined) requireInstance(permission, Permission, ASK, "the permission");
  if (metadata !== undefined) requireInstance(metadata, Doc, ASK, "the note");
  if (typeof name === "string" && name !== "") return;
  const reason = "a key that asks for access needs a name";
  throw new SyncError("InvalidKeyName", `Invalid key name: ${reason}`, { fields: { reason } });
}

function noHints(): SyncError {
  const reason = "Ticket has no address hints";
  throw new SyncError("InvalidAddress", `Invalid address: ${reason}`, { fields: { reason } });
}

/** Of several failures the one that says most: what a peer answered, rather than that one did not. */
function preferred(errors: readonly unknown[]): unknown {
  const says = (error: unknown) =>
    error instanceof SyncError && error.code !== "ConnectionFailed" && error.code !== "Network";
  return errors.find(says) ?? errors.at(-1);
}
