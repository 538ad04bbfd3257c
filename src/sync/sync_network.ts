import { Permission } from "../auth/permission.ts";
import type { DatabaseKey } from "../auth/database_key.ts";
import { Doc } from "../crdt/doc.ts";
import { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { Address } from "../transport/port.ts";
import { optionsOf, requireInstance, requireInstances } from "../util/arguments.ts";
import { SyncError } from "../util/errors.ts";
import { approveRequest, rejectRequest } from "./access/approval.ts";
import {
  requireAddress,
  requireKey,
  requirePeer,
  requireTree,
  type RoundControls,
  roundControls,
} from "./arguments.ts";
import type { SyncHost } from "./host.ts";
import { atAnyAddress } from "./over_ticket.ts";
import { peerNotFound } from "./peers/peer_store.ts";
import type { SyncDatabase } from "./sync_database.ts";
import { SyncTransports } from "./sync_transports.ts";
import { DatabaseTicket } from "./ticket.ts";
import type { Transports } from "./transports.ts";
import type { V0Client } from "./v0/client.ts";
import { noAddress, Routes } from "./worker/routes.ts";
import type { RoundOptions, TreeReport, TreeSync } from "./worker/tree_sync.ts";

const CONNECT = "connect to a peer";
const SYNC = "bring a database in step";
const ASK = "ask for access to a database";

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
export class SyncNetwork extends SyncTransports {
  /** Makes requests. */
  protected readonly client: V0Client;
  readonly #trees: TreeSync;

  /** The network of an instance. */
  constructor(
    records: SyncDatabase,
    host: SyncHost,
    parts: { readonly transports: Transports; readonly client: V0Client; readonly trees: TreeSync },
  ) {
    super(records, host, parts.transports);
    this.client = parts.client;
    this.#trees = parts.trees;
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
    return await this.#atPeer(peer, options.signal, (address) => {
      return this.roundAt(address, peer, tree, options);
    });
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
    const { signal } = roundControls(controls, ASK);
    return await this.#atPeer(peer, signal, (address) => {
      return this.#bootstrapAt(address, peer, tree, access, controls);
    });
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

  /** Connects with all addresses of a ticket side by side; what `work` gives at the first one where it succeeds. */
  protected async overTicket<T>(
    ticket: DatabaseTicket,
    work: (address: Address, peer: PublicKey) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return await atAnyAddress(ticket, signal, async (address, signal) => {
      const peer = await this.connectToPeer(address, { signal });
      // Data may take as long as it comes: what is limited is how long nobody answers.
      return await work(address, peer);
    });
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
    return await this.#atPeer(peer, options.signal, (address) => {
      return this.#trees.round(address, peer, tree, options);
    });
  }

  /** Does something at the first address of a peer; where there are more, at the first at which that peer answers. */
  async #atPeer<T>(
    peer: PublicKey,
    signal: AbortSignal | undefined,
    work: (address: Address) => Promise<T>,
  ): Promise<T> {
    if (await this.getPeerInfo(peer) === undefined) throw peerNotFound(peer);
    const [first, ...more] = await this.getPeerAddresses(peer);
    if (first === undefined) throw noAddress(peer);
    if (more.length === 0) return await work(first);
    const routes = new Routes(this.client, peer, () => this.syncHost.host.clock.nowMillis());
    return await routes.over([first, ...more], signal ?? this.transports.ended, work);
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
