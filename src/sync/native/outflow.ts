import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { Action, Block, Difference, Fetched, Page, Table } from "./actions.ts";
import { BLOCK_BYTES } from "./limits.ts";
import type { Message } from "./messages.ts";
import { answer, firstWindows } from "./reconcile.ts";
import type { Range } from "./range_codec.ts";

/** What a flow asks of its session. */
export interface FlowHost {
  /** Wants something done. */
  want(action: Action): void;
  /** Sends a message. */
  send(message: Message): void;
  /** Bytes of entries that may be sent now; 0 when the flow has to wait for {@link Outflow.resume}. */
  room(): number;
}

type Step = "idle" | "page" | "differ" | "await" | "table" | "ranges" | "items" | "log" | "ended";

/**
 * Sends what the other side of a channel lacks: what its cursor says; else what its tips say, when all of them
 * are known here; else what comparing ranges says. After that it follows the own log.
 */
export class Outflow {
  readonly #channel: number;
  readonly #host: FlowHost;
  #step: Step = "idle";
  /** Whether an answer is awaited. */
  #asked = false;
  #position: LogCursor | undefined;
  #marked: LogCursor | undefined;
  #theirTips: readonly ID[] = [];
  #items: readonly ID[] = [];
  #sent = 0;
  #table: Table | undefined;
  #heldRanges: readonly Range[] | undefined;
  readonly #lacking = new Set<number>();
  #rounds = 0;
  #grew = false;

  /** A flow on a channel that has not begun. */
  constructor(channel: number, host: FlowHost) {
    this.#channel = channel;
    this.#host = host;
  }

  /** Whether the flow compares ranges, or is about to. */
  get isComparing(): boolean {
    return this.#step === "table" || this.#step === "ranges";
  }

  /** Whether everything that the other side lacked was sent. */
  get isInStep(): boolean {
    return this.#step === "log" && this.#position !== undefined && !this.#grew && !this.#asked;
  }

  /** How many messages about ranges were taken. */
  get rounds(): number {
    return this.#rounds;
  }

  /** Begins with where the other side stands. */
  begin(theirTips: readonly ID[], theirCursor: LogCursor | undefined): void {
    this.#theirTips = theirTips;
    if (theirTips.length === 0) return this.#follow(undefined);
    if (theirCursor === undefined) return this.#askDifference();
    this.#step = "page";
    this.#position = theirCursor;
    this.#read();
  }

  /** Ends the flow. */
  end(): void {
    this.#step = "ended";
  }

  /** The own log has grown. */
  grew(): void {
    this.#grew = true;
    if (this.#step === "log") this.#read();
  }

  /** There is room again. */
  resume(): void {
    if (this.#step === "log" || this.#step === "page") this.#read();
    if (this.#step === "items") this.#fetch();
  }

  /** Everything that the other side had was received: its tips are known now. */
  received(): void {
    if (this.#step === "await") this.#askDifference();
  }

  // --- by the log ------------------------------------------------------------------------------

  #follow(from: LogCursor | undefined): void {
    this.#step = "log";
    this.#position = from;
    this.#grew = true;
    this.#read();
  }

  #read(): void {
    if (this.#asked || (this.#step === "log" && !this.#grew)) return;
    const room = this.#host.room();
    if (room === 0) return;
    this.#asked = true;
    const maxBytes = Math.min(room, BLOCK_BYTES);
    this.#host.want({ do: "page", channel: this.#channel, from: this.#position, maxBytes });
    this.#grew = false;
  }

  /** Answers `page`. */
  page(page: Page): void {
    if (!this.#answered("page", "log")) return;
    if (!page.isValid) return this.#askDifference();
    this.#step = "log";
    this.#sendBlock(page.block);
    this.#position = page.next;
    this.#grew ||= page.left > 0;
    if (!this.#grew) this.#mark(page.next);
    this.#read();
  }

  #sendBlock(block: Block | undefined): void {
    if (block === undefined || block.count === 0) return;
    this.#host.send({ type: "entries", channel: this.#channel, ...block });
  }

  #mark(cursor: LogCursor): void {
    if (this.#marked?.position === cursor.position && this.#marked.sum === cursor.sum) return;
    this.#marked = cursor;
    this.#host.send({ type: "mark", channel: this.#channel, cursor });
  }

  /** Whether an answer is still of use: in the meantime the flow may have ended, or begun to compare ranges. */
  #answered(...steps: readonly Step[]): boolean {
    this.#asked = false;
    return steps.includes(this.#step);
  }

  // --- by tips ---------------------------------------------------------------------------------

  #askDifference(): void {
    this.#step = "differ";
    this.#asked = true;
    this.#host.want({ do: "differ", channel: this.#channel, tips: this.#theirTips });
  }

  /**
   * Answers `differ`. While the other side's entries are still coming, tips that are unknown may come to be
   * known; otherwise ranges are compared.
   */
  differed({ lacking, log }: Difference, isReceiving: boolean): void {
    if (!this.#answered("differ")) return;
    if (lacking !== undefined) this.#sendItems(lacking, log);
    else if (isReceiving) this.#step = "await";
    else this.compare();
  }

  #sendItems(items: readonly ID[], log: LogCursor): void {
    this.#step = "items";
    this.#items = items;
    this.#sent = 0;
    this.#position = log;
    this.#fetch();
  }

  #fetch(): void {
    if (this.#asked) return;
    if (this.#sent === this.#items.length) return this.#follow(this.#position);
    const room = this.#host.room();
    if (room === 0) return;
    this.#asked = true;
    const items = this.#items.slice(this.#sent, this.#sent + MAX_FETCHED);
    const maxBytes = Math.min(room, BLOCK_BYTES);
    this.#host.want({ do: "fetch", channel: this.#channel, items, maxBytes, wanted: false });
  }

  /** Answers `fetch`. */
  fetched({ block, taken }: Fetched): void {
    if (!this.#answered("items")) return;
    this.#sendBlock(block);
    this.#sent += taken;
    this.#fetch();
  }

  // --- by ranges -------------------------------------------------------------------------------

  /** Begins to compare ranges, answering `ranges` if the other side has told some. */
  compare(ranges?: readonly Range[]): void {
    if (this.#step === "ended") return;
    this.#heldRanges = ranges ?? this.#heldRanges;
    if (this.#step === "table") return;
    this.#step = "table";
    this.#host.want({ do: "table", channel: this.#channel });
  }

  /** Answers `table`. */
  tabled(table: Table): void {
    if (this.#step !== "table") return;
    this.#table = table;
    this.#step = "ranges";
    const held = this.#heldRanges;
    this.#heldRanges = undefined;
    if (held !== undefined) return this.ranges(held);
    this.#host.send({ type: "ranges", channel: this.#channel, ranges: firstWindows(table.table) });
  }

  /** Takes what the other side tells of its ranges. */
  ranges(told: readonly Range[]): void {
    if (this.#step !== "ranges" || this.#table === undefined) return this.compare(told);
    this.#rounds++;
    const { ranges, lacking } = answer(this.#table.table, told);
    for (const place of lacking) this.#lacking.add(place);
    if (told.length > 0) this.#host.send({ type: "ranges", channel: this.#channel, ranges });
    if (told.length === 0 || ranges.length === 0) this.#settled();
  }

  #settled(): void {
    const { idAt, log } = this.#table!;
    const places = [...this.#lacking].sort((a, b) => a - b);
    this.#table = undefined;
    this.#lacking.clear();
    this.#sendItems(places.map(idAt), log);
  }
}

/** IDs that are asked for at once. */
const MAX_FETCHED = 1024;
