/**
 * The native protocol over WebSockets: one message carries at most {@link MAX_MESSAGE_BYTES} of the stream of frames,
 * wherever that cuts it, so that nobody has to hold more for somebody who has not proved anything.
 *
 * @module
 */

import { SyncError } from "../util/errors.ts";
import { Incoming } from "./incoming.ts";
import type { ByteStream, Link } from "./port.ts";

/** Path of the native protocol. */
export const NATIVE_PATH = "/api/native/1";
/** Name of the native protocol among the subprotocols of WebSockets. */
export const NATIVE_SUBPROTOCOL = "eidetica-native.1";
/** Most bytes of one message. */
export const MAX_MESSAGE_BYTES: number = 1024 * 1024;
/** Bytes that may wait to leave: somebody who asks and does not read the answers is left at that. */
export const MAX_BUFFERED_BYTES: number = 32 * 1024 * 1024;

/** Codes with which connections are closed. */
export const CLOSE_CODES = {
  done: 1000,
  goingAway: 1001,
  unsupported: 1003,
  tooBig: 1009,
} as const;

/** The part of a WebSocket that is used: those of browsers, Deno, Bun, Node, workerd and `ws` have it. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount?: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void;
  /** Stops reading, where that can be done. */
  pause?(): void;
  /** Reads on. */
  resume?(): void;
}

/** A connection over a WebSocket that is open, or about to be. */
export class WebSocketLink implements Link {
  readonly #socket: WebSocketLike;
  readonly #incoming: Incoming;
  readonly #onEnd: (() => void) | undefined;
  #isOver = false;

  /** A connection over a socket to which nobody else listens; `onEnd` is told when it is over. */
  constructor(socket: WebSocketLike, onEnd?: () => void) {
    this.#socket = socket;
    this.#onEnd = onEnd;
    this.#incoming = new Incoming({
      pause: () => socket.pause?.(),
      resume: () => socket.resume?.(),
    });
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#arrived(data));
    socket.addEventListener("close", () => this.#ended());
    socket.addEventListener("error", () => this.#ended());
  }

  /** See {@link Link.buffered}. */
  get buffered(): number {
    return this.#socket.bufferedAmount ?? 0;
  }

  /** See {@link Link.incoming}. */
  get incoming(): ByteStream {
    return this.#incoming.messages;
  }

  /** See {@link Link.send}. */
  send(message: Uint8Array): void {
    requireRoom(this.buffered);
    for (const part of partsOf(message)) this.#socket.send(part);
  }

  /** See {@link Link.close}. */
  close(code: number = CLOSE_CODES.done, reason = ""): void {
    if (this.#isOver) return;
    this.#ended();
    this.#socket.close(code, reason);
  }

  #arrived(data: unknown): void {
    const bytes = bytesOf(data);
    if (bytes === undefined) return this.close(CLOSE_CODES.unsupported, "bytes are expected");
    const isTaken = bytes.length <= MAX_MESSAGE_BYTES && this.#incoming.push(bytes);
    if (!isTaken) this.close(CLOSE_CODES.tooBig, "more was sent than is taken");
  }

  #ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#incoming.end();
    this.#onEnd?.();
  }
}

/** The bytes of a message; undefined when it is text. */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return data instanceof Uint8Array ? data : undefined;
}

/** Throws when the other side does not read what it is sent. */
export function requireRoom(buffered: number): void {
  if (buffered <= MAX_BUFFERED_BYTES) return;
  const message = `Cannot send more: the other side has left ${buffered} bytes unread`;
  throw new SyncError("Network", message, { fields: { buffered } });
}

/** A message in parts, each of which may go over a WebSocket. */
export function* partsOf(message: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < message.length; at += MAX_MESSAGE_BYTES) {
    yield message.subarray(at, at + MAX_MESSAGE_BYTES) as Uint8Array<ArrayBuffer>;
  }
}
