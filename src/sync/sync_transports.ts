import { Doc } from "../crdt/doc.ts";
import type { ID } from "../entry/id.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import type { Address, Transport } from "../transport/port.ts";
import { requireMethod, requireText } from "../util/arguments.ts";
import { SyncError } from "../util/errors.ts";
import { type DatabaseLike, requireKey, requireTree, rootOf } from "./arguments.ts";
import type { SyncHost } from "./host.ts";
import type { SyncDatabase } from "./sync_database.ts";
import { SyncRecords } from "./sync_records.ts";
import { DatabaseTicket } from "./ticket.ts";
import type { Transports } from "./transports.ts";

const ADD_TRANSPORT = "add a transport";

/** Makes a transport out of what it has stored, and may store something else. */
export interface TransportBuilder {
  /** The transport, with the state to store from now on if it has changed. */
  build(state: Doc): Promise<{ readonly transport: Transport; readonly state?: Doc | undefined }>;
}

/** The part of `Sync` that says how this instance is reached, and with which keys it reads. */
export class SyncTransports extends SyncRecords {
  /** The transports. */
  protected readonly transports: Transports;
  readonly #keys = new Map<string, PrivateKey>();

  /** How an instance is reached. */
  constructor(records: SyncDatabase, host: SyncHost, transports: Transports) {
    super(records, host);
    this.transports = transports;
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
}
