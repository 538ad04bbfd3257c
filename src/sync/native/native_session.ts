/**
 * Runs a session of the native protocol over a link: what the protocol wants is done by the instance, what it sends
 * goes out, and what comes in is read no faster than it is dealt with.
 *
 * @module
 */

import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Link } from "../../transport/port.ts";
import { SyncError } from "../../util/errors.ts";
import type { Action, Notice, Question } from "./actions.ts";
import { provingKey } from "./host/native_host.ts";
import { FEATURES } from "./messages.ts";
import type { FollowTreeOptions, NativeChannel } from "./native_channel.ts";
import { together } from "./outgoing.ts";
import type { Established, SessionEnd, SessionRun } from "./session_run.ts";
import { reasonOf, ServedTrees } from "./served_trees.ts";
import { Session } from "./session.ts";

/** Milliseconds between two looks at the clock. */
export const TICK_MS = 5000;
/** Questions that may be open while more is read. */
const OPEN_QUESTIONS = 16;
/** Bytes that are read at once: what they ask for is dealt with before more is. */
const READ_AT_ONCE = 32 * 1024;

export type { Established, SessionEnd, SessionRun } from "./session_run.ts";

/** Begins a session over a link. */
export function runSession(link: Link, run: SessionRun): NativeSession {
  return new NativeSession(link, run);
}

/** A session that is under way. */
export class NativeSession {
  /** Resolves when both sides have proved their keys; rejects when the session ends before. */
  readonly established: Promise<Established>;
  /** Resolves when the session has ended, whatever the reason. */
  readonly closed: Promise<SessionEnd>;
  readonly #link: Link;
  readonly #run: SessionRun;
  readonly #session: Session;
  readonly #trees: ServedTrees;
  readonly #abort = new AbortController();
  #cancelTick: () => void = () => {};
  #leave: () => void = () => {};
  #peer: PublicKey | undefined;
  #open = 0;
  #isAdmitting = false;
  #waiting: (() => void)[] = [];
  #resolveEstablished!: (it: Established) => void;
  #rejectEstablished!: (error: Error) => void;
  #resolveClosed!: (end: SessionEnd) => void;
  #end: SessionEnd | undefined;

  /** Use {@link runSession}. */
  constructor(link: Link, run: SessionRun) {
    this.#link = link;
    this.#run = run;
    this.established = new Promise((resolve, reject) => {
      [this.#resolveEstablished, this.#rejectEstablished] = [resolve, reject];
    });
    this.established.catch(() => {});
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.#session = new Session(this.#identity());
    const perform = (actions: readonly Action[]) => this.#do(actions);
    this.#trees = new ServedTrees(run.host, this.#session, perform, run.onServed);
    run.signal?.addEventListener("abort", this.#stop, { once: true });
    this.#begin();
  }

  #begin(): void {
    const { host, remote, signal } = this.#run;
    try {
      this.#leave = host.enter(this, this.#isServer, remote);
    } catch (error) {
      return this.#do(this.#session.close(...reasonOf(error)));
    }
    if (signal?.aborted === true) return this.#stop();
    this.#do(this.#session.start());
    this.#tick();
    void this.#read();
  }

  get #isServer(): boolean {
    return this.#run.role === "server";
  }

  #identity() {
    const { host, role, binding, wanted, deflates = false, pushes = true, limits } = this.#run;
    const device = host.serving.host.deviceKey();
    const { random } = host.serving.host.host;
    return {
      role,
      binding,
      limits,
      wantedKey: wanted?.bytes,
      key: device.publicKey.bytes,
      nonce: random.bytes(16),
      features: (deflates ? FEATURES.deflate : 0) | (pushes ? FEATURES.push : 0),
      now: this.#now(),
      sign: (bytes: Uint8Array) => device.sign(bytes),
      verify: (key: Uint8Array, bytes: Uint8Array, signature: Uint8Array) =>
        provingKey(key).verify(bytes, signature),
    };
  }

  #now(): number {
    return this.#run.host.serving.host.host.clock.nowMillis();
  }

  /** How the session has ended; undefined while it goes on. */
  get end(): SessionEnd | undefined {
    return this.#end;
  }

  /** Keeps a tree in step with the other side, from when both have proved their keys. */
  follow(tree: ID, options: FollowTreeOptions = {}): NativeChannel {
    return this.#trees.follow(tree, options, this.established);
  }

  /** Ends the session; resolves when everything that came is dealt with. */
  async close(code = "Closed", message = "the session is over", retryMs = 0): Promise<void> {
    this.#do(this.#session.close(code, message, retryMs));
    await this.closed;
  }

  readonly #stop = (): void => this.#do(this.#session.close("Aborted", "the session was given up"));

  #tick(): void {
    this.#cancelTick = this.#run.host.timers.after(TICK_MS, () => {
      this.#do(this.#session.tick(this.#now()));
      if (!this.#session.isClosed) this.#tick();
    });
  }

  /** Reads what comes. While much is to be done nothing is read, so that whoever sends too fast waits. */
  async #read(): Promise<void> {
    try {
      for await (const bytes of this.#link.incoming) {
        for (let at = 0; at < bytes.length && !this.#session.isClosed; at += READ_AT_ONCE) {
          this.#do(this.#session.receive(bytes.subarray(at, at + READ_AT_ONCE), this.#now()));
          while (this.#open >= OPEN_QUESTIONS || this.#isAdmitting) await this.#answered();
        }
        if (this.#session.isClosed) break;
      }
      this.#cut("the connection has ended");
    } catch (error) {
      this.#cut(error instanceof Error ? error.message : String(error));
    }
  }

  /** Waits until a question is answered. */
  #answered(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #closeQuestion(): void {
    this.#open--;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  /** There is no use in saying anything any more. */
  #cut(message: string): void {
    if (this.#session.isClosed) return;
    this.#session.close("Network", message);
    this.#closed({ isByOther: false, code: "Network", message, retryMs: 0 });
  }

  // --- doing -----------------------------------------------------------------------------------

  #do(actions: readonly Action[]): void {
    this.#send(actions);
    for (const action of actions) {
      if (action.do === "send") continue;
      if (isQuestion(action)) void this.#ask(action);
      else this.#note(action);
    }
  }

  #send(actions: readonly Action[]): void {
    const parts = actions.flatMap((action) => action.do === "send" ? [action.bytes] : []);
    if (this.#end !== undefined) return;
    try {
      for (const message of together(parts)) this.#link.send(message);
    } catch (error) {
      this.#cut(error instanceof Error ? error.message : String(error));
    }
  }

  async #ask(question: Question): Promise<void> {
    await this.#during(() => this.#trees.answer(question, this.#abort.signal));
  }

  async #during(work: () => Promise<void>): Promise<void> {
    this.#open++;
    try {
      await work();
    } catch (error) {
      this.#cut(error instanceof Error ? error.message : String(error));
    }
    this.#closeQuestion();
  }

  #note(notice: Notice): void {
    const tree = "channel" in notice ? this.#trees.treeOf(notice.channel) : undefined;
    if (notice.do === "established") void this.#admit(notice);
    else if (notice.do === "closed") this.#closed(notice);
    else if (notice.do === "access") void this.#during(() => this.#trees.access(notice.message));
    else this.#trees.noted(notice);
    this.#run.onNotice?.(notice, tree);
  }

  async #admit({ key, features, skewMs }: Extract<Notice, { do: "established" }>): Promise<void> {
    this.#open++;
    this.#isAdmitting = true;
    try {
      const peer = provingKey(key);
      this.#peer = peer;
      const isKnown = await this.#run.host.admit(peer);
      const deflates = this.#run.deflates === true && (features & FEATURES.deflate) !== 0;
      const meter = this.#isServer ? this.#run.host.meter(peer, this.#run.remote) : undefined;
      this.#trees.begin({ peer, isKnown, deflates, meter });
      this.#do(this.#session.admitted(isKnown));
      this.#resolveEstablished({ peer, isKnown, skewMs });
    } catch (error) {
      this.#do(this.#session.close(...reasonOf(error)));
    } finally {
      this.#isAdmitting = false;
      this.#closeQuestion();
    }
  }

  #closed({ isByOther, code, message, retryMs }: SessionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = { isByOther, code, message, retryMs };
    this.#cancelTick();
    this.#leave();
    if (code === "TooManyInvalid" && !isByOther && this.#peer !== undefined) {
      this.#run.host.admissions.ban(this.#peer, retryMs);
    }
    this.#run.signal?.removeEventListener("abort", this.#stop);
    const error = new SyncError(code, `The session has ended: ${message}`, { fields: { retryMs } });
    this.#abort.abort(error);
    this.#rejectEstablished(error);
    this.#trees.end(error);
    void this.#settle().then(() => this.#resolveClosed(this.#end!));
    this.#link.close(code === "Closed" ? 1000 : 4000, code);
  }

  /** Waits for what is under way, and notes what is to be kept. */
  async #settle(): Promise<void> {
    while (this.#open > 0) await this.#answered();
    await this.#run.host.cursors.flush();
  }
}

function isQuestion(action: Action): action is Question {
  return QUESTIONS.has(action.do);
}

const QUESTIONS: ReadonlySet<string> = new Set<Question["do"]>(
  ["judge", "page", "differ", "table", "fetch", "store", "lack", "stand"],
);
