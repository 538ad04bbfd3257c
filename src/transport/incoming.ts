/**
 * What has come over a connection and was not read yet.
 *
 * @module
 */

import type { ByteStream } from "./port.ts";

/** Bytes that wait to be read, after which the other side is held back, where the connection can do that. */
export const HELD_BACK_BYTES: number = 1024 * 1024;
/** Bytes that may wait to be read: the largest entry, and what else may come without being asked for. */
export const MAX_WAITING_BYTES: number = 24 * 1024 * 1024;

/** What a message takes at least, however short it is. */
const LEAST_BYTES = 128;

/** Holds the other side of a connection back, and lets it go on. */
export interface Flow {
  /** Nothing more shall come for now. */
  pause(): void;
  /** More may come. */
  resume(): void;
}

/** Messages in the order in which they came, for one reader. */
export class Incoming {
  /** The messages; ends when the connection does, and everything that came was read. */
  readonly messages: ByteStream;
  readonly #flow: Flow | undefined;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isHeld = false;
  #isOver = false;
  #wake: () => void = () => {};

  /** Nothing has come. */
  constructor(flow?: Flow) {
    this.#flow = flow;
    this.messages = this.#read();
  }

  /** Takes a message; false when so much waits already that the connection had better be closed. */
  push(message: Uint8Array): boolean {
    if (this.#isOver) return true;
    if (this.#bytes + costOf(message) > MAX_WAITING_BYTES) return false;
    this.#waiting.push(message);
    this.#bytes += costOf(message);
    this.#hold(this.#bytes > HELD_BACK_BYTES);
    this.#wake();
    return true;
  }

  /** Nothing comes any more. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  #hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) this.#flow?.pause();
    else this.#flow?.resume();
  }

  async *#read(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const messages = this.#waiting;
      this.#waiting = [];
      for (const message of messages) {
        this.#bytes -= costOf(message);
        this.#hold(this.#bytes > HELD_BACK_BYTES);
        yield message;
      }
      if (this.#waiting.length > 0) continue;
      if (this.#isOver) return;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

function costOf({ length }: Uint8Array): number {
  return Math.max(length, LEAST_BYTES);
}
