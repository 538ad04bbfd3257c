import { isSameCursor, type LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import { equalBytes } from "../../util/bytes.ts";
import type {
  Block,
  Difference,
  Fetched,
  FoundTable,
  Items,
  Page,
  Question,
  Standing,
} from "./actions.ts";
import type { Budget } from "./budget.ts";
import type { SharedCredit } from "./credit.ts";
import { DueItems } from "./due_items.ts";
import type { Message, State } from "./messages.ts";
import type { Range } from "./range_codec.ts";
import { RangeTalk } from "./range_talk.ts";

/** What a flow asks of its session. */
export interface FlowHost {
  /** Asks something. */
  ask(question: Question): void;
  /** Sends a message. */
  send(message: Message): void;
  /** What may be sent, by all channels together. */
  readonly credit: SharedCredit;
  /** Whether the other side wants entries at once; otherwise it is told of them. */
  readonly pushes: boolean;
  /** Messages about ranges that are taken. */
  readonly rangeRounds: number;
  /** What all channels of the session may hold together. */
  readonly budget: Budget;
  /** Ends the channel; the other side may try again. */
  refuse(channel: number, code: string, message: string): void;
}

/** Where the other side stands when a flow begins. */
export interface Beginning extends Pick<State, "tips" | "cursor"> {
  /** Whether the other side is about to send what makes its tips known; otherwise ranges must be compared. */
  readonly waits: boolean;
  /** The end of the own log when the tips were told. */
  readonly log: LogCursor | undefined;
  /** Whether the tips are those of this side. */
  readonly isSame: boolean;
  /** Whether the other side has everything that this one had then. */
  readonly hasAll: boolean;
}

type ValidPage = Extract<Page, { readonly isValid: true }>;

type Phase = "idle" | "differ" | "await" | "compare" | "follow" | "ended";

/**
 * Sends what the other side of a channel lacks: what its cursor says; else what its tips say, when all of them
 * are known here; else what comparing ranges says. After that it follows the own log.
 */
export class Outflow {
  /** Whether the other side takes no entries: then it is told what it may ask, and sent nothing. */
  isMuted = false;
  readonly #channel: number;
  readonly #host: FlowHost;
  #phase: Phase = "idle";
  #other: Beginning | undefined;
  /** Whether entries or a difference were asked for and have not come. */
  #isAsked = false;
  readonly #items: DueItems;
  /** Up to where the other side has the own log, until that is found not to be so. */
  #cursor: LogCursor | undefined;
  #position: LogCursor | undefined;
  #marked: LogCursor | undefined;
  /** What was told there to be left. */
  #markedLeft = 0;
  /** Up to where nothing was to be sent, which is still to be told. */
  #passed: LogCursor | undefined;
  /** From where a page was asked for. */
  #readFrom: LogCursor | undefined;
  readonly #ranges: RangeTalk;
  #hasGrown = false;
  #isUrgent = false;
  /** Whether the other side has got what this one had when it began. */
  #isCaughtUp = false;
  #isBehindTold = false;

  /** A flow on a channel that has not begun. */
  constructor(channel: number, host: FlowHost) {
    this.#channel = channel;
    this.#host = host;
    this.#items = new DueItems(host.budget);
    this.#ranges = new RangeTalk(channel, host);
  }

  /** Whether the other side was told of a place in the own log, so that it can have everything up to there. */
  hasTold({ logId, position }: LogCursor): boolean {
    const last = this.#marked;
    return last !== undefined && position <= last.position && equalBytes(logId, last.logId);
  }

  /** How many messages about ranges were taken. */
  get rounds(): number {
    return this.#ranges.rounds;
  }

  /** How many entries are to be sent because they were asked for. */
  get wanted(): number {
    return this.#items.wanted;
  }

  /** Begins with where the other side stands. */
  begin(other: Beginning): void {
    this.#other = other;
    this.#cursor = other.cursor;
    // It has everything up to the end of the log: no word is lost about that.
    if (other.isSame) [this.#marked, this.#isCaughtUp] = [other.log, true];
    if (other.hasAll) this.#follow(other.log);
    else if (other.tips.length === 0) this.#follow(other.cursor);
    else this.#differ();
  }

  /** Ends the flow. */
  end(): void {
    this.#phase = "ended";
    this.#host.credit.release(this);
    this.#items.clear();
    this.#ranges.end();
  }

  /** The own log has grown; `isUrgent` when the other side shall have it even if it wants to be told alone. */
  grew(isUrgent = false): void {
    this.#hasGrown = true;
    this.#isUrgent ||= isUrgent;
    this.#pump();
  }

  /** There is room again, for entries or in the budget. */
  resume(): void {
    if (this.#phase === "differ") this.#differ();
    else if (this.#phase === "compare") this.compare(undefined);
    else this.#pump();
  }

  /** The other side has asked for entries. */
  want(ids: readonly ID[]): void {
    if (!this.isMuted) this.#items.add(ids, true);
    this.#pump();
  }

  /** Everything that the other side had was received: its tips are known now. */
  received(): void {
    if (this.#phase === "await" || this.#phase === "compare") this.#differ();
  }

  /** Asks for what can be sent next. */
  #pump(): void {
    if (this.#isAsked || this.isMuted || this.#phase === "ended") return;
    const reads = this.#phase === "follow" && this.#hasGrown;
    if (this.#items.isEmpty && !reads) return;
    if (this.#items.isEmpty && this.#isHeldBack()) return this.#tell();
    const maxBytes = this.#host.credit.hold(this);
    if (maxBytes === 0) return this.#isStarved() ? this.#tell() : undefined;
    this.#isAsked = true;
    if (this.#items.isEmpty) this.#read(maxBytes);
    else this.#fetch(maxBytes);
  }

  /** Whether the other side has everything that it had asked for, and wants to be told of more alone. */
  #isHeldBack(): boolean {
    return this.#isCaughtUp && !this.#host.pushes && !this.#isUrgent;
  }

  /** Whether there is more, and the other side has not granted what it takes. */
  #isStarved(): boolean {
    return this.#items.isEmpty && this.#host.credit.isSpent;
  }

  #tell(): void {
    if (this.#isBehindTold || !this.#isCaughtUp) return;
    this.#isBehindTold = true;
    this.#host.ask({ do: "stand", channel: this.#channel });
  }

  /** Answers `stand`. */
  stood({ tips, log }: Standing): void {
    if (this.#phase === "ended") return;
    if (this.#isHeldBack()) [this.#isBehindTold, this.#hasGrown] = [false, false];
    this.#host.send({ type: "tips", channel: this.#channel, tips, log });
  }

  /** Sends a block; false when other channels have spent the credit meanwhile, and it must be read again. */
  #send(block: Block | undefined): boolean {
    if (block === undefined || block.count === 0) return true;
    if (!this.#host.credit.isOpen) return false;
    this.#isBehindTold = false;
    this.#host.send({ type: "entries", channel: this.#channel, ...block });
    return true;
  }

  /** What was asked for has come. */
  #answered(): void {
    this.#isAsked = false;
    this.#host.credit.release(this);
  }

  // --- by the log ------------------------------------------------------------------------------

  #follow(from: LogCursor | undefined): void {
    this.#phase = "follow";
    this.#passed = undefined;
    this.#ranges.end();
    this.#position = from;
    this.#hasGrown = true;
    this.#pump();
  }

  #read(maxBytes: number): void {
    this.#hasGrown = false;
    this.#readFrom = this.#position;
    this.#host.ask({ do: "page", channel: this.#channel, from: this.#position, maxBytes });
  }

  /** Answers `page`. */
  paged(page: Page): void {
    this.#answered();
    // It may have begun anew meanwhile, from elsewhere.
    if (this.#phase !== "follow" || this.#readFrom !== this.#position) return this.resume();
    if (!page.isValid) return this.#lost();
    const isSent = this.#send(page.block);
    this.#hasGrown ||= !isSent || page.left > 0;
    if (isSent) {
      this.#position = page.next;
      if (this.#isPassing(page)) this.#passed = page.next;
      else this.#mark(page.next, page.left);
      this.#isCaughtUp ||= page.left === 0;
    }
    this.#isUrgent &&= this.#hasGrown;
    this.#pump();
  }

  /** Whether a page has only what came from the other side, which need not be told at once that it is passed over. */
  #isPassing({ block, next, left }: ValidPage): boolean {
    const isNothing = block === undefined || block.count === 0;
    // Whoever was told last that more comes waits for it.
    if (!isNothing || left > 0 || this.#markedLeft > 0 || this.#isUrgent) return false;
    const marked = this.#marked;
    if (next === undefined || marked === undefined) return false;
    return equalBytes(next.logId, marked.logId) && next.position - marked.position < PASSED_ROWS;
  }

  /** Time has passed: what was passed over is told, so that the next session need not begin before it. */
  tick(): void {
    if (this.#phase === "follow") this.#mark(this.#passed, 0);
  }

  /** There is no such place in the log. */
  #lost(): void {
    this.#cursor = undefined;
    if (this.#other!.tips.length === 0) this.#follow(undefined);
    else this.#differ();
  }

  #mark(cursor: LogCursor | undefined, left: number): void {
    if (cursor === undefined) return;
    this.#passed = undefined;
    if (this.#marked !== undefined && isSameCursor(this.#marked, cursor)) return;
    [this.#marked, this.#markedLeft] = [cursor, left];
    this.#host.send({ type: "mark", channel: this.#channel, cursor, left });
  }

  // --- by tips ---------------------------------------------------------------------------------

  #differ(): void {
    this.#phase = "differ";
    if (this.#isAsked || !this.#host.budget.hasRoom()) return this.#pump();
    this.#isAsked = true;
    const isFew = this.#cursor !== undefined;
    this.#host.ask({ do: "differ", channel: this.#channel, tips: this.#other!.tips, isFew });
  }

  /** Answers `differ`. While the other side's entries are coming, its tips may come to be known. */
  differed({ lacking, isKnown, log }: Difference, isReceiving: boolean): void {
    this.#answered();
    if (this.#phase !== "differ") return this.resume();
    if (lacking !== undefined) return this.#sendItems(lacking, log);
    if (this.#cursor !== undefined) return this.#follow(this.#cursor);
    const waits = !isKnown && isReceiving && this.#other!.waits;
    this.#phase = waits ? "await" : "compare";
    if (!waits) this.compare(undefined);
  }

  #sendItems(items: Items, log: LogCursor | undefined): void {
    if (!this.isMuted) this.#items.add(items, false);
    this.#follow(log);
  }

  #fetch(maxBytes: number): void {
    const items = this.#items.first(MAX_FETCHED);
    this.#host.ask({ do: "fetch", channel: this.#channel, items, maxBytes });
  }

  /** Answers `fetch`. */
  fetched({ block, taken }: Fetched): void {
    this.#answered();
    if (this.#items.isEmpty) return;
    if (this.#send(block)) this.#items.done(taken);
    this.resume();
  }

  // --- by ranges -------------------------------------------------------------------------------

  /** Begins to compare ranges, or takes what the other side tells of its ranges. */
  compare(told: readonly Range[] | undefined): void {
    if (this.#phase === "ended") return;
    if (told !== undefined) this.#ranges.take(told);
    if (this.#ranges.rounds > this.#host.rangeRounds) return this.#follow(undefined);
    this.#phase = "compare";
    this.#ranges.goOn();
    this.#pump();
  }

  /** Answers `table`; undefined when the table is held already, or there is nothing to compare. */
  tabled(answer: FoundTable): void {
    const found = this.#ranges.tabled(answer);
    if (found === "nothing") this.#follow(undefined);
    else if (found !== undefined) this.#sendItems(found.lacking, found.log);
  }
}

/** Rows of the log that may be passed over before that is told. */
const PASSED_ROWS = 64;
/** Entries that are asked for at once. */
const MAX_FETCHED = 512;
