import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { StoreReport } from "./actions.ts";
import type { FlowHost } from "./outflow.ts";
import type { Entries } from "./messages.ts";

/** Most times that entries which others wait for are asked for by their IDs. */
const MAX_WANTS = 24;
/** Most IDs that are asked for at once. */
const MAX_WANTED = 1024;

/**
 * Takes what the other side of a channel sends. Blocks are stored one after the other; the place in the other's log
 * that a mark names is kept when everything before it is durable here, and nothing of it was refused.
 */
export class Inflow {
  readonly #channel: number;
  readonly #host: FlowHost;
  /** Blocks and marks that wait for their turn. */
  readonly #queue: (Entries | LogCursor)[] = [];
  /** Bytes of the blocks of the queue, each granted again when it is stored. */
  readonly #sizes: number[] = [];
  #isStoring = false;
  #refused = false;
  #hasMark = false;
  #wants = 0;

  /** A flow on a channel that has not begun. */
  constructor(channel: number, host: FlowHost) {
    this.#channel = channel;
    this.#host = host;
  }

  /** Whether everything came that the other side had when it began. */
  get isComplete(): boolean {
    return this.#hasMark && !this.#isStoring && this.#queue.length === 0;
  }

  /** Takes a block of so many bytes. */
  entries(block: Entries, size: number): void {
    this.#queue.push(block);
    this.#sizes.push(size);
    this.#next();
  }

  /** Takes a mark. */
  mark(cursor: LogCursor): void {
    this.#queue.push(cursor);
    this.#next();
  }

  #next(): void {
    while (!this.#isStoring && this.#queue.length > 0) {
      const item = this.#queue.shift()!;
      if ("type" in item) {
        this.#isStoring = true;
        this.#host.want({ do: "store", channel: this.#channel, entries: item });
      } else this.#reached(item);
    }
  }

  #reached(cursor: LogCursor): void {
    this.#hasMark = true;
    if (this.#refused) return;
    this.#host.want({ do: "keep", channel: this.#channel, cursor });
    const none = { verified: 0, waiting: 0, failed: 0, refused: 0, code: "" };
    this.#host.send({ type: "stored", channel: this.#channel, cursor, ...none });
  }

  /** Answers `store`: the bytes that may be sent again, now that these are durable. */
  stored(report: StoreReport): number {
    this.#isStoring = false;
    const { verified, waiting, failed, refused, code, missing } = report;
    this.#refused ||= refused > 0;
    if (refused > 0) {
      const counts = { verified, waiting, failed, refused, code };
      this.#host.send({ type: "stored", channel: this.#channel, cursor: undefined, ...counts });
    }
    this.#askFor(missing);
    const size = this.#sizes.shift() ?? 0;
    this.#next();
    return size;
  }

  /** Parents that nobody has sent are asked for, once the other side has nothing more on its way. */
  #askFor(missing: readonly ID[]): void {
    if (missing.length === 0 || this.#queue.length > 0 || this.#wants >= MAX_WANTS) return;
    this.#wants++;
    this.#host.send({ type: "want", channel: this.#channel, ids: missing.slice(0, MAX_WANTED) });
  }
}
