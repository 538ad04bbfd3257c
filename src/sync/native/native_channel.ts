import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { Permission } from "../../auth/permission.ts";
import { SyncError } from "../../util/errors.ts";
import type { Notice } from "./actions.ts";

/** How a tree is followed in a session. */
export interface FollowTreeOptions {
  /** Whether what is committed later is exchanged at once, until the channel is closed; true unless told. */
  readonly live?: boolean | undefined;
  /** Keys besides the device's own that may read the tree. */
  readonly keys?: readonly PrivateKey[] | undefined;
  /** Asks for access if there is none: a name for the first of the keys, and what it wants to do. */
  readonly access?: { readonly name: string; readonly permission: Permission } | undefined;
}

/** What has gone over a channel. */
export interface ChannelCounts {
  /** Entries that came. */
  readonly received: number;
  /** Entries that were sent. */
  readonly sent: number;
  /** Entries that became Verified here. */
  readonly verified: number;
  /** Entries of the other side that were refused here. */
  readonly refused: number;
  /** Bytes of entries in both directions, as they were on the wire. */
  readonly bytes: number;
  /** Messages in which ranges were compared. */
  readonly rounds: number;
  /** Rows of the other side's log that are still to come. */
  readonly left: number;
}

/** What a channel asks of its session. */
export interface ChannelControl {
  /** The end of the own log. */
  end(): Promise<LogCursor | undefined>;
  /** Sends what the own log has more than was sent. */
  push(): void;
  /** Ends the channel. */
  leave(): void;
}

interface Waiter {
  readonly isDone: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** One tree in a session, as whoever follows it sees it. */
export class NativeChannel {
  /** Root of the tree. */
  readonly tree: ID;
  /** Resolves when the tree may be read; rejects when that is refused, or the session ends before. */
  readonly opened: Promise<void>;
  readonly #control: ChannelControl;
  readonly #waiters = new Set<Waiter>();
  #counts: ChannelCounts = NOTHING;
  #mayRead = false;
  #isComplete = false;
  #begun: LogCursor | undefined;
  #reached: LogCursor | undefined;
  #failure: Error | undefined;

  /** A channel that is about to be opened. */
  constructor(tree: ID, control: ChannelControl) {
    this.tree = tree;
    this.#control = control;
    this.opened = this.#wait(() => this.#mayRead);
    // Whoever follows may not ask.
    this.opened.catch(() => {});
  }

  /** What has gone over so far. */
  get counts(): ChannelCounts {
    return this.#counts;
  }

  /** Up to where the other side has the own log. */
  get reached(): LogCursor | undefined {
    return this.#reached;
  }

  /** Why the channel has ended; undefined while it is open. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Resolves when everything that the other side had when the channel was opened is durable here, and everything that
   * this side has now is durable there; rejects when the channel ends before.
   */
  async settled(): Promise<void> {
    await this.#wait(() => this.#isComplete);
    const end = await this.#control.end();
    if (end === undefined) return;
    this.#control.push();
    await this.#wait(() => this.#reached !== undefined && this.#reached.position >= end.position);
  }

  /** Ends it; what was exchanged stays. */
  close(): void {
    if (this.#failure !== undefined) return;
    this.#control.leave();
    this.fail(new SyncError("Closed", "The channel was closed"));
  }

  /** Notes how the other side, which has opened the channel, stands. */
  served(isComplete: boolean, reached: LogCursor | undefined): void {
    this.#mayRead = true;
    this.#isComplete ||= isComplete;
    this.#reached ??= reached;
    this.#look();
  }

  /** Notes where the own log ended when the channel was opened. */
  begun(log: LogCursor | undefined): void {
    this.#begun = log;
  }

  /** Notes what the session tells of the channel. */
  noted(notice: Notice): void {
    if (notice.do === "opened") this.#opened(notice.state);
    if (notice.do === "keep") this.#kept(notice.left);
    if (notice.do === "reached") this.#reached = notice.stored.cursor ?? this.#reached;
    if (notice.do === "denied") {
      return this.fail(denied(notice));
    }
    this.#look();
  }

  #opened({ mayRead, isSame, tips }: Extract<Notice, { do: "opened" }>["state"]): void {
    this.#mayRead = mayRead;
    this.#isComplete ||= mayRead && tips.length === 0;
    if (isSame) this.#reached = this.#begun;
  }

  #kept(left: number): void {
    this.#counts = { ...this.#counts, left };
    this.#isComplete ||= left === 0;
  }

  /** Counts what has gone over. */
  count(more: Partial<ChannelCounts>): void {
    const sum = { ...this.#counts };
    for (const [name, value] of Object.entries(more)) sum[name as keyof ChannelCounts] += value;
    this.#counts = sum;
  }

  /** Ends it for a reason; all who wait are told. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiters) reject(this.#failure);
    this.#waiters.clear();
  }

  #wait(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiters.add({ isDone, resolve, reject }));
  }

  #look(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isDone()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}

function denied({ code, message, retryMs }: Extract<Notice, { do: "denied" }>): SyncError {
  const fields = { retryMs };
  return new SyncError(code, `The other side has refused the database: ${message}`, { fields });
}

const NOTHING: ChannelCounts = Object.freeze({
  received: 0,
  sent: 0,
  verified: 0,
  refused: 0,
  bytes: 0,
  rounds: 0,
  left: 0,
});
