import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { FollowedTree, Topology } from "../topology.ts";
import { type Lack, PeerWorker, type WorkerHost } from "./peer_worker.ts";
import { Slots } from "./slots.ts";
import type { Timers } from "./timers.ts";

/** Workers that may be at work at a time. */
export const MAX_WORKERS = 32;
/** Seconds between two rounds of a tree for which nobody has said how many. */
export const DEFAULT_INTERVAL_SECONDS = 300;
/** Fewest seconds between two rounds. */
export const MIN_INTERVAL_SECONDS = 1;
/** Longest time that a platform's timer takes, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What workers work with, but for what is decided here. */
export type WorkersHost = Omit<WorkerHost, "slot" | "isLive" | "liveWith"> & {
  /** Whether a peer has said that it speaks the native protocol. */
  speaksNative(peer: PublicKey): boolean;
};

/** One worker for each peer, side by side: one that hangs delays nobody. */
export class Workers {
  readonly #host: WorkersHost;
  readonly #topology: Topology;
  readonly #timers: Timers;
  readonly #slots = new Slots(MAX_WORKERS);
  readonly #workers = new Map<string, PeerWorker>();
  readonly #due = new Map<string, () => void>();
  readonly #spreading = new Set<Promise<void>>();
  /** As `_sync` said when it was last planned. */
  #trees: ReadonlyMap<string, FollowedTree> = new Map();
  #planning: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** No workers yet. */
  constructor(host: WorkersHost, topology: Topology, timers: Timers) {
    this.#host = host;
    this.#topology = topology;
    this.#timers = timers;
  }

  /** The worker of a peer, if there was ever anything to do with it: strangers get none by coming. */
  find(peer: PublicKey): PeerWorker | undefined {
    return this.#workers.get(peer.toString());
  }

  /** The worker of a peer. */
  of(peer: PublicKey): PeerWorker {
    const key = peer.toString();
    const known = this.find(peer);
    if (known !== undefined) return known;
    const made = new PeerWorker(peer, {
      ...this.#host,
      slot: (work) => this.#slots.use(work),
      isLive: (tree, peer) => isLiveWith(this.#trees.get(tree.toString()), peer),
      liveWith: (peer) => this.#liveWith(peer),
    });
    this.#workers.set(key, made);
    return made;
  }

  /** Looks at what `_sync` says: plans rounds of trees. One after the other, so that the newest word holds. */
  plan(): Promise<void> {
    return this.#planning = this.#planning.catch(() => {}).then(() => this.#plan());
  }

  async #plan(): Promise<void> {
    const trees = await this.#topology.all();
    for (const [key, cancel] of this.#due) {
      if (trees.has(key)) continue;
      cancel();
      this.#due.delete(key);
    }
    for (const followed of trees.values()) this.#schedule(followed);
    const before = this.#trees;
    this.#trees = trees;
    this.#drop(before);
    this.#goLive(before);
    for (const worker of this.#workers.values()) worker.keep();
  }

  /** Forgets what waits for peers that a tree is not kept in step with any more. */
  #drop(before: ReadonlyMap<string, FollowedTree>): void {
    for (const { tree, peers } of before.values()) {
      const left = this.#trees.get(tree.toString())?.peers ?? [];
      const gone = peers.filter((peer) => !left.some((other) => other.equals(peer)));
      for (const peer of gone) this.find(peer)?.drop(tree);
    }
  }

  /** Begins what is to be live from now on with peers who can do that. */
  #goLive(before: ReadonlyMap<string, FollowedTree>): void {
    for (const [key, followed] of this.#trees) {
      for (const peer of followed.peers) {
        const isNew = isLiveWith(followed, peer) && !isLiveWith(before.get(key), peer);
        if (!isNew || !this.#host.speaksNative(peer)) continue;
        const worker = this.of(peer);
        if (worker.live.of(followed.tree) === undefined) worker.want(followed.tree, "round");
      }
    }
  }

  #liveWith(peer: PublicKey): ID[] {
    const live = [...this.#trees.values()].filter((followed) => isLiveWith(followed, peer));
    return live.map(({ tree }) => tree);
  }

  #schedule(followed: FollowedTree): void {
    if (this.#isClosed) return;
    const { tree, settings } = followed;
    const key = tree.toString();
    this.#due.get(key)?.();
    const seconds = Number(settings.intervalSeconds ?? DEFAULT_INTERVAL_SECONDS);
    const pause = Math.min(MAX_TIMER_MS, 1000 * Math.max(MIN_INTERVAL_SECONDS, seconds));
    this.#due.set(key, this.#timers.after(pause, () => void this.#round(followed)));
  }

  /** A periodic round of a tree with all its peers, and the plan for the next. */
  async #round(planned: FollowedTree): Promise<void> {
    const followed = await this.#followed(planned.tree, planned);
    if (followed === undefined || this.#isClosed) return;
    for (const peer of followed.peers) this.of(peer).want(followed.tree, "round");
    this.#schedule(followed);
  }

  /** How a tree is followed now; `known` when `_sync` cannot be read, which its owner is told by others. */
  async #followed(tree: ID, known?: FollowedTree): Promise<FollowedTree | undefined> {
    try {
      return (await this.#topology.all()).get(tree.toString());
    } catch {
      return known;
    }
  }

  /** A tree has changed, by a commit of this instance or by what came from elsewhere. Nobody waits for this. */
  changed(tree: ID, source: "local" | "remote"): void {
    const spreading = this.#spread(tree, source);
    this.#spreading.add(spreading);
    void spreading.then(() => this.#spreading.delete(spreading));
  }

  async #spread(tree: ID, source: "local" | "remote"): Promise<void> {
    const followed = await this.#followed(tree);
    if (followed?.settings.syncOnCommit !== true || this.#isClosed) return;
    // What came from elsewhere may have come from one of them: tips tell, entries would be sent for nothing.
    for (const peer of followed.peers) {
      const worker = this.of(peer);
      const isPush = source === "local" || worker.live.of(tree) !== undefined;
      worker.want(tree, isPush ? "push" : "round");
    }
  }

  /** Everything that is followed, with everybody. */
  async wantAll(): Promise<void> {
    for (const { tree, peers } of (await this.#topology.all()).values()) {
      for (const peer of peers) this.of(peer).want(tree, "round");
    }
  }

  /** Tries everything that waits, at once; what peers lack in the end. */
  async settle(): Promise<Lack[]> {
    await Promise.all(this.#spreading);
    const all = await Promise.all([...this.#workers.values()].map((worker) => worker.settle()));
    return all.flat();
  }

  /** Trees that wait for peers. */
  waiting(): { readonly peer: PublicKey; readonly trees: readonly ID[] }[] {
    const all = [...this.#workers.values()].map(({ peer, waiting }) => ({ peer, trees: waiting }));
    return all.filter(({ trees }) => trees.length > 0);
  }

  /** Ends all work. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#due.values()) cancel();
    this.#due.clear();
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
  }
}

function isLiveWith(followed: FollowedTree | undefined, peer: PublicKey): boolean {
  return followed?.settings.syncOnCommit === true &&
    followed.peers.some((other) => other.equals(peer));
}
