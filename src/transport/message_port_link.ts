/**
 * A connection over one `MessagePort`. Messages between the two ends are
 *
 * ```text
 * Uint8Array   a piece of what is sent, at most MAX_MESSAGE_BYTES
 * number       so many bytes more were read
 * "open"       the other end takes the connection
 * "end"        nothing more is sent
 * "close"      the connection is over
 * ```
 *
 * A side that reads slowly is sent no more than {@link PORT_WINDOW_BYTES} ahead of what it has read.
 *
 * @module
 */

import { setInspection } from "#inspect";
import { Incoming } from "./incoming.ts";
import type { ByteStream, Link } from "./port.ts";
import { MAX_MESSAGE_BYTES, partsOf, requireRoom } from "./web_socket_link.ts";

/** Bytes that are sent ahead of what the other side has read; one piece more may be on its way. */
export const PORT_WINDOW_BYTES: number = 2 * 1024 * 1024;
/** Bytes that are read before the other side is told. */
const TELL_BYTES = PORT_WINDOW_BYTES / 4;

/** The part of a `MessagePort` that is used. Workers and their own scope have it as well. */
export interface MessagePortLike {
  /** Sends a message; what is transferred belongs to the other end from then on. */
  postMessage(message: unknown, transfer: object[]): void;
  /** Has something called for what comes. */
  addEventListener(type: string, listener: (event: object) => void): void;
  /** Ends that. */
  removeEventListener(type: string, listener: (event: object) => void): void;
  /** Begins to give what has come. */
  start?(): void;
  /** Ends it, for both sides. */
  close?(): void;
}

/** A connection over a port that nobody else uses. */
export class MessagePortLink implements Link {
  /** Resolves with true when the other end takes the connection, false when it is over before. */
  readonly opened: Promise<boolean>;
  readonly #port: MessagePortLike;
  readonly #incoming: Incoming = new Incoming();
  readonly #onEnd: (() => void) | undefined;
  readonly #stream: ByteStream;
  #resolveOpened!: (isOpen: boolean) => void;
  #queue: (Uint8Array | "end")[] = [];
  #queued = 0;
  #unread = 0;
  #read = 0;
  #isEnded = false;
  #isOver = false;
  #isWhole = false;
  #wake: () => void = () => {};

  /** A connection over a port; `onEnd` is told when it is over. */
  constructor(port: MessagePortLike, onEnd?: () => void) {
    this.#port = port;
    this.#onEnd = onEnd;
    this.#stream = this.#pieces();
    this.opened = new Promise((resolve) => this.#resolveOpened = resolve);
    port.addEventListener("message", (event) => this.#arrived(dataOf(event)));
    port.addEventListener("messageerror", () => this.close());
    // Where the platform tells that the other end is gone.
    port.addEventListener("close", () => this.close());
    port.start?.();
  }

  /** See {@link Link.buffered}: what the other side has not read yet. */
  get buffered(): number {
    return this.#queued + this.#unread;
  }

  /** See {@link Link.incoming}. */
  get incoming(): ByteStream {
    return this.#stream;
  }

  /** Whether the other side has said that nothing more comes; otherwise the end was a cut. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Takes the connection that the other side has opened. */
  open(): this {
    this.#post("open");
    return this;
  }

  /** See {@link Link.send}. */
  send(message: Uint8Array): void {
    if (this.#isOver || this.#isEnded) return;
    requireRoom(this.buffered);
    for (const part of partsOf(message)) {
      this.#queue.push(part);
      this.#queued += part.length;
    }
    this.#flush();
  }

  /** Resolves with true when everything that was sent has left, false when the connection is over. */
  async drained(): Promise<boolean> {
    while (this.#queue.length > 0 && !this.#isOver) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return !this.#isOver;
  }

  /** Sends nothing more; what the other side sends still comes. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#queue.push("end");
    this.#flush();
  }

  /** See {@link Link.close}. What has not left by then is lost. */
  close(): void {
    if (this.#isOver) return;
    // Not every platform tells the other end that a port was closed.
    this.#post("close");
    this.#isOver = true;
    this.#queue = [];
    this.#queued = 0;
    this.#port.close?.();
    this.#incoming.end();
    this.#resolveOpened(false);
    this.#wake();
    this.#onEnd?.();
  }

  #flush(): void {
    while (this.#queue.length > 0 && this.#unread < PORT_WINDOW_BYTES) {
      const next = this.#queue.shift()!;
      if (next === "end") this.#post(next);
      else this.#sendPart(next);
    }
    if (this.#queue.length === 0) this.#wake();
  }

  #sendPart(part: Uint8Array): void {
    this.#queued -= part.length;
    this.#unread += part.length;
    // A copy: what is part of a larger buffer would take all of that along.
    const copy = part.slice();
    this.#post(copy, [copy.buffer]);
  }

  #post(message: unknown, transfer: object[] = []): void {
    if (this.#isOver) return;
    this.#port.postMessage(message, transfer);
  }

  #arrived(data: unknown): void {
    if (this.#isOver) return;
    if (!this.#take(data)) this.close();
  }

  /** Whether a message is one that may come. */
  #take(data: unknown): boolean {
    if (data === "open") this.#resolveOpened(true);
    else if (data === "end") this.#endOfOther();
    else if (data === "close") this.close();
    else if (typeof data === "number") return this.#wasRead(data);
    else return isPiece(data) && !this.#isWhole && this.#incoming.push(data);
    return true;
  }

  #endOfOther(): void {
    this.#isWhole = true;
    this.#incoming.end();
  }

  #wasRead(length: number): boolean {
    if (!Number.isSafeInteger(length) || length < 1 || length > this.#unread) return false;
    this.#unread -= length;
    this.#flush();
    return true;
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void> {
    for await (const piece of this.#incoming.messages) {
      this.#read += piece.length;
      if (this.#read >= TELL_BYTES) {
        this.#post(this.#read);
        this.#read = 0;
      }
      yield piece;
    }
  }
}

/** What an event has brought. */
export function dataOf(event: object): unknown {
  return (event as { readonly data?: unknown }).data;
}

setInspection(MessagePortLink, "MessagePortLink");

/** Whether it is bytes that nobody changes any more: shared memory could be, while it is looked at. */
function isPiece(data: unknown): data is Uint8Array {
  if (!(data instanceof Uint8Array) || !(data.buffer instanceof ArrayBuffer)) return false;
  return data.length > 0 && data.length <= MAX_MESSAGE_BYTES;
}
