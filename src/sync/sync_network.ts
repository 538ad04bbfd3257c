import type { Permission } from "../auth/permission.ts";
import type { DatabaseKey } from "../auth/database_key.ts";
import { Doc } from "../crdt/doc.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { Address, Transport } from "../transport/port.ts";
import { SyncError } from "../util/errors.ts";
import { approveRequest, rejectRequest } from "./access/approval.ts";
import type { SyncHost } from "./host.ts";
import type { SyncDatabase } from "./sync_database.ts";
import { SyncRecords } from "./sync_records.ts";
import { DatabaseTicket } from "./ticket.ts";
import type { Transports } from "./transports.ts";
import type { V0Client } from "./v0/client.ts";
import type { RoundOptions, TreeReport, TreeSync } from "./worker/tree_sync.ts";

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

/** What a round may be told besides. */
export type RoundControls = Pick<RoundOptions, "signal" | "onProgress" | "pull" | "push">;

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
    await this.transports.add(name, transport);
  }

  /** Builds a transport out of what is stored under its name, and adds it. */
  async registerTransport(name: string, builder: TransportBuilder): Promise<void> {
    const stored = await (await this.records.view().transportState()).getOption([name]);
    const { transport, state } = await builder.build(stored instanceof Doc ? stored : new Doc());
    if (state !== undefined) {
      await this.records.change(async (stores) => {
        await (await stores.transportState()).set([name], state);
      });
    }
    await this.addTransport(name, transport);
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
  createTicket(database: ID | { readonly rootId: ID }): DatabaseTicket {
    const root = "rootId" in database ? database.rootId : database;
    return new DatabaseTicket(root, this.ticketAddresses());
  }

  /** Reads a ticket, unless it was read already. */
  ticketOf(ticket: DatabaseTicket | string): Promise<DatabaseTicket> {
    return Promise.resolve(ticket).then((it) =>
      typeof it === "string" ? DatabaseTicket.parse(it) : it
    );
  }

  /** Where others can reach this instance. */
  protected ticketAddresses(): readonly Address[] {
    return this.transports.dialable();
  }

  // --- keys ------------------------------------------------------------------------------------

  /** Reads a tree with this key from now on, in this process; the device's own key does otherwise. */
  useKey(tree: ID, key: PrivateKey): void {
    this.#keys.set(tree.toString(), key);
  }

  /** The key with which a tree is read. */
  keyFor(tree: ID): PrivateKey {
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
    const { key, displayName } = await this.client.handshake(address, options);
    await this.records.change(async (stores) => {
      const peers = await stores.peers();
      if (await peers.record(key) === undefined) await peers.register(key, displayName);
      await peers.addAddress(key, address);
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
    return await this.roundAt(await this.addressOf(peer), peer, tree, { key, ...controls });
  }

  /** As {@link syncTreeWithPeer}, asking for access as well. */
  async syncTreeWithPeerAuth(
    peer: PublicKey,
    tree: ID,
    access: AccessRequest,
    controls: RoundControls = {},
  ): Promise<TreeReport> {
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
    requireName(name);
    const peer = await this.connectToPeer(address);
    return await this.#bootstrapAt(address, peer, tree, { key, name, permission }, {});
  }

  async #bootstrapAt(
    address: Address,
    peer: PublicKey,
    tree: ID,
    { key, name, permission, metadata }: AccessRequest,
    controls: RoundControls,
  ): Promise<TreeReport> {
    requireName(name);
    const access = { name, permission, metadata };
    return await this.roundAt(address, peer, tree, { key, access, ...controls });
  }

  /** Brings the database of a ticket in step with the first of its addresses that answers. */
  async syncWithTicket(ticket: DatabaseTicket, controls: RoundControls = {}): Promise<TreeReport> {
    const tree = ticket.databaseId;
    return await this.overTicket(ticket, async (address, peer, signal) => {
      return await this.roundAt(address, peer, tree, {
        key: this.keyFor(tree),
        ...controls,
        signal,
      });
    }, controls.signal);
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
    requireName(name);
    const access = { key, name, permission, metadata };
    return await this.overTicket(ticket, async (address, peer, signal) => {
      return await this.#bootstrapAt(address, peer, ticket.databaseId, access, {
        ...controls,
        signal,
      });
    }, controls.signal);
  }

  /** Does something at all addresses of a ticket side by side; what the first one that succeeds gives. */
  protected async overTicket<T>(
    ticket: DatabaseTicket,
    work: (address: Address, peer: PublicKey, signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (ticket.addresses.length === 0) throw noHints();
    const attempts = ticket.addresses.map(async (address) => {
      const limit = AbortSignal.timeout(TICKET_ADDRESS_MS);
      const ends = signal === undefined ? limit : AbortSignal.any([limit, signal]);
      const peer = await this.connectToPeer(address, { signal: ends });
      // Data may take as long as it comes: what is limited is how long nobody answers.
      return await work(address, peer, signal ?? new AbortController().signal);
    });
    try {
      return await Promise.any(attempts);
    } catch (error) {
      signal?.throwIfAborted();
      throw preferred((error as AggregateError).errors);
    }
  }

  /** One round at one address, after which the tree is followed with the peer. */
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

  /** Where a peer is tried first. */
  protected async addressOf(peer: PublicKey): Promise<Address> {
    if (await this.getPeerInfo(peer) === undefined) throw peerNotFound(peer);
    const [first] = await this.getPeerAddresses(peer);
    if (first !== undefined) return first;
    const message = `Cannot reach ${peer}: no address of it is known`;
    throw new SyncError("Network", message, { fields: { peer: `${peer}` } });
  }

  /** Sends entries to an address and waits until they are taken; how many the other side holds now. */
  async sendEntries(entries: readonly Entry[], address: Address): Promise<number> {
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

function requireName(name: string): void {
  if (typeof name === "string" && name !== "") return;
  const reason = "a key that asks for access needs a name";
  throw new SyncError("InvalidKeyName", `Invalid key name: ${reason}`, { fields: { reason } });
}

function noHints(): SyncError {
  const reason = "Ticket has no address hints";
  throw new SyncError("InvalidAddress", `Invalid address: ${reason}`, { fields: { reason } });
}

/** The error for a peer that is not known. */
export function peerNotFound(peer: PublicKey): SyncError {
  return new SyncError("PeerNotFound", `Peer not found: ${peer}`, { fields: { peer: `${peer}` } });
}

/** Of several failures the one that says most: what a peer answered, rather than that one did not. */
function preferred(errors: readonly unknown[]): unknown {
  const says = (error: unknown) =>
    error instanceof SyncError && error.code !== "ConnectionFailed" && error.code !== "Network";
  return errors.find(says) ?? errors.at(-1);
}
