import { joined } from "../../util/bytes.ts";
import { MAX_UNREAD_BYTES, MAX_UNSENT_BYTES } from "./limits.ts";

/** Frames that wait are sent together up to about this size. */
const CHUNK_BYTES = 64 * 1024;

/** Runs something soon: in a later turn of the event loop, where there is one. */
export type Soon = (run: () => void) => unknown;

/** Frames on their way to a client, in their order. One reader takes them, as fast as the client does. */
export class Outbox {
  readonly #soon: Soon;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  /** Those of the frames that nobody has asked for, and how much they are. */
  #notices = new Set<Uint8Array>();
  #noticeBytes = 0;
  #isEnded = false;
  #isHurried = false;
  #tellEnded: () => void = () => undefined;
  /** Resolves when the outbox has ended; what is in it may not be sent yet. */
  readonly ended: Promise<void> = new Promise((resolve) => this.#tellEnded = resolve);
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** An empty outbox. */
  constructor(soon: Soon) {
    this.#soon = soon;
  }

  /** Whether nothing can be added any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether the client is so far behind with notifications that it must be cut off: answers may be large. */
  get isOverfull(): boolean {
    return this.#noticeBytes > MAX_UNREAD_BYTES;
  }

  /** Adds a frame; when the outbox has ended it goes nowhere. */
  push(frame: Uint8Array): void {
    this.#add(frame);
    this.#wake();
  }

  /** Adds a notification, which need not go before what is added in this turn of the event loop if it `mayWait`. */
  notify(frame: Uint8Array, mayWait: boolean): void {
    if (this.#isEnded) return;
    this.#notices.add(frame);
    this.#noticeBytes += frame.length;
    this.#add(frame);
    if (mayWait) this.#soon(() => this.#wake());
    else this.#wake();
  }

  #add(frame: Uint8Array): void {
    if (this.#isEnded) return;
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  /** Ends the outbox: what is in it is sent, nothing is added. */
  end(): void {
    this.#isEnded = true;
    this.#tellEnded();
    this.#wake();
  }

  /** Takes back what was not sent. */
  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#notices.clear();
    this.#noticeBytes = 0;
    this.#wake();
  }

  /** From now on nobody waits for room. */
  hurry(): void {
    this.#isHurried = true;
    this.#wake();
  }

  /** Resolves when enough was sent for something more to be made, or nothing more can be. */
  async hasRoom(): Promise<void> {
    while (this.#bytes > MAX_UNSENT_BYTES && !this.#isEnded && !this.#isHurried) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
  }

  /** One or more whole frames after the other, until the outbox has ended and is empty. */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const chunk = this.#next();
      if (chunk !== undefined) {
        yield chunk;
        this.#bytes = Math.max(0, this.#bytes - chunk.length);
        this.#wakeWriter?.();
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
  }

  #next(): Uint8Array | undefined {
    const [first] = this.#frames;
    if (first === undefined) return undefined;
    let count = 1;
    for (let size = first.length; count < this.#frames.length; count++) {
      size += this.#frames[count]!.length;
      if (size > CHUNK_BYTES) break;
    }
    const taken = this.#frames.splice(0, count);
    for (const frame of taken) if (this.#notices.delete(frame)) this.#noticeBytes -= frame.length;
    return count === 1 ? first : joined(taken);
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}
