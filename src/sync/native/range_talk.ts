import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { FoundTable } from "./actions.ts";
import { Comparison } from "./comparison.ts";
import type { FlowHost } from "./outflow.ts";
import type { Range } from "./range_codec.ts";

/** What was found out by comparing. */
export interface Lacking {
  /** Positions in the own log of what the other side lacks, parents first. */
  readonly lacking: Uint32Array;
  /** The end of the log when the table was made. */
  readonly log: LogCursor;
}

/** Compares the ranges of one channel: asks for the table, begins or answers, and keeps to the budget of the session. */
export class RangeTalk {
  readonly #channel: number;
  readonly #host: Pick<FlowHost, "ask" | "send" | "budget" | "refuse">;
  #state: "asked" | Comparison | undefined;
  /** Gives back the room that this takes in the budget. */
  #giveBack: () => void = () => {};
  #told: readonly Range[] | undefined;
  #rounds = 0;

  /** Nothing was told yet. */
  constructor(channel: number, host: Pick<FlowHost, "ask" | "send" | "budget" | "refuse">) {
    this.#channel = channel;
    this.#host = host;
  }

  /** How many messages were taken. */
  get rounds(): number {
    return this.#rounds;
  }

  /** Takes what the other side tells; {@link goOn} answers it. */
  take(told: readonly Range[]): void {
    this.#rounds++;
    this.#told = told;
  }

  /** Begins, or answers what was told, as soon as that can be done. */
  goOn(): void {
    if (this.#state === undefined) this.#begin();
    else if (this.#state !== "asked" && this.#told !== undefined) this.#askForTable(true);
  }

  /** So many channels at a time compare: this side waits with its own, and the other has to come again. */
  #begin(): void {
    if (this.#hasRoom()) {
      this.#state = "asked";
      this.#askForTable(false);
    } else if (this.#told !== undefined) {
      this.#host.refuse(this.#channel, "Busy", "too many databases are compared at a time");
    }
  }

  /** What either side has begun takes none of the other's room: otherwise both could refuse each other everything. */
  #hasRoom(): boolean {
    const { budget } = this.#host;
    const isReply = this.#told !== undefined;
    this.#giveBack = () => isReply ? budget.replied() : budget.compared();
    return isReply ? budget.reply() : budget.compare();
  }

  #askForTable(isHeld: boolean): void {
    this.#host.ask({ do: "table", channel: this.#channel, isHeld });
  }

  /** Ends comparing. */
  end(): void {
    if (this.#state !== undefined) this.#giveBack();
    this.#state = undefined;
  }

  /**
   * Takes the table, or none when it is held already: sends what is to be said next. Gives what the other side lacks
   * once that is known, and `nothing` when there is no table.
   */
  tabled({ table, isHeld }: FoundTable): Lacking | "nothing" | undefined {
    if (this.#state === undefined) return undefined;
    if (this.#state !== "asked") return this.#answer(this.#state);
    // It was asked about a comparison that has ended since.
    if (isHeld) return undefined;
    if (table === undefined) return "nothing";
    this.#state = new Comparison(table);
    if (this.#told !== undefined) return this.#answer(this.#state);
    this.#send(this.#state.first());
    return undefined;
  }

  #answer(comparison: Comparison): Lacking | undefined {
    const told = this.#told;
    if (told === undefined) return undefined;
    this.#told = undefined;
    const { ranges, lacking } = comparison.told(told);
    if (ranges !== undefined) this.#send(ranges);
    return lacking === undefined ? undefined : { lacking, log: comparison.log };
  }

  #send(ranges: readonly Range[]): void {
    this.#host.send({ type: "ranges", channel: this.#channel, ranges });
  }
}
