import type { ID } from "../../entry/id.ts";
import type { Difference, Fetched, Judgement, Page, StoreReport, Table } from "./actions.ts";
import { Inflow } from "./inflow.ts";
import type { Message, Open, State } from "./messages.ts";
import { type FlowHost, Outflow } from "./outflow.ts";

/** A message about a channel. */
export type ChannelMessage = Extract<Message, { readonly channel: number }>;

/** One tree in one session: what flows out, what flows in, and who may do what. */
export class Channel {
  /** Number of the channel. */
  readonly number: number;
  /** Root of the tree. */
  readonly tree: ID;
  /** What was sent to open it, or came. */
  readonly open: Open;
  readonly #host: FlowHost;
  readonly #out: Outflow;
  readonly #in: Inflow;
  readonly #isOwn: boolean;
  #mayRead = false;
  #mayWrite = false;
  #isOpen = false;

  /** A channel that this side has opened, or the other. */
  constructor(open: Open, isOwn: boolean, host: FlowHost) {
    this.number = open.channel;
    this.tree = open.tree;
    this.open = open;
    this.#host = host;
    this.#isOwn = isOwn;
    this.#out = new Outflow(open.channel, host);
    this.#in = new Inflow(open.channel, host);
  }

  /** Whether both sides have said where they stand. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether everything that the other side lacked was sent. */
  get isInStep(): boolean {
    return this.#out.isInStep;
  }

  /** How many messages about ranges were taken. */
  get rounds(): number {
    return this.#out.rounds;
  }

  /** Answers `judge`: says where this side stands, and begins to send. */
  judged(judgement: Judgement): void {
    const { mayRead, mayWrite, tips, held, count, log, cursor } = judgement;
    [this.#mayRead, this.#mayWrite, this.#isOpen] = [mayRead, mayWrite, true];
    this.#host.send({
      type: "state",
      channel: this.number,
      mayRead,
      mayWrite,
      tips,
      held,
      count,
      log,
      cursor,
    });
    if (mayRead) this.#out.begin(this.open.tips, this.open.cursor);
  }

  /** Takes the answer to an OPEN of this side. */
  state(state: State): void {
    if (!this.#isOwn || this.#isOpen) return;
    [this.#mayRead, this.#mayWrite, this.#isOpen] = [true, true, true];
    const { channel, mayRead, mayWrite, count } = state;
    this.#host.want({ do: "opened", channel, mayRead, mayWrite, count });
    if (mayWrite) this.#out.begin(state.tips, state.cursor);
  }

  /** Takes any other message about the channel; `size` is its length on the wire. */
  receive(message: ChannelMessage, size: number): void {
    switch (message.type) {
      case "entries":
        return this.#in.entries(message, size);
      case "mark":
        this.#in.mark(message.cursor);
        return this.#caughtUp();
      case "ranges":
        return this.#mayRead ? this.#out.ranges(message.ranges) : undefined;
      case "want":
        return this.#mayRead ? this.#want(message.ids) : undefined;
      case "stored":
        return this.#stored(message);
    }
  }

  #stored({ cursor, refused, code }: Extract<Message, { type: "stored" }>): void {
    const channel = this.number;
    if (cursor !== undefined) this.#host.want({ do: "reached", channel, cursor });
    if (refused > 0) this.#host.want({ do: "refused", channel, count: refused, code });
  }

  /** Whether what the other side sends is taken at all. */
  get takesEntries(): boolean {
    return this.#isOwn || this.#mayWrite;
  }

  #want(ids: readonly ID[]): void {
    const maxBytes = this.#host.room();
    this.#host.want({ do: "fetch", channel: this.number, items: ids, maxBytes, wanted: true });
  }

  #caughtUp(): void {
    if (this.#in.isComplete) this.#out.received();
  }

  /** The own log has grown. */
  grew(): void {
    if (this.#isOpen) this.#out.grew();
  }

  /** There is room for entries again. */
  resume(): void {
    this.#out.resume();
  }

  /** Answers `page`. */
  page(page: Page): void {
    this.#out.page(page);
  }

  /** Answers `differ`. */
  differed(difference: Difference): void {
    const isReceiving = this.#isOwn && !this.#in.isComplete;
    this.#out.differed(difference, isReceiving);
  }

  /** Answers `table`. */
  tabled(table: Table): void {
    this.#out.tabled(table);
  }

  /** Answers `fetch`. */
  fetched(fetched: Fetched): void {
    const { wanted, block } = fetched;
    if (!wanted) this.#out.fetched(fetched);
    else if (block !== undefined && block.count > 0) {
      this.#host.send({ type: "entries", channel: this.number, ...block });
    }
  }

  /** Answers `store`: the bytes that may be sent again. */
  stored(report: StoreReport): number {
    const size = this.#in.stored(report);
    this.#caughtUp();
    return size;
  }

  /** Ends what flows out. */
  end(): void {
    this.#out.end();
    this.#isOpen = false;
  }
}
