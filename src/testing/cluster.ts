/**
 * Several instances in one process, for tests of synchronisation. The cluster owns the wiring; data, permissions and
 * the order of events are the test's.
 *
 * @module
 */

import type { Permission } from "../auth/permission.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { Instance } from "../instance/instance.ts";
import { NewUser } from "../user/new_user.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { MemoryStorage } from "../storage/memory.ts";
import type { SyncOptions } from "../sync/options.ts";
import type { Sync } from "../sync/sync.ts";
import type { Address, Transport } from "../transport/port.ts";
import type { User } from "../user/user.ts";
import { SyncSettings } from "../user/sync_settings.ts";
import type { Clock } from "../util/clock.ts";
import { FixedClock } from "./fixed_clock.ts";
import { SimNetwork } from "./sim_network.ts";

/** Label of the second key of each peer's user. */
export const TEST_KEY = "test-key";

/** How a cluster is made. */
export interface ClusterOptions {
  /** How many peers; two unless told. */
  readonly peers?: number;
  /** One clock for all; one for each peer, which ticks by itself, unless told. */
  readonly clock?: Clock;
  /** Storage of a peer; memory unless told. */
  readonly storage?: (peer: number) => StorageDriver | Promise<StorageDriver>;
  /** Transport of a peer, made anew when it starts; over `network` unless told. */
  readonly transport?: (peer: number) => Transport;
  /** Network in memory; a new one unless told. */
  readonly network?: SimNetwork;
  /** What synchronisation is told besides. */
  readonly sync?: Omit<SyncOptions, "transports">;
}

/** One peer. */
export interface ClusterPeer {
  /** The instance. */
  readonly instance: Instance;
  /** Its user, `peerN`. */
  readonly user: User;
  /** The second key of the user. */
  readonly key: PublicKey;
  /** Its synchronisation. */
  readonly sync: Sync;
  /** Its clock. */
  readonly clock: Clock;
  /** Where others reach it. */
  readonly address: Address;
}

/** The cluster. */
export class Cluster implements AsyncDisposable {
  /** The network in memory that connects the peers, unless they have other transports. */
  readonly network: SimNetwork;
  /** The peers. */
  readonly peers: readonly ClusterPeer[];
  readonly #peers: ClusterPeer[];
  readonly #options: ClusterOptions;

  private constructor(network: SimNetwork, peers: ClusterPeer[], options: ClusterOptions) {
    this.network = network;
    this.#peers = this.peers = peers;
    this.#options = options;
  }

  /** Makes instances that serve each other. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const network = options.network ?? new SimNetwork();
    const peers: ClusterPeer[] = [];
    for (let at = 0; at < (options.peers ?? 2); at++) {
      peers.push(await startPeer(at, network, options));
    }
    return new Cluster(network, peers, options);
  }

  /** Ends a peer and begins it anew on its storage, which must have outlived it. */
  async restart(peer: number): Promise<void> {
    await this.peers[peer]!.instance.close();
    this.#peers[peer] = await startPeer(peer, this.network, this.#options);
  }

  /** Has a peer share a tree. */
  async serve(
    peer: number,
    tree: ID,
    settings: SyncSettings = SyncSettings.enabled(),
  ): Promise<void> {
    const { user } = this.peers[peer]!;
    const { keyId } = await user.trackedDatabase(tree).catch(() => ({ keyId: user.defaultKey() }));
    await user.trackDatabase(tree, keyId, settings);
  }

  /** Has one peer get a tree from another, with its own key, and track it without sharing it. */
  async bootstrap(from: number, to: number, tree: ID, permission: Permission): Promise<void> {
    const [source, target] = [this.peers[from]!, this.peers[to]!];
    const key = target.user.signingKey(target.user.defaultKey());
    const name = `peer${to}`;
    target.sync.useKey(tree, key);
    await target.sync.syncWithPeerForBootstrapWithKey(source.address, tree, key, name, permission);
    await this.flush(to);
    await target.user.trackDatabase(tree, target.user.defaultKey(), SyncSettings.disabled());
  }

  /** Brings a tree in step between two peers, in both directions. */
  async exchange(from: number, to: number, tree: ID): Promise<void> {
    const [source, target] = [this.peers[from]!, this.peers[to]!];
    await source.sync.syncWithPeerAs(target.address, tree);
    await this.flush(from);
    await this.flush(to);
  }

  /** Has two peers send each other every commit of a tree. */
  async autoSync(a: number, b: number, tree: ID): Promise<void> {
    for (const [own, other] of [[a, b], [b, a]] as const) {
      const [peer, partner] = [this.peers[own]!, this.peers[other]!];
      if (await peer.sync.getPeerInfo(partner.instance.id) === undefined) {
        await peer.sync.registerPeer(partner.instance.id, `peer${other}`);
      }
      await peer.sync.addPeerAddress(partner.instance.id, partner.address);
      await peer.sync.addTreeSync(partner.instance.id, tree);
      await this.serve(own, tree, SyncSettings.onCommit());
    }
  }

  /** Has every pair of peers send each other every commit of a tree. */
  async autoSyncAll(tree: ID): Promise<void> {
    for (let a = 0; a < this.peers.length; a++) {
      for (let b = a + 1; b < this.peers.length; b++) await this.autoSync(a, b, tree);
    }
  }

  /** Waits until a peer has delivered all that it can. */
  async flush(peer: number): Promise<void> {
    await this.peers[peer]!.sync.flush();
  }

  /** Flushes all peers as often as anything could be passed on. */
  async flushAll(): Promise<void> {
    for (let round = 0; round <= this.peers.length; round++) {
      for (let peer = 0; peer < this.peers.length; peer++) await this.flush(peer);
    }
  }

  /** Tips of all entries that a peer holds. */
  async snapshot(peer: number, tree: ID): Promise<Snapshot> {
    return await this.peers[peer]!.instance.backend.snapshot(tree);
  }

  /** Whether peers hold the same tips; all of them unless some are named. */
  async converged(
    tree: ID,
    peers: readonly number[] = this.peers.map((_, at) => at),
  ): Promise<boolean> {
    const tips = await Promise.all(peers.map((peer) => this.snapshot(peer, tree)));
    return tips.every((it) => it.equals(tips[0]!));
  }

  /** Has all pairs exchange a tree until they hold the same, for at most so many rounds; whether they do. */
  async converge(tree: ID, rounds = 8): Promise<boolean> {
    for (let round = 0; round < rounds && !await this.converged(tree); round++) {
      for (let a = 0; a < this.peers.length; a++) {
        for (let b = a + 1; b < this.peers.length; b++) await this.exchange(a, b, tree);
      }
    }
    return await this.converged(tree);
  }

  /** All entries of a tree that a peer holds, in the order of their IDs. */
  async entries(peer: number, tree: ID): Promise<Entry[]> {
    const held = await this.peers[peer]!.instance.backend.getTree(tree);
    return held.sort((a, b) => `${a.id}` < `${b.id}` ? -1 : 1);
  }

  /** Fails unless every peer holds what any of them does. */
  async assertNoLostEntries(tree: ID): Promise<void> {
    const held = await Promise.all(this.peers.map(async (_, peer) => {
      return new Set((await this.entries(peer, tree)).map(({ id }) => `${id}`));
    }));
    const all = new Set(held.flatMap((ids) => [...ids]));
    held.forEach((ids, peer) => {
      const lost = [...all].filter((id) => !ids.has(id));
      if (lost.length > 0) {
        throw new Error(`peer ${peer} lacks ${lost.length} entries: ${lost[0]} …`);
      }
    });
  }

  /** Fails unless every peer holds these entries. */
  async assertAllPresent(ids: readonly ID[]): Promise<void> {
    for (const [peer, { instance }] of this.peers.entries()) {
      for (const id of ids) {
        if (!await instance.hasEntry(id)) throw new Error(`peer ${peer} lacks ${id}`);
      }
    }
  }

  /** Fails unless every entry of a tree is signed, at every peer. */
  async assertAllSigned(tree: ID): Promise<void> {
    for (const peer of this.peers.keys()) {
      const unsigned = (await this.entries(peer, tree)).find((entry) =>
        entry.sig.sig === undefined
      );
      if (unsigned !== undefined) {
        throw new Error(`peer ${peer} holds ${unsigned.id}, which is not signed`);
      }
    }
  }

  /** Fails unless every entry of a tree is Verified, at every peer. */
  async assertAllVerified(tree: ID): Promise<void> {
    for (const [peer, { instance }] of this.peers.entries()) {
      for (const { id } of await this.entries(peer, tree)) {
        const status = await instance.backend.getVerificationStatus(id);
        if (status !== "Verified") throw new Error(`at peer ${peer} ${id} is ${status}`);
      }
    }
  }

  /** Ends all instances. */
  async close(): Promise<void> {
    for (const { instance } of this.peers) await instance.close();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function startPeer(
  at: number,
  network: SimNetwork,
  options: ClusterOptions,
): Promise<ClusterPeer> {
  const clock = options.clock ?? new FixedClock();
  const storage = await options.storage?.(at) ?? new MemoryStorage();
  const seed = NewUser.passwordless(`peer${at}`);
  const opened = await Instance.connectOrCreateBackend(storage, seed, { clock });
  const { instance } = opened;
  const user = opened.user ?? await instance.loginUser(`peer${at}`);
  const [key = await user.addPrivateKey(TEST_KEY)] = user.findKeysByDisplayName(TEST_KEY);
  const transport = options.transport?.(at) ?? network.transport();
  const sync = await instance.enableSync({
    ...options.sync,
    transports: { [transport.type]: transport },
  });
  await sync.acceptConnections();
  const address = { transportType: transport.type, address: transport.serverAddress() };
  return { instance, user, key, sync, clock, address };
}
