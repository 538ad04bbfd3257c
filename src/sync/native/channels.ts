import type { ID } from "../../entry/id.ts";
import { SyncError } from "../../util/errors.ts";
import type { Answer, Notice, Question } from "./actions.ts";
import { Budget } from "./budget.ts";
import { Channel, type ChannelMessage, type OpenedWith } from "./channel.ts";
import { costOf, Credit, SharedCredit } from "./credit.ts";
import type { Role } from "./hello.ts";
import type { InflowHost } from "./inflow.ts";
import { BLOCK_BYTES, INVALID_RETRY_MS, type SessionLimits } from "./limits.ts";
import { type Entries, FEATURES, type Hello, type Message, type Open } from "./messages.ts";
import { malformed } from "./varint.ts";

/** What opens a channel, without its number, and the end of the own log of the tree. */
export type OpenRequest = Omit<OpenedWith, "type" | "channel">;

/** What channels ask of their session. */
export interface ChannelsHost {
  /** Asks or tells something. */
  want(action: Question | Notice): void;
  /** Sends a message. */
  send(message: Message): void;
}

/** The channels of an established session, and the credit that they share. */
export class Channels {
  readonly #limits: SessionLimits;
  readonly #role: Role;
  readonly #host: ChannelsHost;
  readonly #flow: InflowHost;
  readonly #channels = new Map<number, Channel>();
  readonly #budget = new Budget();
  readonly #out: SharedCredit;
  readonly #in: Credit;
  #next: number;
  /** The last number that the other side has given. */
  #given = -1;
  #most: number;
  #proofs = 0;
  /** Tips that were told of the channels that the other side has opened. */
  #tips = 0;
  #invalid = 0;

  /** No channels yet. */
  constructor(role: Role, peer: Hello, limits: SessionLimits, host: ChannelsHost) {
    this.#limits = limits;
    this.#role = role;
    this.#host = host;
    this.#out = new SharedCredit(peer.credit, Math.min(BLOCK_BYTES, peer.frameLimit));
    this.#in = new Credit(limits.credit);
    this.#next = role === "client" ? 0 : 1;
    this.#most = limits.channels;
    this.#flow = {
      ask: (question) => host.want(question),
      tell: (notice) => host.want(notice),
      send: (message) => this.#send(message),
      credit: this.#out,
      pushes: (peer.features & FEATURES.push) !== 0,
      rangeRounds: limits.rangeRounds,
      budget: this.#budget,
      refuse: (channel, code, message) => this.#refuse(channel, code, message),
    };
  }

  /** The other side is a registered peer, who may have more channels. */
  trust(): void {
    this.#most = this.#limits.knownChannels;
  }

  /** A channel that is open. */
  get(number: number): Channel | undefined {
    return this.#channels.get(number);
  }

  /** The channel of a tree, whoever has opened it. */
  of(tree: ID): Channel | undefined {
    return [...this.#channels.values()].find((it) => it.tree.equals(tree));
  }

  /** Opens a channel; its number. */
  open(request: OpenRequest): number {
    const channel = this.#next;
    this.#next += 2;
    const open: OpenedWith = { type: "open", channel, ...request };
    this.#channels.set(channel, new Channel(open, true, this.#flow, this.#limits.wanted));
    this.#host.send(open);
    return channel;
  }

  /** The log of a tree has grown. */
  grew(tree: ID, isUrgent: boolean): void {
    for (const channel of this.#channels.values()) {
      if (channel.tree.equals(tree)) channel.out.grew(isUrgent);
    }
  }

  /** Called from time to time. */
  tick(): void {
    for (const channel of this.#channels.values()) channel.out.tick();
  }

  /** Refuses a channel, or ends it. */
  deny(channel: number, code: string, message: string, retryMs = 0): void {
    this.#drop(channel);
    this.#host.send({ type: "deny", channel, code, message: message.slice(0, 200), retryMs });
  }

  /** Ends all. */
  end(): void {
    for (const channel of this.#channels.values()) channel.end();
    this.#channels.clear();
  }

  /** Takes what the other side has sent. */
  receive(message: ChannelMessage | Extract<Message, { type: "credit" }>): void {
    if (message.type === "credit") return this.#granted(message.bytes);
    if (message.type === "open") return this.#opened(message);
    const channel = this.#channels.get(message.channel);
    if (message.type === "entries") this.#spend(channel, message);
    // It may have been under way to a channel that has ended.
    if (channel === undefined) return;
    if (message.type === "deny") return this.#denied(message);
    if (message.type === "state") return channel.state(message);
    channel.receive(message);
    this.#resume();
  }

  /** Takes the answer to a question about a channel. */
  answer(number: number, answer: Answer): void {
    // Whatever has become of the channel.
    if (answer.to === "store") this.#requireValid(answer.invalid);
    const channel = this.#channels.get(number);
    if (channel === undefined) return;
    this.#grant(channel.answered(answer));
    this.#resume();
  }

  #requireValid(invalid: number): void {
    this.#invalid += invalid;
    if (this.#invalid <= this.#limits.invalid) return;
    const fields = { retryMs: INVALID_RETRY_MS };
    throw new SyncError("TooManyInvalid", "too many entries are not valid", { fields });
  }

  #send(message: Message): void {
    if (message.type === "entries") this.#out.spend(costOf(message));
    this.#host.send(message);
  }

  #spend(channel: Channel | undefined, entries: Entries): void {
    if (!this.#in.isOpen) {
      throw new SyncError("CreditExceeded", "more was sent than was granted");
    }
    if (channel?.takesEntries === false) {
      throw new SyncError("NotAllowed", "entries were sent where none are taken");
    }
    this.#in.spend(costOf(entries));
    if (channel === undefined) this.#grant(costOf(entries));
  }

  #grant(bytes: number): void {
    if (bytes === 0) return;
    this.#in.grant(bytes);
    this.#host.send({ type: "credit", bytes });
  }

  #granted(bytes: number): void {
    this.#out.grant(bytes);
    this.#out.resume();
  }

  /** Those go on who wait for what was given back. */
  #resume(): void {
    this.#out.resume();
    if (!this.#budget.wasFreed()) return;
    for (const channel of this.#channels.values()) channel.out.resume();
  }

  #opened(open: Open): void {
    const { channel } = open;
    const isOfOther = channel % 2 === (this.#role === "client" ? 1 : 0);
    // Answers to what was asked about an earlier channel must not be taken for those about this one.
    if (!isOfOther || channel <= this.#given) {
      throw malformed("a channel has a number of the other side, or none above the last one");
    }
    this.#given = channel;
    const refused = this.#refused(open);
    if (refused !== undefined) return this.deny(channel, ...refused);
    this.#channels.set(channel, new Channel(open, false, this.#flow, this.#limits.wanted));
    this.#tips += open.tips.length;
    this.#host.want({ do: "judge", channel, open });
  }

  #refused(
    { tree, proofs, tips }: Open,
  ): [code: string, message: string, retryMs: number] | undefined {
    const same = this.of(tree);
    // Both sides have opened the same tree at once: the channel of the client stays.
    const isOverruled = same?.isOwn === true && this.#role === "server";
    if (same !== undefined && !isOverruled) return ["Crossed", "the tree is open already", 0];
    if (this.#channels.size - (isOverruled ? 1 : 0) >= this.#most) {
      return ["TooManyChannels", "close some before you open more", BUSY_RETRY_MS];
    }
    this.#proofs += proofs.length;
    if (this.#proofs > this.#limits.proofs) {
      return ["TooManyProofs", "too many proofs were sent in this session", 0];
    }
    if (this.#tips + tips.length > this.#limits.tips) {
      return ["TooManyTips", "close some that have many before you open more", BUSY_RETRY_MS];
    }
    if (isOverruled) this.#denied({ channel: same.number, ...CROSSED });
    return undefined;
  }

  /** Ends a channel that nobody has asked to end: who follows or serves it is told, as the other side is. */
  #refuse(channel: number, code: string, message: string): void {
    this.deny(channel, code, message, BUSY_RETRY_MS);
    this.#denied({ channel, code, message, retryMs: BUSY_RETRY_MS });
  }

  #denied({ channel, code, message, retryMs }: Omit<Extract<Message, { type: "deny" }>, "type">) {
    this.#drop(channel);
    this.#host.want({ do: "denied", channel, code, message, retryMs });
  }

  #drop(number: number): void {
    const channel = this.#channels.get(number);
    this.#channels.delete(number);
    if (channel === undefined) return;
    if (!channel.isOwn) this.#tips -= channel.told;
    this.#grant(channel.end());
    this.#resume();
  }
}

/** Milliseconds after which somebody may try again for whom there is no room now. */
const BUSY_RETRY_MS = 1000;

const CROSSED = { code: "Crossed", message: "the other side has opened it", retryMs: 0 };
