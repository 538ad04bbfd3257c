import type { ID } from "../entry/id.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { SyncError } from "../util/errors.ts";
import { Reading, type ReadingHost } from "./access/reading.ts";
import type { Topology } from "./topology.ts";

/**
 * Peers that trees are kept in step with because they have read them. What is sent to one of them is judged as a read
 * would be: that it could once is no right for ever. What somebody here wishes is not judged.
 */
export class NotedReaders {
  readonly #host: ReadingHost;
  readonly #topology: Topology;
  /** Verdicts last as long as what they were made of: as long as `_sync` says the same, and the tree's settings do. */
  readonly #readings = new WeakMap<readonly PublicKey[], Reading>();

  /** The readers that `topology` tells of, judged for `host`. */
  constructor(host: ReadingHost, topology: Topology) {
    this.#host = host;
    this.#topology = topology;
  }

  /** Whether a peer may read a tree by which it is no wish that it has it; undefined for all others. */
  async readingOf(tree: ID, peer: PublicKey): Promise<Reading | undefined> {
    const keys = await this.#topology.readerKeys(tree, peer);
    if (keys === undefined) return undefined;
    const known = this.#readings.get(keys);
    if (known !== undefined) return known;
    const made = new Reading(this.#host, tree, [peer, ...keys]);
    this.#readings.set(keys, made);
    return made;
  }

  /** Returns if a peer may have what is in a tree. */
  async permit(tree: ID, peer: PublicKey): Promise<void> {
    await (await this.readingOf(tree, peer))?.require();
  }

  /** Whether a peer may have what is in a tree. */
  async mayHave(tree: ID, peer: PublicKey): Promise<boolean> {
    try {
      await this.permit(tree, peer);
      return true;
    } catch (error) {
      if (error instanceof SyncError && REFUSALS.has(error.code)) return false;
      throw error;
    }
  }

  /** Whether a tree is kept in step with a peer who may have what is in it. */
  async goesTo(tree: ID, peer: PublicKey): Promise<boolean> {
    return await this.#topology.isKept(tree, peer) && await this.mayHave(tree, peer);
  }
}

/** Codes with which reading is refused. */
const REFUSALS: ReadonlySet<string> = new Set(["PermissionDenied", "PeerBlocked", "TreeNotFound"]);
