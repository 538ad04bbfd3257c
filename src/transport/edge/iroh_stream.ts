/** EDGE: one bidirectional stream of a connection between two endpoints of Iroh. */

import type { ByteStream } from "../port.ts";
import {
  type AddonConnection,
  type AddonStream,
  bytesOf,
  plainError,
  type ToAddon,
} from "./iroh_addon.ts";

/** Bytes that go over the border of the add-on at a time: as a list of numbers they take eight times as much. */
export const PIECE_BYTES: number = 16 * 1024;

/** A stream, with the connection that is its own. */
export class IrohStream {
  readonly #stream: AddonStream;
  readonly #toAddon: ToAddon;

  /** A stream of the add-on. */
  constructor(stream: AddonStream, toAddon: ToAddon) {
    this.#stream = stream;
    this.#toAddon = toAddon;
  }

  /** What the other side sends, until it has said that this is all; throws when that does not come. */
  async *pieces(): ByteStream {
    for (;;) {
      const piece = bytesOf(await this.#plain(this.#stream.recv.read(PIECE_BYTES)));
      if (piece.length === 0) return;
      yield piece;
    }
  }

  /** Sends bytes; resolves when there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = this.#toAddon(bytes.subarray(at, at + PIECE_BYTES));
      await this.#plain(this.#stream.send.writeAll(piece));
    }
  }

  /** Says that this was all. */
  async finish(): Promise<void> {
    await this.#plain(this.#stream.send.finish());
  }

  /** Resolves when everything is at the other side's machine. */
  async delivered(): Promise<void> {
    await this.#plain(this.#stream.send.stopped());
  }

  /** Neither reads nor sends any more. What is not ended so is only ended when memory is cleaned up. */
  async abandon(): Promise<void> {
    const { send, recv } = this.#stream;
    await Promise.allSettled([send.reset(0n), recv.stop(0n)]);
  }

  async #plain<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw plainError(error);
    }
  }
}

/** Ends a connection; nobody on either side hears of it twice. */
export function closeConnection(connection: AddonConnection): void {
  try {
    connection.close(0n, []);
  } catch {
    // It was over.
  }
}
