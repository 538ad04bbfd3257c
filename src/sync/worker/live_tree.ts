import type { ID } from "../../entry/id.ts";
import { unlessAborted } from "../../util/abort.ts";
import { SyncError } from "../../util/errors.ts";
import type { Notice } from "../native/actions.ts";
import type { NativeChannel } from "../native/native_channel.ts";
import type { NativeSession } from "../native/native_session.ts";
import type { Timers } from "./timers.ts";
import { minus, NOTHING, type TreeReport } from "./tree_sync.ts";

/** How long one side may leave the other waiting for the next step, in milliseconds. */
export const STALL_MS = 60_000;

/** One tree that is exchanged live with one peer. */
export class LiveTree {
  /** The channel. */
  readonly channel: NativeChannel;
  /** Its session. */
  readonly session: NativeSession;
  /** Whether this side has opened it. */
  readonly isOwn: boolean;
  #told = NOTHING;
  #untaken = 0;
  #notices = 0;
  /** Whether both sides have had everything once, so that what comes later comes live. */
  isSettled = false;

  /** A tree over a channel. */
  constructor(channel: NativeChannel, session: NativeSession, isOwn: boolean) {
    this.channel = channel;
    this.session = session;
    this.isOwn = isOwn;
  }

  /** Root of the tree. */
  get tree(): ID {
    return this.channel.tree;
  }

  /** Whether it goes on. */
  get isOpen(): boolean {
    return this.channel.failure === undefined && this.session.end === undefined;
  }

  /** Counts what the other side did not take. */
  noted(notice: Notice): void {
    this.#notices++;
    if (notice.do !== "reached") return;
    this.#untaken += notice.stored.failed + notice.stored.refused;
  }

  /** What has gone over since this was asked last. */
  report(): TreeReport {
    const { received, verified, sent, bytes, rounds, refused } = this.channel.counts;
    const now = { received, verified, sent, bytes, rounds, refused, untaken: this.#untaken };
    const before = this.#told;
    this.#told = now;
    return minus(now, before);
  }

  /**
   * Resolves when both sides have everything; rejects when the channel ends, nothing happens for {@link STALL_MS}, or
   * `signal` is aborted.
   */
  async settled(timers: Timers, signal: AbortSignal): Promise<void> {
    const stalled = new AbortController();
    let cancel = () => {};
    const watch = (before: number) => {
      cancel = timers.after(STALL_MS, () => {
        if (this.#notices === before) stalled.abort(stall());
        else watch(this.#notices);
      }, true);
    };
    watch(this.#notices);
    try {
      const ends = AbortSignal.any([signal, stalled.signal]);
      await unlessAborted(ends, () => this.channel.settled());
    } finally {
      cancel();
    }
  }
}

function stall(): SyncError {
  const message = `Cannot bring a database in step: nothing was heard of it for ${STALL_MS} ms`;
  return new SyncError("Network", message);
}

/** The error of a session that has ended, as failures of the network are: another attempt may mend it. */
export function sessionLost(session: NativeSession): SyncError {
  const { code = "Network", message = "it was given up", retryMs = 0 } = session.end ?? {};
  const fields = { reason: code, retryMs };
  return new SyncError(
    "Network",
    `Cannot go on live: the session with the peer has ended: ${message}`,
    { fields },
  );
}
