/**
 * Brings trees in step over stateless requests of the native protocol, with peers to whom no connection that lives on
 * can be made: asks for what the peer has, as often as there is more, and sends what it lacks then.
 *
 * @module
 */

import { ArrivalLog } from "../../backend/log/arrival_log.ts";
import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address, PostedAnswer, Transport } from "../../transport/port.ts";
import { concat } from "../../util/bytes.ts";
import { SyncError } from "../../util/errors.ts";
import { MAX_HTTP_REQUEST_BYTES } from "../access/limits.ts";
import type { PostStamp } from "../access/post_proof.ts";
import { addressText } from "../address.ts";
import { EVENTS_PATH } from "../http/event_stream.ts";
import type { Items } from "../native/actions.ts";
import { decodeMessage, encodeMessage } from "../native/codec.ts";
import { Comparison } from "../native/comparison.ts";
import { FrameSplitter } from "../native/frames.ts";
import type { Reading } from "../access/reading.ts";
import type { NativeHost } from "../native/host/native_host.ts";
import { TreeSide } from "../native/host/tree_side.ts";
import { BLOCK_BYTES, LARGEST_ENTRY_FRAME, SESSION_LIMITS } from "../native/limits.ts";
import type { Range } from "../native/range_codec.ts";
import type { Entries, Message, State, Stored } from "../native/messages.ts";
import { NATIVE_RETRY_MS } from "./live_peer.ts";
import { postedOpens, postTo, type PostWay } from "./post_request.ts";
import { NOTHING, plus, type TreeReport } from "./tree_sync.ts";

/** Requests of one round: each brings some MiB. */
export const MAX_POST_REQUESTS = 1024;
/** Bytes of one answer: more than servers of this package send, since its last entry may be as large as entries can be. */
export const MAX_POST_ANSWER_BYTES: number = 32 * 1024 * 1024;
/** Bytes of entries in one request, together; its other frames are small. */
const SENT_AT_ONCE = MAX_HTTP_REQUEST_BYTES / 2;
/** Most tips of a tree with which a stream of events is asked for; who has more is told at once. */
const MAX_EVENT_TIPS = 32;
/** Number of the only channel of a request. */
const CHANNEL = 0;

/** With what rounds are made. */
export interface PostRoundsOptions {
  readonly host: () => NativeHost;
  /** The transport that leads to an address, if there is one. */
  readonly find: (address: Address) => Transport | undefined;
  /** The path at which a peer speaks the native protocol, if it does. */
  readonly pathOf: (peer: PublicKey) => string | undefined;
}

/** How a round is made. */
export interface PostRoundOptions {
  /** Key that may read the tree. */
  readonly key: PrivateKey;
  /** Ends the round. */
  readonly signal?: AbortSignal | undefined;
}

/** How a stream of events is opened. */
export interface EventsOptions {
  /** Key that may read a tree. */
  readonly keyFor: (tree: ID) => PrivateKey;
  /** Ends the stream. */
  readonly signal: AbortSignal;
}

/** What came of a round, and up to where the peer has the own log then. */
export type PostReport = TreeReport & { readonly reached: LogCursor | undefined };

/** Makes rounds with all peers. */
export class PostRounds {
  readonly #options: PostRoundsOptions;
  /** Where no such request was answered, until when. */
  readonly #avoided = new Map<string, number>();

  /** No rounds yet. */
  constructor(options: PostRoundsOptions) {
    this.#options = options;
  }

  /** Brings a tree in step; undefined where that cannot be, and v0 is to be spoken. */
  async round(
    address: Address,
    peer: PublicKey,
    tree: ID,
    options: PostRoundOptions,
  ): Promise<PostReport | undefined> {
    const path = this.#options.pathOf(peer);
    const transport = this.#options.find(address);
    const place = addressText(address);
    if (path === undefined || transport?.post === undefined || this.#isAvoided(place)) return;
    const host = this.#options.host();
    const reading = await host.readingOf(tree, peer);
    const target = { address, peer, tree, path, transport, reading, ...options };
    const report = await new PostRound(host, target).run();
    if (report === "unanswered") this.#avoided.set(place, this.#now() + NATIVE_RETRY_MS);
    return typeof report === "string" ? undefined : report;
  }

  /** Opens a stream of events of trees; undefined where nobody answers with one. */
  async events(
    address: Address,
    peer: PublicKey,
    trees: readonly ID[],
    { keyFor, signal }: EventsOptions,
  ): Promise<PostedAnswer | undefined> {
    const path = this.#options.pathOf(peer);
    const transport = this.#options.find(address);
    if (path === undefined || transport?.post === undefined) return undefined;
    const host = this.#options.host();
    const way = { address, peer, path: path + EVENTS_PATH, transport, signal };
    return await postTo(host, way, async (stamp) => {
      const opens = trees.map(async (tree, channel) => {
        const { tips } = await host.serving.host.host.backend.verifiedSnapshot(tree);
        const few = tips.length > MAX_EVENT_TIPS ? [] : tips;
        return { channel, tree, key: keyFor(tree), tips: few, cursor: undefined };
      });
      return postedOpens(peer, stamp, await Promise.all(opens));
    });
  }

  /** Whether entries of a tree are here, Verified. */
  async holds(tree: ID, ids: readonly ID[]): Promise<boolean> {
    const { backend } = this.#options.host().serving.host.host;
    return (await ArrivalLog.of(backend).holds(tree, ids)).every(Boolean);
  }

  #now(): number {
    return this.#options.host().serving.host.host.clock.nowMillis();
  }

  #isAvoided(place: string): boolean {
    const until = this.#avoided.get(place);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    return !this.#avoided.delete(place);
  }
}

interface Target extends PostWay {
  readonly tree: ID;
  readonly key: PrivateKey;
  /** See {@link NativeHost.readingOf}. */
  readonly reading: Reading | undefined;
}

/** Nobody has answered in this protocol, or the tree was denied. */
type Refusal = "unanswered" | "denied";

/** One round with one peer. */
class PostRound {
  readonly #host: NativeHost;
  readonly #target: Target;
  readonly #side: TreeSide;
  #report: TreeReport = NOTHING;
  #state: State | undefined;
  #isDenied = false;
  /** What the peer has told of its ranges. */
  #reply: readonly Range[] | undefined;
  /** Blocks that the peer has said to have stored. */
  #stores = 0;
  /** Whether all that the peer had has come, in this request. */
  #isWhole = false;
  /** Entries that nobody honest would have sent. */
  #invalid = 0;
  /** Steps that were made towards the end of the peer's log. */
  #steps = 0;
  /** Whether something was refused or waits, so that no place in the peer's log is reached. */
  #hasRefused = false;
  #isMissing = false;

  constructor(host: NativeHost, target: Target) {
    const { tree, peer, reading } = target;
    this.#host = host;
    this.#target = target;
    this.#side = new TreeSide(host, { tree, peer, reading, deflates: true, keepsCursor: true });
  }

  get #signal(): AbortSignal {
    return this.#target.signal ?? NEVER;
  }

  async run(): Promise<PostReport | Refusal> {
    const refused = await this.#compare();
    if (refused !== undefined) return refused;
    if (this.#isWhole) return await this.#send();
    for (let n = 0; n < MAX_POST_REQUESTS; n++) {
      const before = this.#steps;
      const refusal = await this.#ask([]);
      if (refusal !== undefined) return refusal;
      if (this.#isWhole) return await this.#send();
      if (this.#steps === before) break;
    }
    throw failed("the peer does not send all that it has");
  }

  /**
   * Without a place in the peer's log, and unless it knows the tips that are here, ranges tell where both differ. Each
   * side sends the other what it lacks, so that tips tell the rest.
   */
  async #compare(): Promise<Refusal | undefined> {
    const { tips, cursor } = await this.#side.opening();
    const isNeeded = cursor === undefined && tips.length > 0;
    const table = isNeeded ? await this.#side.table(false) : undefined;
    if (table === undefined) return undefined;
    const comparison = new Comparison(table);
    let told = comparison.first();
    for (let n = 0; n < SESSION_LIMITS.rangeRounds; n++) {
      const refusal = await this.#ask([], told);
      if (refusal !== undefined || this.#reply === undefined) return refusal;
      const { ranges, lacking } = comparison.told(this.#reply);
      if (lacking !== undefined) return await this.#sendItems(lacking, []);
      told = ranges!;
    }
    return undefined;
  }

  /** Sends what the peer lacks; it has everything of the log then up to the end that is told. */
  async #send(): Promise<PostReport | Refusal> {
    const { isSame, tips } = this.#state!;
    const { lacking, log } = await this.#side.differ(isSame ? await this.#tips() : tips, false);
    // It is too much to be told by tips, or tips were told that did not come.
    if (lacking === undefined) return "denied";
    const { untaken } = this.#report;
    const refusal = await this.#sendItems(lacking);
    if (refusal !== undefined) return refusal;
    const isTaken = this.#report.untaken === untaken;
    return { ...this.#report, reached: isTaken ? log : undefined };
  }

  /** Sends entries, until some are not taken. `told` are ranges, so that the peer need not tell anything. */
  async #sendItems(items: Items, told?: readonly Range[]): Promise<Refusal | undefined> {
    for (let at = 0; at < items.length;) {
      const { frames, taken, count } = await this.#blocks(items.slice(at));
      const [untaken, stores] = [this.#report.untaken, this.#stores];
      const refusal = await this.#ask(frames, told);
      if (refusal !== undefined) return refusal;
      if (this.#stores < stores + frames.length) throw failed("the peer stores nothing");
      this.#report = plus(this.#report, { sent: count });
      if (this.#report.untaken > untaken) return undefined;
      at += taken;
    }
    return undefined;
  }

  async #tips(): Promise<readonly ID[]> {
    return (await this.#side.opening()).tips;
  }

  async #blocks(ids: Items) {
    const frames: Entries[] = [];
    let [taken, count, bytes] = [0, 0, 0];
    while (taken < ids.length && bytes < SENT_AT_ONCE) {
      const part = await this.#side.fetch(ids.slice(taken, taken + 512), BLOCK_BYTES);
      taken += part.taken;
      if (part.block === undefined) continue;
      frames.push({ type: "entries", channel: CHANNEL, ...part.block });
      count += part.block.count;
      bytes += part.block.body.length;
    }
    return { frames, taken, count };
  }

  // --- one request -----------------------------------------------------------------------------

  async #ask(
    entries: readonly Entries[],
    told?: readonly Range[],
  ): Promise<Refusal | undefined> {
    const ranges: readonly Message[] = told === undefined
      ? []
      : [{ type: "ranges", channel: CHANNEL, ranges: told }];
    const answer = await postTo(this.#host, this.#target, async (stamp) => {
      return concat(await this.#opening(stamp), ...[...ranges, ...entries].map(encodeMessage));
    });
    this.#report = plus(this.#report, { rounds: 1 });
    if (answer === undefined) return "unanswered";
    await this.#read(answer);
    return this.#isDenied ? "denied" : undefined;
  }

  async #opening(stamp: PostStamp): Promise<Uint8Array> {
    const { tree, key, peer } = this.#target;
    const { tips, cursor } = await this.#side.opening();
    return postedOpens(peer, stamp, [{ channel: CHANNEL, tree, key, tips, cursor }]);
  }

  async #read(answer: PostedAnswer): Promise<void> {
    this.#state = undefined;
    this.#reply = undefined;
    this.#isWhole = false;
    const splitter = new FrameSplitter(() => LARGEST_ENTRY_FRAME);
    let length = 0;
    for await (const piece of answer.body) {
      length += piece.length;
      if (length > MAX_POST_ANSWER_BYTES) throw failed("the answer has no end");
      for (const frame of splitter.push(piece)) {
        const message = decodeMessage(frame, LARGEST_ENTRY_FRAME);
        if (message !== undefined) await this.#take(message);
      }
    }
    splitter.end();
    if (this.#state === undefined && !this.#isDenied) throw failed("the answer says nothing");
  }

  async #take(message: Message): Promise<void> {
    switch (message.type) {
      case "state":
        return this.#stands(message);
      case "entries":
        return await this.#store(message);
      case "ranges":
        this.#reply = message.ranges;
        return;
      case "mark":
        return this.#mark(message.cursor, message.left);
      case "stored":
        return this.#stored(message);
      case "deny":
        this.#isDenied = true;
        return;
      case "close":
        throw failed(message.message);
    }
  }

  #stands(state: State): void {
    this.#state = state;
    this.#isDenied ||= !state.mayRead;
    const hasNothing = !state.isSame && state.tips.length === 0;
    if (state.isSame || hasNothing) this.#isWhole = true;
    if (state.isSame && state.log !== undefined) this.#side.keep(state.log);
  }

  async #store(message: Entries): Promise<void> {
    if (this.#state === undefined) throw failed("entries come before STATE");
    const { verified, refused, missing, again, invalid } = await this.#side.store(
      [message],
      this.#signal,
    );
    this.#invalid += invalid;
    if (this.#invalid > SESSION_LIMITS.invalid) throw failed("too much that it sends is invalid");
    this.#steps += verified;
    this.#isMissing = missing.length > 0;
    this.#hasRefused ||= again > 0;
    const { count: received, body: { length: bytes } } = message;
    this.#report = plus(this.#report, { received, verified, refused, bytes });
  }

  #mark(cursor: LogCursor, left: number): void {
    this.#isWhole ||= left === 0;
    if (this.#isMissing || this.#hasRefused) return;
    this.#steps++;
    this.#side.keep(cursor);
  }

  /** What the peer has not refused is there: it may have had some before. */
  #stored({ failed, refused }: Stored): void {
    this.#stores++;
    this.#report = plus(this.#report, { untaken: failed + refused });
  }
}

const NEVER = new AbortController().signal;

function failed(why: string): SyncError {
  return new SyncError("Network", `Cannot bring a database in step: ${why}`);
}
