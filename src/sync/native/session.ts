/**
 * One session of the native protocol between two instances, without I/O: bytes and answers in, actions out.
 *
 * ```text
 * client                          server
 * HELLO                      →
 *                            ←    HELLO, PROOF
 * PROOF, OPEN …              →
 *                            ←    STATE …, ENTRIES …, MARK …          then both, as long as they like
 * ```
 *
 * @module
 */

import type { ID } from "../../entry/id.ts";
import { SyncError } from "../../util/errors.ts";
import type {
  Action,
  Difference,
  Fetched,
  Judgement,
  Page,
  StoreReport,
  Table,
} from "./actions.ts";
import { Channel, type ChannelMessage } from "./channel.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { Credit } from "./credit.ts";
import { type Frame, FrameSplitter } from "./frames.ts";
import { Handshake, type Identity } from "./handshake.ts";
import { LifeSigns } from "./life_signs.ts";
import { LARGEST_ENTRY_FRAME, SESSION_LIMITS, type SessionLimits } from "./limits.ts";
import type { Message, Open } from "./messages.ts";
import type { FlowHost } from "./outflow.ts";
import { malformed } from "./varint.ts";

/** What a session begins with. */
export interface SessionOptions extends Identity {
  /** The present time in milliseconds. */
  readonly now: number;
  /** Limits other than the usual ones. */
  readonly limits?: Partial<SessionLimits>;
}

/** What opens a channel, without its number. */
export type OpenRequest = Omit<Open, "type" | "channel">;

/** One session. Every method gives the actions that follow from it. */
export class Session {
  readonly #limits: SessionLimits;
  readonly #handshake: Handshake;
  readonly #frames: FrameSplitter;
  readonly #life: LifeSigns;
  readonly #channels = new Map<number, Channel>();
  readonly #host: FlowHost;
  readonly #began: number;
  #actions: Action[] = [];
  #nextChannel: number;
  #out: Credit | undefined;
  readonly #in: Credit;
  #received = { bytes: 0, frames: 0 };
  #isClosed = false;

  /** A session that has not begun. */
  constructor(options: SessionOptions) {
    this.#limits = { ...SESSION_LIMITS, ...options.limits };
    this.#handshake = new Handshake(options, this.#limits, options.now);
    this.#frames = new FrameSplitter(LARGEST_ENTRY_FRAME);
    this.#life = new LifeSigns(this.#limits.pingMs, this.#limits.silentMs, options.now);
    this.#nextChannel = options.role === "client" ? 0 : 1;
    this.#in = new Credit(this.#limits.credit);
    this.#began = options.now;
    this.#host = {
      want: (action) => void this.#actions.push(action),
      send: (message) => this.#send(message),
      room: () => this.#out?.room ?? 0,
    };
  }

  /** Whether both sides have proved their keys, and neither has ended it. */
  get isEstablished(): boolean {
    return this.#handshake.isDone && !this.#isClosed;
  }

  /** Whether it has ended. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The trees of the channels that are open. */
  get channels(): ReadonlyMap<number, Channel> {
    return this.#channels;
  }

  /** Begins: the client speaks first. */
  start(): Action[] {
    for (const message of this.#handshake.start()) this.#send(message);
    return this.#take();
  }

  /** Takes bytes, cut anywhere. */
  receive(bytes: Uint8Array, now: number): Action[] {
    if (this.#isClosed) return [];
    this.#life.heard(now);
    this.#received.bytes += bytes.length;
    try {
      for (const frame of this.#frames.push(bytes)) {
        if (!this.#isClosed) this.#takeFrame(frame);
      }
      this.#requireModest();
    } catch (error) {
      this.#fail(error);
    }
    return this.#take();
  }

  /** Called from time to time: signs of life, and limits of time. */
  tick(now: number): Action[] {
    if (this.#isClosed) return [];
    const isLate = !this.#handshake.isDone && now - this.#began > this.#limits.proofMs;
    if (isLate) this.#end("TooSlow", "the key was not proved in time");
    else this.#live(this.#life.tick(now));
    return this.#take();
  }

  #live(sign: "ping" | "gone" | undefined): void {
    if (sign === "gone") this.#end("Silent", "nothing was heard for too long");
    if (sign === "ping" && this.isEstablished) {
      this.#send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
    }
  }

  // --- what the owner does ---------------------------------------------------------------------

  /** Opens a channel; its number. Take the actions with {@link actions}. */
  open(request: OpenRequest): number {
    const channel = this.#nextChannel;
    this.#nextChannel += 2;
    const open: Open = { type: "open", channel, ...request };
    this.#channels.set(channel, new Channel(open, true, this.#host));
    this.#send(open);
    return channel;
  }

  /** Actions that have gathered. */
  actions(): Action[] {
    return this.#take();
  }

  /** The own log of a tree has grown. */
  grew(tree: ID): Action[] {
    for (const channel of this.#channels.values()) if (channel.tree.equals(tree)) channel.grew();
    return this.#take();
  }

  /** Refuses a channel, or ends it. */
  deny(channel: number, code: string, message: string, retryMs = 0): Action[] {
    this.#drop(channel);
    this.#send({ type: "deny", channel, code, message, retryMs });
    return this.#take();
  }

  /** Says what has become of a request for access. */
  tell(message: Extract<Message, { type: "access" }>): Action[] {
    this.#send(message);
    return this.#take();
  }

  /** Ends the session. */
  close(code: string, message: string, retryMs = 0): Action[] {
    this.#end(code, message, retryMs);
    return this.#take();
  }

  // --- answers ---------------------------------------------------------------------------------

  /** Answers `judge`. */
  judged(channel: number, judgement: Judgement): Action[] {
    return this.#answer(channel, (it) => it.judged(judgement));
  }

  /** Answers `page`. */
  page(channel: number, page: Page): Action[] {
    return this.#answer(channel, (it) => it.page(page));
  }

  /** Answers `differ`. */
  differed(channel: number, difference: Difference): Action[] {
    return this.#answer(channel, (it) => it.differed(difference));
  }

  /** Answers `table`. */
  tabled(channel: number, table: Table): Action[] {
    return this.#answer(channel, (it) => it.tabled(table));
  }

  /** Answers `fetch`. */
  fetched(channel: number, fetched: Fetched): Action[] {
    return this.#answer(channel, (it) => it.fetched(fetched));
  }

  /** Answers `store`. */
  stored(channel: number, report: StoreReport): Action[] {
    return this.#answer(channel, (it) => {
      const bytes = it.stored(report);
      this.#in.grant(bytes);
      this.#send({ type: "credit", bytes });
    });
  }

  #answer(number: number, take: (channel: Channel) => void): Action[] {
    const channel = this.#channels.get(number);
    // The channel may have ended while the answer was looked for.
    if (channel !== undefined && !this.#isClosed) take(channel);
    return this.#take();
  }

  // --- messages --------------------------------------------------------------------------------

  #takeFrame(frame: Frame): void {
    this.#received.frames++;
    this.#requireModest();
    const message = decodeMessage(frame, this.#limits.frameBytes);
    if (message === undefined) return;
    if (message.type === "close") return this.#closed(message);
    if (!this.#handshake.isDone) return this.#shake(message, frame.payload);
    this.#receive(message, frame.payload.length);
  }

  #shake(message: Message, payload: Uint8Array): void {
    for (const reply of this.#handshake.receive(message, payload)) this.#send(reply);
    const peer = this.#handshake.peer;
    if (peer === undefined || !this.#handshake.isDone) return;
    this.#out = new Credit(peer.credit);
    const skewMs = peer.time - this.#handshake.began;
    const { key, features } = peer;
    this.#actions.push({ do: "established", key, features, skewMs });
  }

  #receive(message: Message, size: number): void {
    switch (message.type) {
      case "open":
        return this.#opened(message);
      case "credit":
        return this.#granted(message.bytes);
      case "ping":
        return message.isAnswer ? undefined : this.#send({ ...message, isAnswer: true });
      case "hello":
      case "proof":
        throw malformed("the keys were proved already");
      case "access":
        return void this.#actions.push({ do: "access", message });
      case "close":
        return;
      default:
        return this.#onChannel(message, size);
    }
  }

  #onChannel(message: ChannelMessage, size: number): void {
    const channel = this.#channels.get(message.channel);
    // It may be under way to a channel that was denied.
    if (channel === undefined) return;
    if (message.type === "state") return channel.state(message);
    if (message.type === "deny") return this.#denied(message);
    if (message.type === "entries") this.#spend(channel, size);
    channel.receive(message, size);
    if (channel.rounds > this.#limits.rangeRounds) {
      this.deny(channel.number, "TooManyRounds", "comparing ranges has come to no end");
    }
  }

  #spend(channel: Channel, size: number): void {
    if (!channel.takesEntries) throw new SyncError("NotAllowed", "entries were sent unasked");
    if (!this.#in.allows(size)) {
      throw new SyncError("CreditExceeded", "more was sent than was granted");
    }
    this.#in.spend(size);
  }

  #granted(bytes: number): void {
    this.#out!.grant(bytes);
    for (const channel of this.#channels.values()) channel.resume();
  }

  #opened(open: Open): void {
    const isOdd = open.channel % 2 === 1;
    if (isOdd === (this.#nextChannel % 2 === 1) || this.#channels.has(open.channel)) {
      throw malformed("a channel is opened twice, or with a number of the other side");
    }
    if (this.#channels.size >= this.#limits.channels) {
      this.deny(open.channel, "TooManyChannels", "close some before you open more", 1000);
      return;
    }
    this.#channels.set(open.channel, new Channel(open, false, this.#host));
    this.#actions.push({ do: "judge", channel: open.channel, open });
  }

  #denied({ channel, code, message, retryMs }: Extract<Message, { type: "deny" }>): void {
    this.#drop(channel);
    this.#actions.push({ do: "denied", channel, code, message, retryMs });
  }

  #drop(number: number): void {
    this.#channels.get(number)?.end();
    this.#channels.delete(number);
  }

  #requireModest(): void {
    const { bytesBeforeProof, framesBeforeProof } = this.#limits;
    if (this.#handshake.isDone) return;
    const { bytes, frames } = this.#received;
    if (bytes <= bytesBeforeProof && frames <= framesBeforeProof) return;
    throw new SyncError("TooMuch", "too much was sent before the key was proved");
  }

  #send(message: Message): void {
    if (this.#isClosed) return;
    const bytes = encodeMessage(message);
    if (message.type === "entries") this.#out!.spend(message.body.length);
    this.#actions.push({ do: "send", bytes });
  }

  #fail(error: unknown): void {
    if (!(error instanceof SyncError)) throw error;
    this.#end(error.code, error.message);
  }

  #end(code: string, message: string, retryMs = 0): void {
    if (this.#isClosed) return;
    this.#send({ type: "close", code, message: message.slice(0, 200), retryMs });
    this.#closed({ code, message, retryMs });
  }

  #closed({ code, message, retryMs }: { code: string; message: string; retryMs: number }): void {
    this.#isClosed = true;
    for (const channel of this.#channels.values()) channel.end();
    this.#channels.clear();
    this.#actions.push({ do: "closed", code, message, retryMs });
  }

  #take(): Action[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }
}
