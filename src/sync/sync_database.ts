/**
 * The database `_sync`, in which an instance keeps what it knows of peers, relationships, users' wishes, requests
 * for access and transports. It is signed by the device and shared with nobody.
 *
 * @module
 */

import { Doc } from "../crdt/doc.ts";
import { Database } from "../database/database.ts";
import { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { StoreType } from "../store/context.ts";
import { DocStore } from "../store/doc_store.ts";
import type { Table } from "../store/table.ts";
import { type BootstrapRequest, BootstrapRequests } from "./peers/bootstrap_requests.ts";
import { PeerStore } from "./peers/peer_store.ts";
import { Relationships } from "./peers/relationships.ts";
import { SyncStateManager } from "./peers/sync_state.ts";
import { UserSettings } from "./peers/user_settings.ts";
import type { SyncHost } from "./host.ts";

/** Name and type in the settings of the database. */
const SETTINGS = { name: "_sync", type: "sync_settings" };

/** The stores of `_sync`, within one transaction or view. */
export class SyncStores {
  readonly #open: <S>(type: StoreType<S>, name: string) => Promise<S>;
  readonly #host: SyncHost;

  /** Stores that `open` opens. */
  constructor(open: <S>(type: StoreType<S>, name: string) => Promise<S>, host: SyncHost) {
    this.#open = open;
    this.#host = host;
  }

  /** Free settings. */
  async settings(): Promise<DocStore> {
    return await this.#open(DocStore, "settings_map");
  }

  /** Peers. */
  async peers(): Promise<PeerStore> {
    return new PeerStore(await this.#open(DocStore, "peers"), this.#host.host.clock);
  }

  /** Which trees are kept in step with which peers. */
  async relationships(): Promise<Relationships> {
    return new Relationships(await this.#open(DocStore, "trees"));
  }

  /** What users want. */
  async users(): Promise<UserSettings> {
    const databases = await this.#open(DocStore, "database_users");
    return new UserSettings(databases, await this.#open(DocStore, "user_tracking"), this.#host);
  }

  /** Requests for access. */
  async requests(): Promise<Table<BootstrapRequest>> {
    return await this.#open(BootstrapRequests, "bootstrap_requests");
  }

  /** Configurations of transports. */
  async transports(): Promise<DocStore> {
    return await this.#open(DocStore, "transports");
  }

  /** What transports keep for themselves. */
  async transportState(): Promise<DocStore> {
    return await this.#open(DocStore, "transport_state");
  }

  /** Records of progress, for applications. */
  async state(): Promise<SyncStateManager> {
    return new SyncStateManager(await this.#open(DocStore, "sync_state"), this.#host.host.clock);
  }
}

/** `_sync` of one instance. */
export class SyncDatabase {
  /** The database, acting as the device. */
  readonly database: Database;
  readonly #host: SyncHost;

  private constructor(database: Database, host: SyncHost) {
    this.database = database;
    this.#host = host;
  }

  /** Opens the database of an instance, or makes one that is the instance's from then on. */
  static async of(host: SyncHost): Promise<SyncDatabase> {
    const { backend } = host.host;
    const noted = (await backend.getInstanceMetadata())?.sync_db ?? undefined;
    return await SyncDatabase.load(host, noted === undefined ? await adopt(host) : ID.parse(noted));
  }

  /** Opens the database with this root. */
  static async load(host: SyncHost, root: ID): Promise<SyncDatabase> {
    const database = (await Database.open(host, root)).withKey(host.deviceKey());
    return new SyncDatabase(database, host);
  }

  /** Makes a database of its own, which nothing refers to yet. */
  static async create(host: SyncHost): Promise<SyncDatabase> {
    const database = await Database.create(host, host.deviceKey(), Doc.from(SETTINGS));
    return new SyncDatabase(database, host);
  }

  /**
   * Changes stores, alone: lists that are kept as one text lose nothing, whoever else changes them, in this
   * process or another. `change` may run again when somebody was faster.
   */
  async change<R>(change: (stores: SyncStores) => Promise<R>): Promise<R> {
    return await this.database.update(async (transaction) => {
      return await change(
        new SyncStores((type, name) => transaction.getStore(type, name), this.#host),
      );
    });
  }

  /** The stores for reading, as they are now or were at some tips. */
  view(at?: Snapshot): SyncStores {
    const options = at === undefined ? {} : { at };
    return new SyncStores(
      (type, name) => this.database.getStoreViewer(type, name, options),
      this.#host,
    );
  }
}

async function adopt(host: SyncHost): Promise<ID> {
  const made = await SyncDatabase.create(host);
  return ID.parse(await host.host.backend.records.adoptSyncDb(made.database.rootId.toString()));
}
