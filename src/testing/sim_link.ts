/**
 * Links in memory, for tests: what one end sends the other gets, in pieces of any length, until the link is cut, which
 * may be within a message.
 *
 * @module
 */

import type { Link } from "../transport/port.ts";

/** How a pair of links is made. */
export interface SimLinkOptions {
  /** After so many bytes from the first end to the second the link is cut; never unless told. */
  readonly cutAfter?: number | undefined;
  /** The same in the other direction. */
  readonly cutBackAfter?: number | undefined;
  /** Length of the next piece in which bytes arrive; whole messages unless told. */
  readonly piece?: (() => number) | undefined;
  /** Told of everything that is sent, before it arrives. */
  readonly onSent?: ((from: 0 | 1, bytes: Uint8Array) => void) | undefined;
}

/** Two links that are the ends of one connection. */
export class SimLinkPair {
  /** The ends. */
  readonly ends: readonly [SimLink, SimLink];

  /** A new connection. */
  constructor(options: SimLinkOptions = {}) {
    const sent = (from: 0 | 1) => (bytes: Uint8Array) => options.onSent?.(from, bytes);
    const cut = () => this.cut();
    const first = new SimLink(options.cutAfter, options.piece, cut, sent(0));
    const second = new SimLink(options.cutBackAfter, options.piece, cut, sent(1));
    first.join(second);
    second.join(first);
    this.ends = [first, second];
  }

  /** Cuts the connection: what is under way is lost. */
  cut(): void {
    for (const end of this.ends) end.lose();
  }
}

/** One end of a connection. */
export class SimLink implements Link {
  readonly #limit: number;
  readonly #piece: (() => number) | undefined;
  readonly #cut: () => void;
  readonly #onSent: (bytes: Uint8Array) => void;
  #other!: SimLink;
  readonly #arrived: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #isOver = false;
  /** Bytes that were sent. */
  #sent = 0;

  /** Use {@link SimLinkPair}. */
  constructor(
    limit: number | undefined,
    piece: (() => number) | undefined,
    cut: () => void,
    onSent: (bytes: Uint8Array) => void,
  ) {
    this.#limit = limit ?? Infinity;
    this.#piece = piece;
    this.#cut = cut;
    this.#onSent = onSent;
  }

  /** Names the other end. For pairs. */
  join(other: SimLink): void {
    this.#other = other;
  }

  /** See {@link Link.buffered}. */
  get buffered(): number {
    return this.#other.#arrived.reduce((sum, { length }) => sum + length, 0);
  }

  /** See {@link Link.send}. */
  send(message: Uint8Array): void {
    if (this.#isOver) throw new Error("the connection has ended");
    this.#onSent(message);
    const rest = Math.max(0, this.#limit - this.#sent);
    this.#sent += message.length;
    for (const piece of this.#pieces(message.slice(0, rest))) this.#other.#arrive(piece);
    if (message.length >= rest) this.#cut();
  }

  *#pieces(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length;) {
      const size = Math.max(1, this.#piece?.() ?? bytes.length);
      yield bytes.subarray(at, at + size);
      at += size;
    }
  }

  #arrive(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#arrived.push(bytes);
    this.#wake?.();
  }

  /** See {@link Link.incoming}. */
  readonly incoming: AsyncIterable<Uint8Array> = this.#incoming();

  async *#incoming(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#arrived.shift();
      if (next !== undefined) yield next;
      else if (this.#isOver) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The connection is cut; what has arrived can still be read. For pairs. */
  lose(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** See {@link Link.close}. */
  close(): void {
    this.lose();
    this.#other.lose();
  }
}
