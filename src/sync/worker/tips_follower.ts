/**
 * Hears from a peer when the tips of trees change, over a stream of events: where no connection can be made over which
 * entries themselves would come. What is new is then asked for.
 *
 * @module
 */

import { ID } from "../../entry/id.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address, PostedAnswer } from "../../transport/port.ts";
import type { RandomSource } from "../../util/random.ts";
import { tasksEndWithRequests } from "../../util/isolate.ts";
import { tryRead } from "../../util/try_read.ts";
import { isSameAddress } from "../address.ts";
import { EventSplitter, type StreamEvent } from "../http/event_stream.ts";
import { MAX_POST_TREES } from "../native/host/post_answer.ts";
import { MAX_LISTED_TIPS } from "../native/host/tips_feed.ts";
import type { V0Client } from "../v0/client.ts";
import { Backoff, STEADY_MS } from "./backoff.ts";
import type { PostRounds } from "./post_rounds.ts";
import { pause, type Timers } from "./timers.ts";

/** How long it is waited for more trees before a stream is opened, in milliseconds. */
export const GATHER_MS = 100;
/** Streams that are kept open to one peer; more trees than they name are looked after by rounds alone. */
export const MAX_STREAMS_TO_PEER = 4;

/** What a follower works with. */
export interface FollowerHost {
  readonly client: V0Client;
  readonly posts: PostRounds | undefined;
  readonly timers: Timers;
  readonly random: RandomSource;
  now(): number;
  /** Addresses of a peer; none when it is unknown or blocked. */
  addressesOf(peer: PublicKey): Promise<readonly Address[]>;
  /** Key that may read a tree. */
  keyFor(tree: ID): PrivateKey;
  /** Whether a tree is to be heard of: nobody brings what is new as it comes. */
  isWanted(tree: ID): boolean;
  /** Whether the peer may have what is in a tree, and so be told what of it is here. */
  mayHave(tree: ID, peer: PublicKey): Promise<boolean>;
  /** The peer has something new, or tells nothing of it any more. */
  changed(tree: ID): void;
}

/** Streams of events from one peer. */
export class TipsFollower {
  readonly #peer: PublicKey;
  readonly #host: FollowerHost;
  readonly #trees = new Map<string, ID>();
  #address: Address | undefined;
  #streams = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;

  /** Hears of nothing. */
  constructor(peer: PublicKey, host: FollowerHost) {
    this.#peer = peer;
    this.#host = host;
  }

  /** How many trees are heard of. */
  get size(): number {
    return this.#trees.size;
  }

  /** Hears of a tree from now on, at an address at which requests that stand alone are answered. */
  follow(address: Address, tree: ID): void {
    // In isolates what was begun ends with the request.
    if (this.#isClosed || tasksEndWithRequests || this.#trees.has(tree.toString())) return;
    if (this.#trees.size >= MAX_STREAMS_TO_PEER * MAX_POST_TREES) return;
    this.#trees.set(tree.toString(), tree);
    this.#address = address;
    this.#openIn(GATHER_MS);
  }

  /** Hears only of what is wanted still. */
  keep(): void {
    const before = this.#trees.size;
    for (const [key, tree] of this.#trees) if (!this.#host.isWanted(tree)) this.#trees.delete(key);
    if (this.#trees.size < before) this.#openIn(GATHER_MS);
  }

  /** Hears of nothing any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#streams.abort();
    await this.#running;
  }

  #openIn(milliseconds: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#host.timers.after(milliseconds, () => this.#open());
  }

  /** Opens streams for what is wanted now, in place of those that are open. */
  #open(): void {
    this.#cancelTimer = undefined;
    this.#streams.abort();
    if (this.#isClosed) return;
    this.#streams = new AbortController();
    const { signal } = this.#streams;
    const trees = [...this.#trees.values()];
    const all: Promise<void>[] = [this.#running];
    for (let at = 0; at < trees.length; at += MAX_POST_TREES) {
      all.push(this.#hear(trees.slice(at, at + MAX_POST_TREES), signal));
    }
    this.#running = Promise.all(all).then(() => {});
  }

  /** One stream after the other, until that is over; the next at another address where none was opened. */
  async #hear(trees: readonly ID[], signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#host.random);
    let address = this.#address!;
    while (!signal.aborted) {
      const begun = this.#host.now();
      const wanted = trees.filter((tree) => this.#trees.has(tree.toString()));
      if (wanted.length === 0) return;
      address = await this.#hearOnce(address, wanted, signal).catch(() => address);
      if (this.#host.now() - begun >= STEADY_MS) backoff.succeeded();
      await pause(this.#host.timers, backoff.failed(), signal).catch(() => {});
    }
  }

  /** One stream until it ends; gives the address for the next. */
  async #hearOnce(address: Address, asked: readonly ID[], signal: AbortSignal): Promise<Address> {
    const may = await Promise.all(asked.map((tree) => this.#host.mayHave(tree, this.#peer)));
    const trees = asked.filter((_, at) => may[at]);
    if (trees.length === 0) return address;
    const known = await this.#host.addressesOf(this.#peer);
    if (!known.some((it) => isSameAddress(it, address))) {
      return await this.#another(address, signal);
    }
    const options = { keyFor: (tree: ID) => this.#host.keyFor(tree), signal };
    const answer = await this.#host.posts?.events(address, this.#peer, trees, options)
      .catch(() => undefined);
    if (answer === undefined) return await this.#another(address, signal);
    await this.#read(answer);
    return address;
  }

  /**
   * Another address at which the peer answers, if there is one. Somebody else may have it today, who is told nothing before
   * the peer's key is proved there.
   */
  async #another(address: Address, signal: AbortSignal): Promise<Address> {
    const options = { signal, wanted: this.#peer };
    for (const other of await this.#host.addressesOf(this.#peer)) {
      if (isSameAddress(other, address)) continue;
      const found = await this.#host.client.handshake(other, options).catch(() => undefined);
      if (found !== undefined) return other;
    }
    return address;
  }

  async #read({ body }: PostedAnswer): Promise<void> {
    const splitter = new EventSplitter();
    for await (const piece of body) {
      for (const event of splitter.push(piece)) await this.#heard(event);
    }
  }

  async #heard({ event, data }: StreamEvent): Promise<void> {
    if (event !== "tips" && event !== "deny") return;
    const told = readTold(data);
    const tree = told && this.#trees.get(told.tree);
    if (tree === undefined) return;
    if (event === "deny") this.#trees.delete(told!.tree);
    else if (await this.#isHere(tree, told!.tips)) return;
    this.#host.changed(tree);
  }

  /** Of more tips than an event lists nobody knows whether all are here. */
  async #isHere(tree: ID, tips: readonly ID[]): Promise<boolean> {
    return tips.length < MAX_LISTED_TIPS && await this.#host.posts!.holds(tree, tips);
  }
}

/** What an event tells, if it is what this protocol has. */
export function readTold(
  data: string,
): { readonly tree: string; readonly tips: readonly ID[] } | undefined {
  let read: unknown;
  try {
    read = JSON.parse(data);
  } catch {
    return undefined;
  }
  const { tree, tips = [] } = (read ?? {}) as { readonly tree?: unknown; readonly tips?: unknown };
  if (typeof tree !== "string" || !Array.isArray(tips)) return undefined;
  const ids = tips.map((tip: unknown) =>
    typeof tip === "string" ? tryRead(() => ID.parse(tip)) : undefined
  );
  return ids.includes(undefined) ? undefined : { tree, tips: ids as ID[] };
}
