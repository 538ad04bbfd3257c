import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address } from "../../transport/port.ts";
import { Logger } from "../../util/log.ts";
import type { ReadAccess } from "../access/can_read.ts";
import type { SyncHost } from "../host.ts";
import type { SyncDatabase } from "../sync_database.ts";
import type { NativeOffer } from "./messages.ts";

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
  /** The native protocol, if it is offered beside this one. */
  readonly native?: NativeOffer | undefined;
  /** Told when a peer was heard of, with where it says it can be reached. */
  readonly onPeer?: (peer: PublicKey) => void;
  /** Told when somebody has asked for access. */
  readonly onRequest?: (id: string) => void;
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
  /** The native protocol, if it is offered. */
  readonly native: NativeOffer | undefined;
  readonly #options: ServingOptions;

  /** Serves for an instance. */
  constructor(options: ServingOptions) {
    this.host = options.host;
    this.records = options.records;
    this.access = options.access;
    this.displayName = options.displayName ?? DISPLAY_NAME;
    this.native = options.native;
    this.#options = options;
  }

  /** Whether somebody here shares a tree with others. */
  async isShared(tree: ID): Promise<boolean> {
    const settings = await (await this.records.view().users()).combined(tree);
    return settings?.syncEnabled === true;
  }

  /** Notes a peer and where it can be reached. That it fails is no reason not to answer. */
  async notePeer(
    peer: PublicKey,
    name: string | undefined,
    addresses: readonly Address[],
  ): Promise<void> {
    try {
      await this.records.change(async (stores) => {
        await (await stores.peers()).note(peer, name, addresses);
      });
      this.#options.onPeer?.(peer);
    } catch (error) {
      log.warn("cannot note the peer {peer}: {error}", { peer: `${peer}`, error });
    }
  }

  /** Keeps a tree in step with a peer who may read it, if the peer is known. */
  async noteReader(tree: ID, peer: PublicKey): Promise<void> {
    try {
      if (await (await this.records.view().peers()).get(peer) === undefined) return;
      if (await (await this.records.view().relationships()).has(tree, peer)) return;
      await this.records.change(async (stores) => {
        await (await stores.relationships()).add(tree, peer);
      });
    } catch (error) {
      log.warn("cannot note that {peer} follows {tree}: {error}", {
        peer: `${peer}`,
        tree: `${tree}`,
        error,
      });
    }
  }

  /** Tells that somebody has asked for access. */
  requested(id: string): void {
    this.#options.onRequest?.(id);
  }
}
