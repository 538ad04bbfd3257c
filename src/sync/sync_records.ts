import { setInspection } from "#inspect";
import type { ID } from "../entry/id.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { Database } from "../database/database.ts";
import type { Address } from "../transport/port.ts";
import { requireMethod, requireText } from "../util/arguments.ts";
import { requireAddress, requireOptionalText, requirePeer, requireTree } from "./arguments.ts";
import type { SyncHost } from "./host.ts";
import type { BootstrapRequest, BootstrapStatus } from "./peers/bootstrap_requests.ts";
import type { ConnectionState, PeerInfo, PeerStatus } from "./peers/records.ts";
import { loadConfig, saveConfig, type TransportConfigType } from "./peers/transports.ts";
import type { SyncDatabase } from "./sync_database.ts";

const LOAD_CONFIG = "read the configuration of a transport";
const SAVE_CONFIG = "store the configuration of a transport";
const FOLLOW = "keep a database in step with a peer";
const UNFOLLOW = "keep a database in step with a peer no longer";

/** What an instance keeps about its peers: the part of `Sync` that needs no network. */
export class SyncRecords {
  /** `_sync`. */
  protected readonly records: SyncDatabase;
  /** The instance. */
  protected readonly syncHost: SyncHost;

  /** The records of an instance. */
  constructor(records: SyncDatabase, host: SyncHost) {
    this.records = records;
    this.syncHost = host;
  }

  /** Root of `_sync`. */
  get syncTreeRootId(): ID {
    return this.records.database.rootId;
  }

  /** The database `_sync`, acting as the device. */
  get syncTree(): Database {
    return this.records.database;
  }

  /** Public key of the device, by which other instances know this one. */
  getDevicePubkey(): PublicKey {
    return this.syncHost.deviceKey().publicKey;
  }

  // --- settings ------------------------------------------------------------------------------

  /** Stores a free setting. */
  async setSetting(key: string, value: string): Promise<void> {
    const action = "store a setting of synchronisation";
    requireText(key, action, "its name");
    requireText(value, action, "its value");
    await this.records.change(async (stores) => await (await stores.settings()).set(key, value));
  }

  /** A free setting; undefined when there is none. */
  async getSetting(key: string): Promise<string | undefined> {
    requireText(key, "read a setting of synchronisation", "its name");
    const value = await (await this.records.view().settings()).getOption(key);
    return typeof value === "string" ? value : undefined;
  }

  /** The stored configuration of a transport, or the type's default. */
  async loadTransportConfig<C>(name: string, type: TransportConfigType<C>): Promise<C> {
    requireText(name, LOAD_CONFIG, "the name");
    requireMethod(type, "fromJSON", LOAD_CONFIG, "the type of the configuration");
    return await loadConfig(await this.records.view().transports(), name, type);
  }

  /** Stores the configuration of a transport. */
  async saveTransportConfig<C>(
    name: string,
    type: TransportConfigType<C>,
    config: C,
  ): Promise<void> {
    requireText(name, SAVE_CONFIG, "the name");
    requireMethod(type, "toJSON", SAVE_CONFIG, "the type of the configuration");
    await this.records.change(async (stores) => {
      await saveConfig(await stores.transports(), name, type, config);
    });
  }

  // --- peers ---------------------------------------------------------------------------------

  /** Adds a peer; `PeerAlreadyExists` when there is one with this key, even a removed one. */
  async registerPeer(peer: PublicKey, displayName?: string): Promise<void> {
    requirePeer(peer, "register a peer");
    requireOptionalText(displayName, "register a peer", "its name");
    await this.records.change(async (stores) => {
      await (await stores.peers()).register(peer, displayName);
    });
  }

  /** Changes the status of a peer, which also brings back one that was removed. */
  async updatePeerStatus(peer: PublicKey, status: PeerStatus): Promise<void> {
    requirePeer(peer, "change the status of a peer");
    await this.records.change(async (stores) => {
      await (await stores.peers()).setStatus(peer, status);
    });
  }

  /** Notes how the connection with a peer stands. */
  async updatePeerConnectionState(peer: PublicKey, state: ConnectionState): Promise<void> {
    requirePeer(peer, "note the connection with a peer");
    await this.records.change(async (stores) => {
      await (await stores.peers()).setConnectionState(peer, state);
    });
  }

  /** What is known of a peer; undefined when it is unknown or was removed. */
  async getPeerInfo(peer: PublicKey): Promise<PeerInfo | undefined> {
    requirePeer(peer, "look for a peer");
    return await (await this.records.view().peers()).get(peer);
  }

  /** All peers that were not removed. */
  async listPeers(): Promise<PeerInfo[]> {
    return await (await this.records.view().peers()).list();
  }

  /** Blocks a peer and takes it out of every tree; nothing happens when it is unknown. */
  async removePeer(peer: PublicKey): Promise<void> {
    requirePeer(peer, "remove a peer");
    await this.records.change(async (stores) => {
      await (await stores.peers()).block(peer);
      await (await stores.relationships()).removeEverywhere(peer);
    });
  }

  /** Adds an address of a peer behind those that are known. */
  async addPeerAddress(peer: PublicKey, address: Address): Promise<void> {
    requirePeer(peer, "add an address of a peer");
    requireAddress(address, "add an address of a peer");
    await this.records.change(async (stores) => {
      await (await stores.peers()).addAddress(peer, address);
    });
  }

  /** Removes an address of a peer and tells whether it was there. */
  async removePeerAddress(peer: PublicKey, address: Address): Promise<boolean> {
    requirePeer(peer, "remove an address of a peer");
    requireAddress(address, "remove an address of a peer");
    return await this.records.change(async (stores) => {
      return await (await stores.peers()).removeAddress(peer, address);
    });
  }

  /** Addresses of a peer, of one transport if it is named. */
  async getPeerAddresses(peer: PublicKey, transportType?: string): Promise<readonly Address[]> {
    requirePeer(peer, "look for addresses of a peer");
    return await (await this.records.view().peers()).addresses(peer, transportType);
  }

  // --- which trees with which peers ------------------------------------------------------------

  /** Keeps a tree in step with a peer from now on; `PeerNotFound` when the peer is unknown. */
  async addTreeSync(peer: PublicKey, tree: ID): Promise<void> {
    requirePeer(peer, FOLLOW);
    requireTree(tree, FOLLOW);
    await this.records.change(async (stores) => {
      await (await stores.peers()).require(peer);
      await (await stores.relationships()).add(tree, peer);
    });
  }

  /** Keeps a tree in step with a peer no longer. */
  async removeTreeSync(peer: PublicKey, tree: ID): Promise<void> {
    requirePeer(peer, UNFOLLOW);
    requireTree(tree, UNFOLLOW);
    await this.records.change(async (stores) => {
      await (await stores.relationships()).remove(tree, peer);
    });
  }

  /** Trees that are kept in step with a peer. */
  async getPeerTrees(peer: PublicKey): Promise<ID[]> {
    requirePeer(peer, "look for the databases of a peer");
    return await (await this.records.view().relationships()).treesOf(peer);
  }

  /** Peers that a tree is kept in step with. */
  async getTreePeers(tree: ID): Promise<PublicKey[]> {
    requireTree(tree, "look for the peers of a database");
    return await (await this.records.view().relationships()).peersOf(tree);
  }

  /** Whether a tree is kept in step with a peer. */
  async isTreeSyncedWithPeer(tree: ID, peer: PublicKey): Promise<boolean> {
    requireTree(tree, "look for a peer of a database");
    requirePeer(peer, "look for a peer of a database");
    return await (await this.records.view().relationships()).has(tree, peer);
  }

  // --- users ---------------------------------------------------------------------------------

  /** Reads what a user wants now, out of the user's private database. */
  async syncUser(uuid: string, privateDatabase: ID): Promise<void> {
    requireText(uuid, "read what a user wants", "the UUID of the user");
    requireTree(privateDatabase, "read what a user wants");
    await this.records.change(async (stores) => {
      await (await stores.users()).update(uuid, privateDatabase);
    });
  }

  /** Follows the wishes of a user no longer. */
  async removeUser(uuid: string): Promise<void> {
    requireText(uuid, "follow a user no longer", "the UUID of the user");
    await this.records.change(async (stores) => await (await stores.users()).remove(uuid));
  }

  // --- requests for access -------------------------------------------------------------------

  /** Requests that nobody has decided yet, with their IDs. */
  async pendingBootstrapRequests(): Promise<[id: string, request: BootstrapRequest][]> {
    return await this.#requests("Pending");
  }

  /** Requests that were granted. */
  async approvedBootstrapRequests(): Promise<[id: string, request: BootstrapRequest][]> {
    return await this.#requests("Approved");
  }

  /** Requests that were refused. */
  async rejectedBootstrapRequests(): Promise<[id: string, request: BootstrapRequest][]> {
    return await this.#requests("Rejected");
  }

  async #requests(state: BootstrapStatus["state"]): Promise<[string, BootstrapRequest][]> {
    const table = await this.records.view().requests();
    return await table.search((request) => request.status.state === state);
  }

  /** A request and its ID; undefined when there is none with this ID. */
  async getBootstrapRequest(
    id: string,
  ): Promise<[id: string, request: BootstrapRequest] | undefined> {
    requireText(id, "look for a request for access", "its ID");
    const request = await (await this.records.view().requests()).getOption(id);
    return request && [id, request];
  }
}

setInspection(SyncRecords, "Sync", (sync) => [sync.getDevicePubkey()]);
