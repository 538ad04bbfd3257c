import { setInspection } from "#inspect";
import type { ID } from "../entry/id.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { Address } from "../transport/port.ts";
import { endedBy } from "../util/abort.ts";
import { optionsOf, wrongArgument } from "../util/arguments.ts";
import { SyncError } from "../util/errors.ts";
import { requireSignal } from "../util/work.ts";
import { requireAddresses, requireOptionalText, requirePeer, requireTree } from "./arguments.ts";
import type { TreeMetrics } from "./metrics.ts";
import type { SyncDatabase } from "./sync_database.ts";
import { pause, type Timers } from "./worker/timers.ts";

/** What is refused, in words. */
const WAIT = "wait for a database";

/** How often a wait looks whether the database is there: another process may have brought it. */
const LOOK_MS = 100;

/** With whom a database is to be kept in step. */
export interface SyncPeer {
  /** Key of the peer. */
  readonly peer: PublicKey;
  /** Root of the database. */
  readonly tree: ID;
  /** Where the peer can be reached, besides where it is known to be. */
  readonly addresses?: readonly Address[];
  /** Name of the peer, unless it is known already. */
  readonly displayName?: string;
}

/** How a database stands with one peer. */
export interface SyncStatus {
  /** Whether anything of the database is held here. */
  readonly hasLocalData: boolean;
  /** When the database was last brought in step with the peer in the background, in milliseconds since 1970. */
  readonly lastSync: number | undefined;
  /** What has failed in the background since then. */
  readonly lastError: string | undefined;
}

/** How long to wait. */
export interface WaitOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** Longest wait in milliseconds; without limit unless told. */
  readonly timeoutMs?: number;
}

/** What a {@link SyncHandle} asks of synchronisation. */
export interface HandleHost {
  /** Waiting. */
  readonly timers: Timers;
  /** See `Sync.getSyncStatus`. */
  getSyncStatus(tree: ID, peer: PublicKey): Promise<SyncStatus>;
  /** See `Sync.addPeerAddress`. */
  addPeerAddress(peer: PublicKey, address: Address): Promise<void>;
  /** Asks the peer for the database as soon as it can be reached; fails when synchronisation has ended. */
  ask(peer: PublicKey, tree: ID): void;
  /** Fails when synchronisation has ended. */
  requireOpen(): void;
}

/** A database that is to be kept in step with a peer. */
export class SyncHandle {
  /** Root of the database. */
  readonly tree: ID;
  /** Key of the peer. */
  readonly peer: PublicKey;
  readonly #host: HandleHost;

  /** Use `sync.registerSyncPeer`. */
  constructor(tree: ID, peer: PublicKey, host: HandleHost) {
    this.tree = tree;
    this.peer = peer;
    this.#host = host;
  }

  /** How the database stands with the peer. */
  async status(): Promise<SyncStatus> {
    return await this.#host.getSyncStatus(this.tree, this.peer);
  }

  /** Adds a place where the peer can be reached. */
  async addAddress(address: Address): Promise<void> {
    await this.#host.addPeerAddress(this.peer, address);
  }

  /**
   * Asks the peer for the database unless it is here, and resolves when something of it is. Rejects with `Timeout`
   * after `timeoutMs`, with `Aborted` when `signal` is, or with `InstanceDropped` when synchronisation ends.
   */
  async waitForInitialSync(options: WaitOptions = {}): Promise<void> {
    const { signal, timeoutMs } = optionsOf(options, WAIT);
    requireSignal(signal, WAIT);
    if (signal?.aborted) throw endedBy(signal, WAIT);
    const limit = new AbortController();
    const ends = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]);
    const cancel = timeoutMs === undefined ? undefined : this.#host.timers.after(
      requireMillis(timeoutMs),
      () => limit.abort(tooLate(this.tree, this.peer, timeoutMs)),
    );
    try {
      if (!await this.#isHere()) this.#host.ask(this.peer, this.tree);
      while (!await this.#isHere()) await pause(this.#host.timers, LOOK_MS, ends);
    } finally {
      cancel?.();
    }
  }

  async #isHere(): Promise<boolean> {
    this.#host.requireOpen();
    return (await this.status()).hasLocalData;
  }
}

setInspection(SyncHandle, "SyncHandle", ({ tree, peer }) => [`${tree} with ${peer}`]);

/** Notes in one step who the peer is, where it can be reached, and that the database is to be kept in step with it. */
export async function noteSyncPeer(records: SyncDatabase, wanted: SyncPeer): Promise<void> {
  const action = "register a peer of a database";
  const { tree, peer, addresses = [], displayName } = optionsOf(wanted, action);
  requirePeer(peer, action);
  requireTree(tree, action);
  requireAddresses(addresses, action);
  requireOptionalText(displayName, action, "`displayName`");
  await records.change(async (stores) => {
    const peers = await stores.peers();
    const isKnown = await peers.record(peer) !== undefined;
    if (isKnown && await peers.get(peer) === undefined) throw blocked(peer);
    await peers.note(peer, displayName, addresses);
    await (await stores.relationships()).add(tree, peer);
  });
}

/** What the counts of all peers and databases say of one. */
export function statusOf(
  tree: ID,
  peer: PublicKey,
  hasLocalData: boolean,
  counts: readonly TreeMetrics[],
): SyncStatus {
  const own = counts.find((it) => it.tree === `${tree}` && it.peer === `${peer}`);
  return { hasLocalData, lastSync: own?.lastSuccess, lastError: own?.lastError };
}

function requireMillis(timeoutMs: number): number {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  const expected = "a number of milliseconds, 0 or more";
  throw wrongArgument(WAIT, "the longest wait", expected, timeoutMs);
}

function blocked(peer: PublicKey): SyncError {
  const message =
    `Cannot register ${peer} with a database: it was removed; change its status to bring it back`;
  return new SyncError("PeerNotFound", message, { fields: { peer: `${peer}` } });
}

function tooLate(tree: ID, peer: PublicKey, timeoutMs: number): SyncError {
  const message =
    `Cannot wait longer for ${tree}: nothing has come from ${peer} in ${timeoutMs} ms; ` +
    "look at the status for what has failed, or set a higher `timeoutMs`";
  return new SyncError("Timeout", message, { fields: { tree: `${tree}`, peer: `${peer}` } });
}
