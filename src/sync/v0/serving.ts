import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address } from "../../transport/port.ts";
import { SyncError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import { MAX_STRAY_BYTES, MAX_STRAY_ENTRIES } from "../access/limits.ts";
import type { ReadAccess } from "../access/can_read.ts";
import { type VerifyLimits, VerifyTime } from "../access/verify_time.ts";
import type { SyncHost } from "../host.ts";
import { Relay } from "../relay.ts";
import type { SyncDatabase } from "../sync_database.ts";
import { systemTimers, type Timers } from "../worker/timers.ts";

const log = new Logger("sync");

/** With what requests are served. */
export interface ServingOptions {
  /** The instance. */
  readonly host: SyncHost;
  /** What it keeps about peers. */
  readonly records: SyncDatabase;
  /** Who may read what. */
  readonly access: ReadAccess;
  /** Name that other nodes are told. */
  readonly displayName?: string;
  /** Waiting; the platform's timers unless told. */
  readonly timers?: Timers | undefined;
  /** How much others may have verified; the usual limits unless told. */
  readonly verify?: VerifyLimits | undefined;
  /** Told when a peer was heard of, with where it says it can be reached. */
  readonly onPeer?: (peer: PublicKey) => void;
  /** Told when somebody has asked for access. */
  readonly onRequest?: (id: string) => void;
  /** Whether a tree goes to a peer already; whoever is noted as a reader once is not noted again unless told. */
  readonly goesTo?: (tree: ID, peer: PublicKey) => Promise<boolean>;
}

/** Name that other nodes are told unless another is set. */
export const DISPLAY_NAME = "Eidetica Peer";

/** What all requests are served with. */
export class Serving {
  /** The instance. */
  readonly host: SyncHost;
  /** What it keeps about peers. */
  readonly records: SyncDatabase;
  /** Who may read what. */
  readonly access: ReadAccess;
  /** Name that other nodes are told. */
  readonly displayName: string;
  /** How long others may keep this node verifying. */
  readonly verifyTime: VerifyTime;
  readonly #options: ServingOptions;
  #strays = { entries: 0, bytes: 0 };
  #relay: Relay | undefined;

  /** Serves for an instance. */
  constructor(options: ServingOptions) {
    this.host = options.host;
    this.records = options.records;
    this.access = options.access;
    this.displayName = options.displayName ?? DISPLAY_NAME;
    const { host, timers = systemTimers, verify } = options;
    this.verifyTime = new VerifyTime(host.host.clock, timers, verify);
    this.#options = options;
  }

  /** Passes on from now on what others bring. */
  beRelay(): void {
    this.#relay ??= new Relay(this.host.host, this.records.database.rootId);
  }

  /** Whether somebody here shares a tree with others. */
  async isShared(tree: ID): Promise<boolean> {
    if (this.#relay?.passesOn(tree) === true) return true;
    const settings = await (await this.records.view().users()).combined(tree);
    return settings?.syncEnabled === true;
  }

  /**
   * Whether pushed entries of a tree are taken: all of a tree that is kept in step here, and a few of others, since a
   * push may come before somebody here says that the tree is wanted.
   */
  async takes(tree: ID, entries: readonly Entry[]): Promise<boolean> {
    if (this.#relay !== undefined) return await this.#relay.takes(tree, entries);
    if (await this.#isFollowed(tree)) return true;
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
    const strays = {
      entries: this.#strays.entries + entries.length,
      bytes: this.#strays.bytes + bytes,
    };
    if (strays.entries > MAX_STRAY_ENTRIES || strays.bytes > MAX_STRAY_BYTES) return false;
    this.#strays = strays;
    return true;
  }

  /** Whether a tree is shared with others, or was brought here from a peer. */
  async #isFollowed(tree: ID): Promise<boolean> {
    if (await this.isShared(tree)) return true;
    return (await (await this.records.view().relationships()).peersOf(tree)).length > 0;
  }

  /** Notes a peer and where it can be reached. That it fails is no reason not to answer. */
  async notePeer(
    peer: PublicKey,
    name: string | undefined,
    addresses: readonly Address[],
  ): Promise<void> {
    // A relay knows nobody, so that it can be in many places and serve any number.
    if (this.#relay !== undefined) return;
    try {
      await this.records.change(async (stores) => {
        await (await stores.peers()).noteStranger(peer, name, addresses);
      });
      this.#options.onPeer?.(peer);
    } catch (error) {
      log.warn("cannot note the peer {peer}: {error}", { peer: `${peer}`, error });
    }
  }

  /** Whether a peer is registered. `PeerBlocked` when it is blocked. */
  async knows(peer: PublicKey): Promise<boolean> {
    const peers = await this.records.view().peers();
    if (await peers.record(peer) === undefined) return false;
    if (await peers.get(peer) !== undefined) return true;
    throw new SyncError(
      "PeerBlocked",
      "Cannot begin a session: this instance has blocked the peer",
    );
  }

  /**
   * Keeps a tree in step with a peer who may read it, if the peer is known, for as long as one of these keys may read
   * it: that of the peer, and those that it has vouched for.
   */
  async noteReader(tree: ID, [peer, ...vouched]: readonly PublicKey[]): Promise<void> {
    if (peer === undefined) return;
    try {
      if (await (await this.records.view().peers()).get(peer) === undefined) return;
      if (await this.#goesTo(tree, peer)) return;
      await this.records.change(async (stores) => {
        await (await stores.relationships()).addReader(tree, peer, vouched);
      });
    } catch (error) {
      log.warn("cannot note that {peer} follows {tree}: {error}", {
        peer: `${peer}`,
        tree: `${tree}`,
        error,
      });
    }
  }

  async #goesTo(tree: ID, peer: PublicKey): Promise<boolean> {
    const { goesTo } = this.#options;
    if (goesTo !== undefined) return await goesTo(tree, peer);
    return await (await this.records.view().relationships()).has(tree, peer);
  }

  /** Tells that somebody has asked for access. */
  requested(id: string): void {
    this.#options.onRequest?.(id);
  }
}
