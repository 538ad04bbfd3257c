import { Doc } from "../../crdt/doc.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { DocStore } from "../../store/doc_store.ts";
import type { Clock } from "../../util/clock.ts";
import { SyncError } from "../../util/errors.ts";
import { MAX_PEER_ADDRESSES, MAX_PEERS } from "../access/limits.ts";
import { type Address, isSameAddress, readAddresses, writeAddresses } from "../address.ts";
import {
  type ConnectionState,
  type PeerInfo,
  peerMembers,
  type PeerStatus,
  readPeer,
  statusOf,
  statusText,
  textAt,
} from "./records.ts";

/** The peers of `_sync`, within one transaction or view of it. A blocked peer is reported as absent. */
export class PeerStore {
  readonly #store: DocStore;
  readonly #clock: Clock;

  /** Peers in the store `peers`. */
  constructor(store: DocStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Adds a peer; `PeerAlreadyExists` when there is one with this key, even a blocked one. */
  async register(id: PublicKey, displayName?: string): Promise<void> {
    const key = id.toString();
    if (await this.record(id) !== undefined) throw alreadyExists(key);
    const now = this.#clock.nowRfc3339();
    const name = displayName === undefined ? {} : { display_name: displayName };
    const times = { first_seen: now, last_seen: now };
    await this.#store.set([key], { pubkey: key, ...name, ...times, status: "active" });
  }

  /** Notes a peer that was met, unless it is known, and where it can be reached. */
  async note(
    id: PublicKey,
    displayName: string | undefined,
    addresses: readonly Address[],
  ): Promise<void> {
    if (await this.record(id) === undefined) await this.register(id, displayName);
    for (const address of addresses) await this.addAddress(id, address);
  }

  /** As {@link note} for whoever comes by: nobody is noted when there are very many, and few addresses of anyone. */
  async noteStranger(
    id: PublicKey,
    displayName: string | undefined,
    addresses: readonly Address[],
  ): Promise<void> {
    const known = await this.record(id);
    if (known === undefined && (await this.#store.getAll()).size >= MAX_PEERS) return;
    const room = MAX_PEER_ADDRESSES -
      readAddresses(textAt(known ?? Doc.from({}), "addresses")).length;
    await this.note(id, displayName, addresses.slice(0, Math.max(0, room)));
  }

  /** The record of a peer, blocked ones included. */
  async record(id: PublicKey): Promise<Doc | undefined> {
    const found = await this.#store.getOption([id.toString()]);
    return found instanceof Doc ? found : undefined;
  }

  /** The record of a peer, blocked ones included; `PeerNotFound` when there is none. */
  async require(id: PublicKey): Promise<Doc> {
    const record = await this.record(id);
    if (record !== undefined) return record;
    throw peerNotFound(id);
  }

  /** What is known of a peer; undefined when it is unknown or blocked. */
  async get(id: PublicKey): Promise<PeerInfo | undefined> {
    const record = await this.record(id);
    if (record === undefined || statusOf(record) === "Blocked") return undefined;
    return readPeer(id.toString(), record);
  }

  /** All peers that are not blocked, in the order of their keys. */
  async list(): Promise<PeerInfo[]> {
    const found: PeerInfo[] = [];
    for await (const [key, record] of this.#store.entries()) {
      if (record instanceof Doc && statusOf(record) !== "Blocked") {
        found.push(readPeer(key, record));
      }
    }
    return found;
  }

  /** Changes the status of a peer, which also unblocks it; `PeerNotFound` when it is unknown. */
  async setStatus(id: PublicKey, status: PeerStatus): Promise<void> {
    const text = statusText(status);
    await this.require(id);
    await this.#set(id, "status", text);
    await this.#touch(id);
  }

  /** Blocks a peer; nothing happens when it is unknown. */
  async block(id: PublicKey): Promise<void> {
    if (await this.record(id) !== undefined) await this.#set(id, "status", "blocked");
  }

  /** Changes how the connection with a peer stands; `PeerNotFound` when it is unknown or blocked. */
  async setConnectionState(id: PublicKey, connectionState: ConnectionState): Promise<void> {
    await this.update(id, { connectionState });
  }

  /** Changes a whole record at once; `PeerNotFound` when the peer is unknown or blocked. */
  async update(
    id: PublicKey,
    change: Partial<Omit<PeerInfo, "id" | "firstSeen" | "lastSeen">>,
  ): Promise<void> {
    const peer = await this.get(id);
    if (peer === undefined) throw peerNotFound(id);
    const next = { ...peer, ...change, lastSeen: this.#clock.nowRfc3339() };
    for (const [name, value] of Object.entries(peerMembers(next))) await this.#set(id, name, value);
  }

  /** Adds an address behind those that are known; `PeerNotFound` when the peer is unknown. */
  async addAddress(id: PublicKey, address: Address): Promise<void> {
    const known = readAddresses(textAt(await this.require(id), "addresses"));
    if (known.some((it) => isSameAddress(it, address))) return;
    await this.#setAddresses(id, [...known, address]);
  }

  /** Removes an address and tells whether it was there. */
  async removeAddress(id: PublicKey, address: Address): Promise<boolean> {
    const known = readAddresses(textAt(await this.require(id), "addresses"));
    const left = known.filter((it) => !isSameAddress(it, address));
    if (left.length === known.length) return false;
    await this.#setAddresses(id, left);
    return true;
  }

  async #setAddresses(id: PublicKey, addresses: readonly Address[]): Promise<void> {
    await this.#set(id, "addresses", writeAddresses(addresses));
    await this.#touch(id);
  }

  /** Addresses of a peer, of one transport if it is named; none of one that is unknown or blocked. */
  async addresses(id: PublicKey, transportType?: string): Promise<readonly Address[]> {
    const all = (await this.get(id))?.addresses ?? [];
    return all.filter((it) => transportType === undefined || it.transportType === transportType);
  }

  async #set(id: PublicKey, member: string, value: string | number): Promise<void> {
    await this.#store.set([id.toString(), member], value);
  }

  async #touch(id: PublicKey): Promise<void> {
    await this.#set(id, "last_seen", this.#clock.nowRfc3339());
  }
}

function alreadyExists(peer: string): SyncError {
  return new SyncError("PeerAlreadyExists", `Peer already exists: ${peer}`, { fields: { peer } });
}

/** The error for a peer that is not known. */
export function peerNotFound(peer: PublicKey): SyncError {
  return new SyncError("PeerNotFound", `Peer not found: ${peer}`, { fields: { peer: `${peer}` } });
}
