/** EDGE: a connection of the native protocol over one stream of Iroh. */

import { setInspection } from "#inspect";
import type { ByteStream, Link } from "../port.ts";
import { requireRoom } from "../web_socket_link.ts";
import { concat } from "../../util/bytes.ts";
import type { AddonConnection } from "./iroh_addon.ts";
import { closeConnection, type IrohStream, PIECE_BYTES } from "./iroh_stream.ts";

/** How long nothing of what was sent before a connection is closed may leave until it is lost, in milliseconds. */
export const LINGER_MS = 2000;
/** How often something may leave in that time, and more be left: nobody may keep a connection by reading slowly. */
const LINGERS = 15;

/** A connection that is open. */
export class IrohLink implements Link {
  /** Resolves when the connection is over, and what was sent before has arrived or is lost. */
  readonly closed: Promise<void>;
  readonly #connection: AddonConnection;
  readonly #stream: IrohStream;
  readonly #messages: ByteStream;
  #queue: Uint8Array[] = [];
  #buffered = 0;
  #isOver = false;
  #wake: () => void = () => {};
  #giveUp: () => void = () => {};
  #end!: () => void;
  readonly #ended: Promise<void>;

  /** A connection over its one stream; `onEnd` is told when it is over. */
  constructor(connection: AddonConnection, stream: IrohStream, onEnd: () => void = () => {}) {
    this.#connection = connection;
    this.#stream = stream;
    this.#ended = new Promise((resolve) => this.#end = resolve);
    this.#messages = this.#read();
    this.closed = this.#run().then(onEnd);
  }

  /** See {@link Link.buffered}. */
  get buffered(): number {
    return this.#buffered;
  }

  /** See {@link Link.incoming}. Nothing is read that is not asked for: the other side is held back meanwhile. */
  get incoming(): ByteStream {
    return this.#messages;
  }

  /** See {@link Link.send}. */
  send(message: Uint8Array): void {
    if (this.#isOver || message.length === 0) return;
    requireRoom(this.#buffered);
    for (let at = 0; at < message.length; at += PIECE_BYTES) {
      this.#queue.push(message.subarray(at, at + PIECE_BYTES));
    }
    this.#buffered += message.length;
    this.#wake();
  }

  /** See {@link Link.close}. What was sent before still leaves; Iroh has no use for codes and reasons of WebSockets. */
  close(): void {
    this.#isOver = true;
    this.#end();
    this.#wake();
    this.#giveUp();
  }

  async #run(): Promise<void> {
    const sending = this.#send().catch(() => this.close());
    await this.#ended;
    await this.#linger(sending);
    closeConnection(this.#connection);
    await sending;
  }

  async #linger(sending: Promise<void>): Promise<void> {
    for (let rounds = 0; rounds < LINGERS; rounds++) {
      const before = this.#buffered;
      if (await within(LINGER_MS, sending) || this.#buffered === before) return;
    }
  }

  /** Sends what there is until nothing more is to be sent, and waits until it has arrived. */
  async #send(): Promise<void> {
    for (;;) {
      while (this.#queue.length > 0) await this.#sendSome();
      if (this.#isOver) break;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    await this.#stream.finish();
    await this.#stream.delivered();
  }

  /** Many small messages go over the border of the add-on as one. */
  async #sendSome(): Promise<void> {
    let [count, size] = [0, 0];
    while (count < this.#queue.length && (count === 0 || size < PIECE_BYTES)) {
      size += this.#queue[count++]!.length;
    }
    const some = this.#queue.splice(0, count);
    await this.#stream.write(count === 1 ? some[0]! : concat(...some));
    this.#buffered -= size;
  }

  async *#read(): AsyncGenerator<Uint8Array, void> {
    const pieces = this.#stream.pieces()[Symbol.asyncIterator]();
    while (!this.#isOver) {
      const piece = await new Promise<Uint8Array | undefined>((resolve) => {
        // Whoever has closed the connection does not wait for what is being read.
        this.#giveUp = () => resolve(undefined);
        pieces.next().then(({ value }) => resolve(value), this.#giveUp);
      });
      if (piece === undefined) break;
      yield piece;
    }
    this.close();
  }
}

setInspection(IrohLink, "IrohLink");

/** Resolves with true when work has settled, with false after so many milliseconds. */
export async function within(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => timer = setTimeout(resolve, milliseconds, false));
  const isDone = await Promise.race([work.then(() => true, () => true), late]);
  clearTimeout(timer);
  return isDone;
}
