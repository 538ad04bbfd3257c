/**
 * One session of the native protocol between two instances, without I/O: bytes and answers in, actions out.
 *
 * ```text
 * client                          server
 * HELLO                      →
 *                            ←    HELLO, PROOF
 * PROOF, OPEN …              →
 *                            ←    STATE …, ENTRIES …, MARK …          then both, as long as they like
 * ```
 *
 * @module
 */

import type { ID } from "../../entry/id.ts";
import { EideticaError, SyncError } from "../../util/errors.ts";
import type { Action, Answer } from "./actions.ts";
import { Channels, type OpenRequest } from "./channels.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { type Frame, FrameSplitter } from "./frames.ts";
import { Handshake, type Identity } from "./handshake.ts";
import { LifeSigns } from "./life_signs.ts";
import {
  LARGEST_ENTRY_FRAME,
  MESSAGE_BYTES,
  SESSION_LIMITS,
  type SessionLimits,
} from "./limits.ts";
import type { Access, Close, Message } from "./messages.ts";
import { malformed } from "./varint.ts";

/** What a session begins with. */
export interface SessionOptions extends Identity {
  /** The present time in milliseconds. */
  readonly now: number;
  /** Limits other than the usual ones. */
  readonly limits?: Partial<SessionLimits> | undefined;
}

/** Type of the frames that may hold one entry that is larger than frames may be. */
const ENTRIES_TYPE = 0x07;

/** One session. Every method gives the actions that follow from it. */
export class Session {
  readonly #limits: SessionLimits;
  readonly #handshake: Handshake;
  readonly #splitter: FrameSplitter;
  readonly #life: LifeSigns;
  readonly #role: Identity["role"];
  /** Frames that have come, and how many of them were read. */
  #frames: Frame[] = [];
  #read = 0;
  #actions: Action[] = [];
  #channels: Channels | undefined;
  #isAdmitted = false;
  #received = { bytes: 0, frames: 0 };
  #isClosed = false;

  /** A session that has not begun. */
  constructor(options: SessionOptions) {
    this.#limits = { ...SESSION_LIMITS, ...options.limits };
    this.#role = options.role;
    this.#handshake = new Handshake(options, this.#limits, options.now);
    const messageBytes = Math.min(this.#limits.frameBytes, MESSAGE_BYTES);
    this.#splitter = new FrameSplitter((type) =>
      type === ENTRIES_TYPE && this.#isAdmitted ? LARGEST_ENTRY_FRAME : messageBytes
    );
    this.#life = new LifeSigns(this.#limits.pingMs, this.#limits.silentMs, options.now);
  }

  /** Whether both sides have proved their keys, and the session goes on. */
  get isEstablished(): boolean {
    return this.#isAdmitted && !this.#isClosed;
  }

  /** Whether it has ended. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The channels, once the session is established. */
  get channels(): Channels | undefined {
    return this.#channels;
  }

  /** Begins: the client speaks first. */
  start(): Action[] {
    return this.#do(() => this.#handshake.start().forEach((message) => this.#send(message)));
  }

  /** Takes bytes, cut anywhere. They must not be changed afterwards. */
  receive(bytes: Uint8Array, now: number): Action[] {
    if (this.#isClosed) return [];
    this.#life.heard(now);
    return this.#do(() => {
      for (let at = 0; at < bytes.length && !this.#isClosed;) {
        const size = this.#handshake.isDone ? bytes.length : this.#limits.bytesBeforeProof;
        this.#frames = this.#frames.concat(this.#splitter.push(bytes.subarray(at, at + size)));
        at += size;
        this.#readOn();
      }
    });
  }

  /** Called from time to time: signs of life, and limits of time. */
  tick(now: number): Action[] {
    return this.#do(() => {
      const isLate = !this.#handshake.isDone && now - this.#handshake.began > this.#limits.proofMs;
      if (isLate) return this.#end("TooSlow", "the key was not proved in time");
      this.#channels?.tick();
      const sign = this.#life.tick(now);
      if (sign === "gone") this.#end("Silent", "nothing was heard for too long");
      else if (sign === "ping" && this.isEstablished) {
        this.#send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      }
    });
  }

  // --- what the owner does ---------------------------------------------------------------------

  /** The other side is let in; whether it is a registered peer. Answers `established`. */
  admitted(isKnown: boolean): Action[] {
    return this.#do(() => {
      this.#isAdmitted = true;
      if (isKnown) this.#channels!.trust();
      this.#readOn();
    });
  }

  /** Opens a channel of an established session; its number, and what follows. */
  open(request: OpenRequest): { readonly channel: number; readonly actions: Action[] } {
    let channel = -1;
    const actions = this.#do(() => channel = this.#channels!.open(request));
    return { channel, actions };
  }

  /** What another key signs to vouch for reading a tree in this session. */
  openTranscript(tree: ID): Uint8Array {
    return this.#handshake.openTranscript(tree.bytes);
  }

  /** The own log of a tree has grown; `isUrgent` when the other side shall have it now. */
  grew(tree: ID, isUrgent = false): Action[] {
    return this.#do(() => this.#channels?.grew(tree, isUrgent));
  }

  /** Refuses a channel, or ends it. */
  deny(channel: number, code: string, message: string, retryMs = 0): Action[] {
    return this.#do(() => this.#channels!.deny(channel, code, message, retryMs));
  }

  /** Asks for access, or says what has become of that. */
  tell(access: Omit<Access, "type">): Action[] {
    return this.#do(() => this.#send({ type: "access", ...access }));
  }

  /** Ends the session. */
  close(code: string, message: string, retryMs = 0): Action[] {
    return this.#do(() => this.#end(code, message, retryMs));
  }

  /** Takes the answer to a question. */
  answer(channel: number, answer: Answer): Action[] {
    // The channel may have ended while the answer was looked for.
    return this.#do(() => this.#channels?.answer(channel, answer));
  }

  // --- messages --------------------------------------------------------------------------------

  /** Reads frames, until somebody has to decide whether the other side is let in. */
  #readOn(): void {
    while (this.#read < this.#frames.length && !this.#isClosed) {
      if (this.#handshake.isDone && !this.#isAdmitted) return;
      this.#take(this.#frames[this.#read++]!);
    }
    [this.#frames, this.#read] = [[], 0];
    if (!this.#handshake.isDone) this.#requireModest(this.#splitter.waiting);
  }

  #take(frame: Frame): void {
    if (!this.#handshake.isDone) {
      this.#received.frames++;
      this.#received.bytes += frame.payload.length + 2;
      this.#requireModest(0);
    }
    const message = decodeMessage(frame, this.#limits.frameBytes);
    if (message === undefined) return;
    if (message.type === "close") return this.#closed(message, true);
    if (this.#handshake.isDone) this.#receive(message);
    else this.#shake(message, frame.payload);
  }

  #requireModest(waiting: number): void {
    const { bytes, frames } = this.#received;
    const { bytesBeforeProof, framesBeforeProof } = this.#limits;
    if (bytes + waiting <= bytesBeforeProof && frames <= framesBeforeProof) return;
    throw new SyncError("TooMuch", "too much was sent before the key was proved");
  }

  #shake(message: Message, payload: Uint8Array): void {
    for (const reply of this.#handshake.receive(message, payload)) this.#send(reply);
    const { isDone, peer, began } = this.#handshake;
    if (!isDone || peer === undefined) return;
    this.#channels = new Channels(this.#role, peer, this.#limits, {
      want: (action) => void this.#actions.push(action),
      send: (it) => this.#send(it),
    });
    const { key, features, time } = peer;
    this.#actions.push({ do: "established", key, features, skewMs: time - began });
  }

  #receive(message: Exclude<Message, Close>): void {
    switch (message.type) {
      case "hello":
      case "proof":
        throw malformed("the keys were proved already");
      case "ping":
        return message.isAnswer ? undefined : this.#send({ ...message, isAnswer: true });
      default:
        return this.#channels!.receive(message);
    }
  }

  #send(message: Message): void {
    if (!this.#isClosed) this.#actions.push({ do: "send", bytes: encodeMessage(message) });
  }

  #do(work: () => unknown): Action[] {
    if (this.#isClosed) return [];
    try {
      work();
    } catch (error) {
      if (!(error instanceof EideticaError)) throw error;
      this.#end(error.code, error.message, Number(error.fields.retryMs ?? 0));
    }
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #end(code: string, message: string, retryMs = 0): void {
    if (this.#isClosed) return;
    this.#send({ type: "close", code, message: message.slice(0, 200), retryMs });
    this.#closed({ code, message, retryMs }, false);
  }

  #closed({ code, message, retryMs }: Omit<Close, "type">, isByOther: boolean): void {
    this.#isClosed = true;
    this.#channels?.end();
    this.#frames = [];
    this.#actions.push({ do: "closed", isByOther, code, message, retryMs });
  }
}
