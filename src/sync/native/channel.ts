import { isSameCursor, type LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import { SyncError } from "../../util/errors.ts";
import type { Answer, Judgement, StoreReport } from "./actions.ts";
import { Inflow, type InflowHost } from "./inflow.ts";
import { EARLY_MESSAGES } from "./limits.ts";
import type { Message, Open, State, Stored } from "./messages.ts";
import { Outflow } from "./outflow.ts";
import { areAllHeld, areSameTips } from "./told_tips.ts";

/** A message about a channel. */
export type ChannelMessage = Extract<Message, { readonly channel: number }>;

/** What opens a channel; for one of this side with the end of its log. */
export type OpenedWith = Open & { readonly log?: LogCursor | undefined };

/** One tree in one session: what flows out, what flows in, and who may do what. */
export class Channel {
  /** Number of the channel. */
  readonly number: number;
  /** Root of the tree. */
  readonly tree: ID;
  /** Whether this side has opened it. */
  readonly isOwn: boolean;
  /** How many tips were told to open it. */
  readonly told: number;
  /** What this side sends. */
  readonly out: Outflow;
  readonly #in: Inflow;
  readonly #host: InflowHost;
  readonly #wanted: number;
  #open: OpenedWith;
  /** Tips of the other side, until it was looked whether they have come. */
  #expected: readonly ID[] = [];
  #isOpen = false;
  #mayRead = false;
  #mayWrite = false;
  /** What came before it was decided whether the other side may read. */
  readonly #early: ChannelMessage[] = [];

  /** A channel that this side has opened, or the other. */
  constructor(open: OpenedWith, isOwn: boolean, host: InflowHost, wanted: number) {
    this.number = open.channel;
    this.tree = open.tree;
    this.isOwn = isOwn;
    this.told = open.tips.length;
    this.#open = open;
    this.#host = host;
    this.#wanted = wanted;
    this.out = new Outflow(open.channel, host);
    this.#in = new Inflow(open.channel, host);
  }

  /** Says where this side stands, and begins to send when the other may read. */
  #judged(judgement: Judgement): void {
    const { mayRead, mayWrite, cursor } = judgement;
    const begins = mayRead && !this.#mayRead;
    const isSame = mayRead && areSameTips(judgement.tips, this.#open.tips);
    [this.#mayRead, this.#mayWrite, this.#isOpen] = [mayRead, mayWrite, true];
    const { tips, count, held } = mayRead && !isSame ? judgement : NOTHING;
    const hasAll = this.#open.tips.every((_, at) => judgement.held[at]);
    const sends = mayRead && (isSame || hasAll || judgement.isCursorValid);
    const end = judgement.log;
    const isNews = isSame && end !== undefined && !isSameAs(this.#open.cursor, end);
    const log = isNews ? end : undefined;
    const state = { mayRead, mayWrite, sends, isSame, tips, held, count, log, cursor };
    this.#host.send({ type: "state", channel: this.number, ...state });
    if (begins) this.#begin(judgement, isSame);
    for (const message of this.#early.splice(0)) this.receive(message);
  }

  #begin({ log, isCursorValid }: Judgement, isSame: boolean): void {
    const { tips } = this.#open;
    const cursor = isCursorValid ? this.#open.cursor : undefined;
    const also = { isSame, hasAll: isSame, waits: true };
    this.out.begin({ tips, cursor, log, ...also });
    this.#expected = isSame ? [] : tips;
    this.#open = { ...this.#open, tips: [] };
  }

  /** Takes the answer to an OPEN of this side, and later ones that change it. */
  state(state: State): void {
    if (!this.isOwn) throw new SyncError("NotAllowed", "STATE answers an OPEN of the other side");
    const { tips: own, log } = this.#open;
    const begins = !this.#isOpen || state.mayRead && !this.#mayRead;
    this.out.isMuted = !state.mayWrite;
    [this.#mayRead, this.#mayWrite, this.#isOpen] = [state.mayRead, state.mayWrite, true];
    this.#host.tell({ do: "opened", channel: this.number, state });
    if (state.isSame) this.#in.complete(state.log);
    if (!begins) return;
    this.#expected = state.tips;
    const { isSame, cursor, sends } = state;
    const hasAll = isSame || state.mayRead && areAllHeld(own, state.held);
    const tips = isSame ? own : state.tips;
    this.out.begin({ tips, cursor, log, isSame, hasAll, waits: sends });
  }

  /** Takes any other message about the channel. */
  receive(message: ChannelMessage): void {
    if (!this.#isOpen && !this.isOwn) return this.#wait(message);
    switch (message.type) {
      case "entries":
      case "mark":
        this.#in.take(message);
        return this.#caughtUp();
      case "ranges":
        return this.#serves ? this.#compare(message.ranges) : undefined;
      case "want":
        return this.#serves ? this.#want(message.ids) : undefined;
      case "stored":
        return this.#reached(message);
      case "access":
        return this.#host.tell({ do: "access", message });
      case "tips":
        return this.#host.tell({ do: "lagging", channel: this.number, tips: message });
    }
  }

  #wait(message: ChannelMessage): void {
    if (message.type === "entries") {
      throw new SyncError("NotAllowed", "entries were sent before the answer to OPEN");
    }
    if (this.#early.length >= EARLY_MESSAGES) {
      throw new SyncError("TooMuch", "too much was sent before the answer to OPEN");
    }
    this.#early.push(message);
  }

  /** Whether the other side may have what it asks for: this side follows it, or it may read. */
  get #serves(): boolean {
    return this.isOwn || this.#mayRead;
  }

  /** A place that the other side was never told of is no place that it has reached. */
  #reached(stored: Stored): void {
    const { cursor } = stored;
    const known = cursor !== undefined && this.out.hasTold(cursor) ? cursor : undefined;
    this.#host.tell({
      do: "reached",
      channel: this.number,
      stored: { ...stored, cursor: known },
    });
  }

  #compare(ranges: Extract<ChannelMessage, { type: "ranges" }>["ranges"]): void {
    if (this.out.rounds > this.#host.rangeRounds) {
      throw new SyncError("TooManyRounds", "comparing ranges has come to no end");
    }
    this.out.compare(ranges);
  }

  #want(ids: readonly ID[]): void {
    if (this.out.wanted + ids.length > this.#wanted) {
      throw new SyncError("TooManyWanted", "more entries were asked for than can be sent");
    }
    this.out.want(ids);
  }

  /** Whether what the other side sends is taken. */
  get takesEntries(): boolean {
    return this.isOwn || this.#mayWrite || !this.#isOpen;
  }

  /** Whether something is still to come that the other side had. */
  get #isReceiving(): boolean {
    return !this.#in.isComplete && (this.isOwn ? this.#mayRead : this.#mayWrite);
  }

  #caughtUp(): void {
    if (!this.#in.isComplete) return;
    this.out.received();
    this.#lookForTips();
  }

  /** Cursors and fingerprints save work; whether everything has come is told by tips. */
  #lookForTips(): void {
    const ids = this.#expected;
    this.#expected = [];
    if (ids.length > 0) this.#host.ask({ do: "lack", channel: this.number, ids });
  }

  /** Takes an answer; the bytes that are stored now, and may be sent again. */
  answered(answer: Answer): number {
    switch (answer.to) {
      case "judge":
        this.#judged(answer);
        break;
      case "page":
        this.out.paged(answer.page);
        break;
      case "differ":
        this.out.differed(answer, this.#isReceiving);
        break;
      case "table":
        this.out.tabled(answer);
        break;
      case "fetch":
        this.out.fetched(answer);
        break;
      case "stand":
        this.out.stood(answer);
        break;
      case "lack":
        if (answer.ids.length > 0) {
          this.#host.send({ type: "want", channel: this.number, ids: answer.ids });
        }
        break;
      case "store":
        return this.#stored(answer);
    }
    return 0;
  }

  #stored(report: StoreReport): number {
    const size = this.#in.stored(report);
    this.#caughtUp();
    return size;
  }

  /** Ends what flows out; the bytes that were not stored, and may be sent again. */
  end(): number {
    this.out.end();
    this.#isOpen = false;
    return this.#in.bytes;
  }
}

const NOTHING = { tips: [], count: 0, held: [] };

function isSameAs(a: LogCursor | undefined, b: LogCursor): boolean {
  return a !== undefined && isSameCursor(a, b);
}
