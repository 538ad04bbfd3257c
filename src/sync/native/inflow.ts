import type { ID } from "../../entry/id.ts";
import type { Notice, StoreReport } from "./actions.ts";
import { costOf } from "./credit.ts";
import type { FlowHost } from "./outflow.ts";
import { INFLATED_BYTES, STORED_AT_ONCE } from "./limits.ts";
import { type Entries, type Mark, MAX_ENTRIES } from "./messages.ts";

/** Most IDs that are asked for in one message, and on one channel until nothing is missing. */
const [ASKED_AT_ONCE, ASKED_IN_ALL] = [1024, 4096];

type Counts = Omit<StoreReport, "missing" | "invalid" | "again">;

const NONE: Counts = Object.freeze({ verified: 0, waiting: 0, failed: 0, refused: 0, code: "" });

/** What a flow tells, besides what it asks. */
export interface InflowHost extends FlowHost {
  /** Tells the owner of the session. */
  tell(notice: Notice): void;
}

/**
 * Takes what the other side of a channel sends. Blocks are stored one after the other, those that have come meanwhile
 * together; the place in the other's log that a mark names is kept when everything before it is durable here, nothing
 * is missing, and nothing was refused that had better come again.
 */
export class Inflow {
  readonly #channel: number;
  readonly #host: InflowHost;
  /** Blocks that wait for their turn. */
  #blocks: Entries[] = [];
  /** The last mark that came; it is reached when the blocks are durable that came before it, and perhaps some more. */
  #mark: Mark | undefined;
  /** Bytes that wait, or are being stored. */
  #bytes = 0;
  /** Bytes of those that are being stored; undefined when none are. */
  #storing: number | undefined;
  /** The mark that is reached then, or that cannot be kept while something is missing. */
  #held: Mark | undefined;
  #counts: Counts = NONE;
  #hasRefused = false;
  #isMarked = false;
  /** IDs that entries wait for and that were asked for. */
  readonly #asked = new Set<string>();
  #isMissing = false;

  /** A flow on a channel that has not begun. */
  constructor(channel: number, host: InflowHost) {
    this.#channel = channel;
    this.#host = host;
  }

  /** Whether everything has come that the other side had when it began. */
  get isComplete(): boolean {
    return this.#isMarked && this.#storing === undefined && this.#blocks.length === 0;
  }

  /** The other side had nothing that is not here; `log` is the end of its log, if that is news. */
  complete(log: Mark["cursor"] | undefined): void {
    this.#isMarked = true;
    if (log === undefined) return;
    this.#host.tell({ do: "keep", channel: this.#channel, cursor: log, left: 0 });
  }

  /** Bytes that were not granted again. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a block or a mark. */
  take(message: Entries | Mark): void {
    if (message.type === "mark") {
      this.#mark = message;
      this.#isMarked ||= message.left === 0;
    } else {
      this.#blocks.push(message);
      this.#bytes += costOf(message);
    }
    this.#next();
  }

  #next(): void {
    if (this.#storing !== undefined) return;
    const blocks = this.#blocks.splice(0, fitting(this.#blocks));
    if (this.#blocks.length === 0) this.#hold();
    if (blocks.length === 0) return this.#reach();
    this.#storing = blocks.reduce((sum, block) => sum + costOf(block), 0);
    this.#host.ask({ do: "store", channel: this.#channel, blocks });
  }

  /** Everything that has come is being stored: so the last mark is reached by that. */
  #hold(): void {
    this.#held = this.#mark ?? this.#held;
    this.#mark = undefined;
  }

  #reach(): void {
    if (this.#held === undefined || this.#hasRefused || this.#isMissing) return;
    this.#keep(this.#held);
  }

  #keep({ cursor, left }: Mark): void {
    this.#held = undefined;
    this.#host.tell({ do: "keep", channel: this.#channel, cursor, left });
    this.#report(cursor);
  }

  #report(cursor: Mark["cursor"] | undefined): void {
    this.#host.send({ type: "stored", channel: this.#channel, cursor, ...this.#counts });
    this.#counts = NONE;
  }

  /** Answers `store`: the bytes that may be sent again, now that these are durable. */
  stored(report: StoreReport): number {
    const size = this.#storing ?? 0;
    this.#storing = undefined;
    this.#bytes -= size;
    this.#count(report);
    this.#hasRefused ||= report.again > 0;
    this.#isMissing = report.missing.length > 0;
    // No mark is reached by this, but it is told of all the same.
    if (report.refused > 0 || this.#hasRefused || this.#isMissing) this.#report(undefined);
    this.#askFor(report.missing);
    this.#reach();
    this.#next();
    return size;
  }

  #count({ verified, waiting, failed, refused, code }: StoreReport): void {
    const sum = this.#counts;
    this.#counts = {
      verified: sum.verified + verified,
      waiting,
      failed: sum.failed + failed,
      refused: sum.refused + refused,
      code: sum.code === "" ? code : sum.code,
    };
  }

  /** Parents that nobody has sent are asked for, once the other side has nothing more on its way. */
  #askFor(missing: readonly ID[]): void {
    if (missing.length === 0) this.#asked.clear();
    if (this.#blocks.length > 0) return;
    const room = Math.min(ASKED_AT_ONCE, ASKED_IN_ALL - this.#asked.size);
    const ids = missing.filter((id) => !this.#asked.has(`${id}`)).slice(0, room);
    if (ids.length === 0) return;
    for (const id of ids) this.#asked.add(`${id}`);
    this.#host.send({ type: "want", channel: this.#channel, ids });
  }
}

/** How many of the first blocks are not too much to be stored at once; at least one, if there is any. */
function fitting(blocks: readonly Entries[]): number {
  let [bytes, entries] = [0, 0];
  const end = blocks.findIndex(({ deflated, body, count }, at) => {
    bytes += deflated ? INFLATED_BYTES : body.length;
    entries += count;
    return at > 0 && (bytes > STORED_AT_ONCE || entries > MAX_ENTRIES);
  });
  return end < 0 ? blocks.length : end;
}
