import type { ID } from "../../entry/id.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address } from "../../transport/port.ts";
import type { SyncError } from "../../util/errors.ts";
import { addressText } from "../address.ts";
import type { SyncEvents } from "../events.ts";
import type { SyncMetrics } from "../metrics.ts";
import type { Notice } from "../native/actions.ts";
import type { NativeChannel } from "../native/native_channel.ts";
import type { NativeSession } from "../native/native_session.ts";
import { LiveTree, sessionLost } from "./live_tree.ts";
import type { Timers } from "./timers.ts";
import type { TreeReport } from "./tree_sync.ts";

/** How long nothing is tried natively at an address where only v0 has worked, in milliseconds. */
export const NATIVE_RETRY_MS = 30_000;

/** How sessions of the native protocol are begun. */
export interface NativeWay {
  /** Whether a peer can be spoken to natively at an address. */
  leadsTo(peer: PublicKey, address: Address): boolean;
  /** Begins a session; resolves when both sides have proved their keys. */
  connect(peer: PublicKey, address: Address, signal: AbortSignal): Promise<NativeSession>;
}

/** What live exchange with a peer needs. */
export interface LiveHost {
  /** Begins sessions; undefined where the native protocol is not spoken. */
  readonly native: NativeWay | undefined;
  readonly events: SyncEvents;
  readonly metrics: SyncMetrics;
  readonly timers: Timers;
  /** Key of this device. */
  deviceKey(): PrivateKey;
  /** Key that may read a tree. */
  keyFor(tree: ID): PrivateKey;
  /** Whether what is committed to a tree goes to a peer at once. */
  isLive(tree: ID, peer: PublicKey): boolean;
  /** Trees were exchanged live until their session has ended. */
  lost(trees: readonly ID[], error: SyncError): void;
  /** What was avoided may work now. */
  again(): void;
}

/** What v0 is to be spoken for, from when that has worked; nothing when it is so already. */
export interface Avoided {
  readonly avoid: string | undefined;
}

const AVOIDED: Avoided = { avoid: undefined };

/** What goes over between this instance and one peer in sessions of the native protocol. */
export class LivePeer {
  readonly #peer: PublicKey;
  readonly #host: LiveHost;
  readonly #trees = new Map<string, LiveTree>();
  /** Trees of which it was told that they are live. */
  readonly #announced = new Set<string>();
  /** Where no session could be begun, and trees that were refused in one: v0 is spoken there for a while. */
  readonly #avoided = new Map<string, () => void>();
  #session: NativeSession | undefined;
  #connecting: Promise<NativeSession> | undefined;
  #busy = 0;

  /** Nothing is live. */
  constructor(peer: PublicKey, host: LiveHost) {
    this.#peer = peer;
    this.#host = host;
  }

  /** Whether there is a session that this side has begun. */
  get isUp(): boolean {
    return this.#session !== undefined && this.#session.end === undefined;
  }

  /** A tree that is exchanged live. */
  of(tree: ID): LiveTree | undefined {
    const live = this.#trees.get(tree.toString());
    return live?.isOpen === true ? live : undefined;
  }

  /** What was avoided may be tried again. */
  heard(): void {
    for (const cancel of this.#avoided.values()) cancel();
    this.#avoided.clear();
  }

  /** Brings a tree that is live in step. */
  async settle(live: LiveTree, signal: AbortSignal): Promise<TreeReport> {
    try {
      await live.settled(this.#host.timers, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (live.session.end !== undefined) throw sessionLost(live.session);
      // Another channel may have taken the place of this one.
      const other = this.of(live.tree);
      if (other !== undefined && other !== live) return await this.settle(other, signal);
      // Where nothing goes on, it is begun anew next time.
      if (live.isOwn && live.isOpen) this.#close(live);
      throw error;
    }
    return this.#settled(live);
  }

  /** Brings a tree in step over a session at an address, and keeps it so; or says what v0 is to be spoken for. */
  async bring(address: Address, tree: ID, signal: AbortSignal): Promise<TreeReport | Avoided> {
    const key = tree.toString();
    if (this.#avoided.has(key) || !this.#host.isLive(tree, this.#peer)) return AVOIDED;
    this.#busy++;
    try {
      const session = await this.#sessionAt(address, signal);
      return "avoid" in session ? session : await this.#bring(this.#follow(session, tree), signal);
    } finally {
      this.#busy--;
    }
  }

  async #bring(live: LiveTree, signal: AbortSignal): Promise<TreeReport | Avoided> {
    try {
      return await this.settle(live, signal);
    } catch (error) {
      this.#forget(live);
      if (signal.aborted || live.session.end !== undefined) throw error;
      return { avoid: live.tree.toString() };
    }
  }

  /** Speaks v0 for a while where nothing else has worked: with an address, or for a tree. */
  avoid({ avoid }: Avoided): void {
    if (avoid === undefined || this.#avoided.has(avoid)) return;
    const cancel = this.#host.timers.after(NATIVE_RETRY_MS, () => {
      this.#avoided.delete(avoid);
      this.#host.again();
    });
    this.#avoided.set(avoid, cancel);
  }

  /** Has a tree compared anew, in the same session. */
  renew(live: LiveTree): void {
    if (!live.isOwn) return;
    this.#forget(live);
    live.channel.close();
  }

  /** Ends what this side has begun for a tree. */
  leave(tree: ID): void {
    const live = this.of(tree);
    if (live?.isOwn === true) this.#close(live);
  }

  // --- sessions --------------------------------------------------------------------------------

  async #sessionAt(address: Address, signal: AbortSignal): Promise<NativeSession | Avoided> {
    if (this.isUp) return this.#session!;
    const avoid = addressText(address);
    const { native } = this.#host;
    if (this.#avoided.has(avoid) || native?.leadsTo(this.#peer, address) !== true) return AVOIDED;
    this.#connecting ??= this.#connect(native, address, signal).finally(() => {
      this.#connecting = undefined;
    });
    return await this.#connecting.catch(() => {
      signal.throwIfAborted();
      return { avoid };
    });
  }

  async #connect(
    native: NativeWay,
    address: Address,
    signal: AbortSignal,
  ): Promise<NativeSession> {
    const peer = this.#peer.toString();
    this.#host.events.emit({ type: "connecting", peer });
    const session = await native.connect(this.#peer, address, signal);
    this.#session = session;
    this.#host.events.emit({ type: "connected", peer });
    void session.closed.then(() => this.#ended(session));
    return session;
  }

  #ended(session: NativeSession): void {
    if (this.#session === session) this.#session = undefined;
    this.#host.events.emit({ type: "closed", peer: this.#peer.toString() });
    this.#lost(session);
  }

  #lost(session: NativeSession): void {
    const lost = [...this.#trees.values()].filter((live) => live.session === session);
    for (const live of lost) this.#forget(live);
    for (const { tree } of lost) this.#announced.delete(tree.toString());
    const trees = lost.filter(({ isSettled }) => isSettled).map(({ tree }) => tree);
    if (trees.length > 0) this.#host.lost(trees, sessionLost(session));
  }

  // --- trees -----------------------------------------------------------------------------------

  #follow(session: NativeSession, tree: ID): LiveTree {
    const known = this.of(tree);
    if (known !== undefined) return known;
    const key = this.#host.keyFor(tree);
    const isDevice = key.publicKey.equals(this.#host.deviceKey().publicKey);
    const channel = session.follow(tree, { keys: isDevice ? [] : [key] });
    return this.#add(new LiveTree(channel, session, true));
  }

  /** The peer has opened a tree in a session that it has begun. */
  served(session: NativeSession, channel: NativeChannel): void {
    const tree = channel.tree;
    const own = this.of(tree);
    if (own?.channel === channel) return;
    const isFirst = ![...this.#trees.values()].some((live) => live.session === session);
    // Of two channels for one tree the one stays that was opened by the side with the lesser key.
    const isLesser = `${this.#host.deviceKey().publicKey}` < `${this.#peer}`;
    if (own?.isOwn === true && isLesser) return;
    if (own?.isOwn === true) this.#close(own);
    const live = this.#add(new LiveTree(channel, session, false));
    if (isFirst) void session.closed.then(() => this.#lost(session));
    this.#settledLater(live);
  }

  #settledLater(live: LiveTree): void {
    live.channel.settled().then(() => this.#settled(live), () => {});
  }

  #add(live: LiveTree): LiveTree {
    this.#trees.set(live.tree.toString(), live);
    return live;
  }

  #forget(live: LiveTree): void {
    const key = live.tree.toString();
    if (this.#trees.get(key) === live) this.#trees.delete(key);
  }

  #close(live: LiveTree): void {
    this.#forget(live);
    this.#announced.delete(live.tree.toString());
    live.channel.close();
  }

  /** Ends what is not followed any more. */
  keep(): void {
    for (const live of [...this.#trees.values()]) {
      if (live.isOwn && !this.#host.isLive(live.tree, this.#peer)) this.#close(live);
    }
    if (this.#trees.size === 0 && this.#busy === 0) void this.#session?.close();
  }

  // --- telling ---------------------------------------------------------------------------------

  /** Something has happened to a tree. */
  noted(tree: ID, notice: Notice): void {
    const live = this.of(tree);
    if (live === undefined) return;
    live.noted(notice);
    if (notice.do !== "keep") return;
    if (notice.left > 0) this.#progress(live, notice.left);
    else if (live.isSettled) this.#count(live);
  }

  #progress({ channel, tree }: LiveTree, left: number): void {
    const { received: done, bytes } = channel.counts;
    const peer = this.#peer.toString();
    const total = done + left;
    this.#host.events.emit({ type: "progress", peer, tree: tree.toString(), done, total, bytes });
  }

  #settled(live: LiveTree): TreeReport {
    const report = this.#count(live);
    live.isSettled = true;
    const [peer, tree] = [this.#peer.toString(), live.tree.toString()];
    if (this.#announced.has(tree) || !live.isOpen) return report;
    this.#announced.add(tree);
    this.#host.events.emit({ type: "live", peer, tree });
    return report;
  }

  #count(live: LiveTree): TreeReport {
    const report = live.report();
    this.#host.metrics.count(this.#peer, live.tree, report);
    const { received, sent } = report;
    // What was told already as it came is not told again by those who waited for it.
    if (live.isSettled && received + sent === 0) return report;
    const [peer, tree] = [this.#peer.toString(), live.tree.toString()];
    this.#host.events.emit({ type: "synced", peer, tree, received, sent });
    return report;
  }

  /** Ends what this side has begun. */
  async close(): Promise<void> {
    this.heard();
    await this.#connecting?.catch(() => {});
    await this.#session?.close();
  }
}
