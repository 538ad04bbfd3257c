import { MAX_UNREAD_BYTES, MAX_UNSENT_BYTES } from "./limits.ts";

/** Frames on their way to a client, in their order. One reader takes them, as fast as the client does. */
export class Outbox {
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #isHurried = false;
  #tellEnded: () => void = () => undefined;
  /** Resolves when the outbox has ended; what is in it may not be sent yet. */
  readonly ended: Promise<void> = new Promise((resolve) => this.#tellEnded = resolve);
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** Whether nothing can be added any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether the client is so far behind that it must be cut off. */
  get isOverfull(): boolean {
    return this.#bytes > MAX_UNREAD_BYTES;
  }

  /** Adds a frame; when the outbox has ended it goes nowhere. */
  push(frame: Uint8Array): void {
    if (this.#isEnded) return;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    this.#wake();
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

  /** The frames one after the other, until the outbox has ended and is empty. */
  async *frames(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        yield frame;
        this.#bytes = Math.max(0, this.#bytes - frame.length);
        this.#wakeWriter?.();
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}
