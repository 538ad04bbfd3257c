import type { ID } from "../../entry/id.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address } from "../../transport/port.ts";
import { EideticaError, SyncError } from "../../util/errors.ts";
import type { RandomSource } from "../../util/random.ts";
import type { SyncEvents } from "../events.ts";
import type { SyncMetrics } from "../metrics.ts";
import { syncEnded } from "../transports.ts";
import type { V0Client } from "../v0/client.ts";
import { Backoff } from "./backoff.ts";
import { LivePeer, type NativeWay } from "./live_peer.ts";
import type { LiveTree } from "./live_tree.ts";
import type { PostRounds } from "./post_rounds.ts";
import { Routes } from "./routes.ts";
import type { Timers } from "./timers.ts";
import { TipsFollower } from "./tips_follower.ts";
import type { TreeReport, TreeSync } from "./tree_sync.ts";
import { V0Rounds } from "./v0_rounds.ts";

/** What a worker works with. */
export interface WorkerHost {
  readonly client: V0Client;
  readonly trees: TreeSync;
  readonly events: SyncEvents;
  readonly metrics: SyncMetrics;
  readonly timers: Timers;
  readonly random: RandomSource;
  /** Begins sessions of the native protocol; undefined where it is not spoken. */
  readonly native: NativeWay | undefined;
  /** Makes rounds over stateless requests of it. */
  readonly posts: PostRounds | undefined;
  /** The present time in milliseconds. */
  now(): number;
  /** Key of this device. */
  deviceKey(): PrivateKey;
  /** Whether what is committed to a tree goes to a peer at once. */
  isLive(tree: ID, peer: PublicKey): boolean;
  /** Trees that are kept live with a peer. */
  liveWith(peer: PublicKey): readonly ID[];
  /** Addresses of a peer; none when it is unknown or blocked. */
  addressesOf(peer: PublicKey): Promise<readonly Address[]>;
  /** Key that may read a tree. */
  keyFor(tree: ID): PrivateKey;
  /** Whether a peer may have what is in a tree. */
  mayHave(tree: ID, peer: PublicKey): Promise<boolean>;
  /** Fails when it may not. */
  permit(tree: ID, peer: PublicKey): Promise<void>;
  /** Waits until fewer than so many workers are at it. */
  slot<T>(work: () => Promise<T>): Promise<T>;
}

/** What is to be done for a tree: send what the log has more, or a whole round. */
type Wish = "push" | "round";

interface Job {
  readonly tree: ID;
  readonly wish: Wish;
}

/** Codes of failures that another attempt does not mend: they wait until something changes. */
const FINAL: ReadonlySet<string> = new Set([
  "AuthenticationRequired",
  "AuthenticationFailed",
  "PermissionDenied",
  "TreeNotFound",
  "BootstrapPending",
  "ProtocolMismatch",
  "InvalidEntry",
  "SyncProtocolError",
  "PeerNotFound",
]);

/** What a peer lacks after all was tried. */
export interface Lack {
  /** The peer. */
  readonly peer: PublicKey;
  /** The tree. */
  readonly tree: ID;
  /** Why. */
  readonly error: EideticaError;
}

/**
 * Keeps trees in step with one peer. What it lacks is what the log has beyond the place that it is known to have
 * reached, so nothing is queued that could be lost; after a start, or when that place is not known, a round finds out.
 */
export class PeerWorker {
  /** Key of the peer. */
  readonly peer: PublicKey;
  readonly #host: WorkerHost;
  readonly #jobs = new Map<string, Job>();
  readonly #rounds: V0Rounds;
  readonly #lacks = new Map<string, Lack>();
  /** Trees of which nothing is taken: commits are not sent, until a round finds otherwise. */
  readonly #untaking = new Set<string>();
  /** Trees that were tried natively again after they had been sent over v0. */
  readonly #retried = new Set<string>();
  readonly #routes: Routes;
  readonly #backoff: Backoff;
  /** Sessions of the native protocol. */
  readonly live: LivePeer;
  /** Hears of what is new where there is no session. */
  readonly #follower: TipsFollower;
  /** Trees that are at it, over a session. */
  readonly #tasks = new Map<string, Promise<void>>();
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #abort = new AbortController();
  #isPaused = false;

  /** A worker that has nothing to do. */
  constructor(peer: PublicKey, host: WorkerHost) {
    this.peer = peer;
    this.#host = host;
    const posted = (address: Address, tree: ID) => {
      if (this.#isWanted(tree)) this.#follower.follow(address, tree);
    };
    this.#rounds = new V0Rounds(peer, { ...host, posted }, this.#abort.signal, (tree) => {
      this.#untaking.add(tree.toString());
    });
    this.#routes = new Routes(host.client, peer, () => host.now());
    this.live = new LivePeer(peer, {
      ...host,
      lost: (trees, error) => void this.#lost(trees, error),
      again: () => this.#again(),
    });
    this.#backoff = new Backoff(host.random);
    this.#follower = new TipsFollower(peer, {
      ...host,
      isWanted: (tree) => this.#isWanted(tree),
      changed: (tree) => this.want(tree, "round"),
    });
  }

  /** Whether what is new of a tree is to be heard of, since it does not come by itself. */
  #isWanted(tree: ID): boolean {
    return this.live.of(tree) === undefined && this.#host.isLive(tree, this.peer);
  }

  /** Wants something done for a tree, now or as soon as the peer can be reached. */
  want(tree: ID, wish: Wish): void {
    const key = tree.toString();
    if (wish === "push" && this.#untaking.has(key)) return;
    const before = this.#jobs.get(key);
    this.#jobs.set(key, before?.wish === "round" ? before : { tree, wish });
    this.#wake();
  }

  /** The peer was heard of: there is no need to wait any longer. */
  heard(): void {
    this.#untaking.clear();
    this.#retried.clear();
    this.live.heard();
    if (!this.#isPaused) return;
    this.#resume();
    this.#wake();
  }

  /** Ends what is not followed any more. */
  keep(): void {
    this.live.keep();
    this.#follower.keep();
  }

  /** Trees that something is to be done for. */
  get waiting(): readonly ID[] {
    return [...this.#jobs.values()].map(({ tree }) => tree);
  }

  /** Tries everything at once, whatever the pauses; what the peer lacks in the end. */
  async settle(): Promise<Lack[]> {
    await this.#idle();
    // Also what was refused: the reason may have gone.
    for (const [key, { tree }] of this.#lacks) {
      if (!this.#jobs.has(key)) this.#jobs.set(key, { tree, wish: "round" });
    }
    this.#resume();
    this.#wake();
    await this.#idle();
    return [...this.#lacks.values()];
  }

  /** Waits until nothing is under way. What was begun over v0 may go on over a session. */
  async #idle(): Promise<void> {
    while (this.#running !== undefined || this.#tasks.size > 0) {
      await this.#running;
      await Promise.all(this.#tasks.values());
    }
  }

  /** Ends the work under way. */
  async close(): Promise<void> {
    this.#cancelTimer?.();
    this.#jobs.clear();
    this.#abort.abort(syncEnded());
    await this.live.close();
    await this.#follower.close();
    await this.#idle();
  }

  #resume(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#isPaused = false;
  }

  #wake(): void {
    if (this.#abort.signal.aborted) return;
    for (const [key, { tree }] of this.#jobs) {
      if (this.live.of(tree) !== undefined || this.live.isUp) this.#begin(key);
    }
    const isIdle = this.#running === undefined && !this.#isPaused;
    if (!isIdle || this.#next() === undefined) return;
    this.#running = this.#host.slot(() => this.#work()).finally(() => {
      this.#running = undefined;
      if (this.#jobs.size > 0) this.#wake();
    });
  }

  /** Sessions carry many trees side by side. */
  #begin(key: string): void {
    const job = this.#jobs.get(key)!;
    if (this.#tasks.has(key)) return;
    this.#jobs.delete(key);
    this.#tasks.set(
      key,
      this.#attempt(key, job).finally(() => {
        this.#tasks.delete(key);
        if (this.#jobs.size > 0) this.#wake();
      }),
    );
  }

  /** Does what there is to do, until nothing is left, the peer cannot be reached, or a session does the rest. */
  async #work(): Promise<void> {
    while (!this.#isPaused && !this.#abort.signal.aborted && !this.live.isUp) {
      const next = this.#next();
      if (next === undefined) return;
      this.#jobs.delete(next[0]);
      await this.#attempt(...next);
    }
  }

  /** A job of a tree at which nobody is. */
  #next(): [key: string, job: Job] | undefined {
    return [...this.#jobs].find(([key]) => !this.#tasks.has(key));
  }

  async #attempt(key: string, job: Job): Promise<void> {
    try {
      if (!await this.#host.mayHave(job.tree, this.peer)) return this.#withhold(job.tree);
      await this.#do(job);
      this.#lacks.delete(key);
      this.#backoff.succeeded();
      this.#follower.keep();
    } catch (error) {
      this.#failed(job, error);
    }
  }

  /** The peer has read a tree, and may read it no more: it is neither sent anything nor told anything. */
  #withhold(tree: ID): void {
    this.#lacks.delete(tree.toString());
    this.live.leave(tree);
  }

  /** Nothing is to be done any more for a tree that is not kept in step with the peer any more. */
  drop(tree: ID): void {
    this.#jobs.delete(tree.toString());
    this.#lacks.delete(tree.toString());
  }

  async #do(job: Job): Promise<void> {
    const { tree } = job;
    const live = this.live.of(tree);
    const report = live !== undefined && (job.wish === "push" || !live.isOwn)
      ? await this.live.settle(live, this.#abort.signal)
      : await this.#anew(job, live);
    if (report.untaken > 0) throw this.#untaken(tree, report);
    this.#untaking.delete(tree.toString());
  }

  /** Finds out how a tree stands, natively where that can be. */
  async #anew(job: Job, live: LiveTree | undefined): Promise<TreeReport> {
    const addresses = await this.#host.addressesOf(this.peer);
    if (live !== undefined) this.live.renew(live);
    const { signal } = this.#abort;
    return await this.#routes.over(addresses, signal, async (address) => {
      const brought = await this.live.bring(address, job.tree, signal);
      if (!("avoid" in brought)) return brought;
      const report = await this.#overV0(address, job);
      if (!this.#isWorthAnother(job.tree, report)) this.live.avoid(brought);
      return report;
    });
  }

  /** A tree that was not there may be now, as it is where a relay was brought one: once it is tried at once. */
  #isWorthAnother(tree: ID, { sent, untaken }: TreeReport): boolean {
    const key = tree.toString();
    if (sent === 0 || untaken > 0 || this.#retried.has(key) || this.live.isUp !== true) {
      return false;
    }
    this.#retried.add(key);
    this.#jobs.set(key, { tree, wish: "round" });
    return true;
  }

  async #overV0(address: Address, { tree, wish }: Job): Promise<TreeReport> {
    const report = await this.#rounds.bring(address, tree, wish);
    this.#host.metrics.count(this.peer, tree, report);
    const { received, sent } = report;
    const [peer, root] = [this.peer.toString(), tree.toString()];
    if (report.untaken === 0) {
      this.#host.events.emit({ type: "synced", peer, tree: root, received, sent });
    }
    return report;
  }

  /** The error for entries that were not taken. */
  #untaken(tree: ID, { sent, untaken }: TreeReport): SyncError {
    if (sent === untaken) this.#untaking.add(tree.toString());
    const message = `Cannot send all entries: the peer did not take ${untaken} of ${sent}`;
    return new SyncError("InvalidEntry", message, { fields: { sent, untaken } });
  }

  /** Trees were live until their session ended: it is begun again, unless only the peer can do that. */
  async #lost(trees: readonly ID[], error: SyncError): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const addresses = await this.#host.addressesOf(this.peer).catch(() => []);
    if (addresses.length === 0 || this.#abort.signal.aborted) return;
    for (const tree of trees) {
      if (this.#host.isLive(tree, this.peer)) {
        this.#jobs.set(tree.toString(), { tree, wish: "round" });
      }
    }
    if (this.#jobs.size > 0) this.#pause(error);
  }

  /** The native protocol is worth a try again. */
  #again(): void {
    for (const tree of this.#host.liveWith(this.peer)) {
      if (this.live.of(tree) === undefined) this.want(tree, "round");
    }
  }

  #failed(job: Job, cause: unknown): void {
    if (this.#abort.signal.aborted) return;
    const error = cause instanceof EideticaError ? cause : asError(cause);
    const [peer, tree] = [this.peer.toString(), job.tree.toString()];
    this.#lacks.set(tree, { peer: this.peer, tree: job.tree, error });
    this.#host.metrics.failed(this.peer, job.tree, error);
    const { code, message } = error;
    this.#rounds.forget();
    if (FINAL.has(code)) {
      this.#host.events.emit({ type: "denied", peer, tree, code, message });
      return;
    }
    if (!this.#jobs.has(tree)) this.#jobs.set(tree, job);
    this.#pause(error);
  }

  #pause({ code, message }: EideticaError): void {
    if (this.#isPaused) return;
    const inMs = Math.round(this.#backoff.failed());
    this.#isPaused = true;
    this.#cancelTimer = this.#host.timers.after(inMs, () => {
      this.#resume();
      this.#wake();
    });
    this.#host.events.emit({ type: "retry", peer: this.peer.toString(), inMs, code, message });
  }
}

function asError(cause: unknown): SyncError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new SyncError("Network", `Synchronisation failed: ${said}`, { cause });
}
