/**
 * Answers requests of protocol v0. Everything that is refused is answered with an `Error` that has a text; only what is
 * no request at all is an error here, and the transport's to answer.
 *
 * @module
 */

import type { Address, ByteStream } from "../../transport/port.ts";
import { EideticaError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import { type MessageLimits, requestReader } from "./json_in.ts";
import { streamResponse } from "./json_out.ts";
import type { NativeOffer, SyncRequest, SyncResponse } from "./messages.ts";
import type { Entry } from "../../entry/entry.ts";
import { answerHandshake, type Way } from "./serve_handshake.ts";
import { takeEntries } from "./serve_entries.ts";
import { serveTree } from "./serve_tree.ts";
import type { Serving } from "./serving.ts";

const log = new Logger("sync");

/** The serving side of protocol v0. One for all transports, so that a nonce is spent on all of them. */
export class V0Handler {
  readonly #serving: Serving;

  /** Serves what `serving` holds. */
  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /**
   * Reads one request and gives the answer as a stream. `SyncError` `SerializationError` when it is no
   * request; its field `fault` tells of what kind. `native` is what the way offers on which the request came, `remote` the
   * host it comes from, where that is known and counts; `TooBusy` when no time is left to it.
   */
  async exchange(
    request: ByteStream,
    remote: Address | undefined,
    limits: MessageLimits & {
      readonly native?: NativeOffer | undefined;
      readonly remote?: string | undefined;
    } = {},
  ): Promise<ByteStream> {
    const meter = this.#serving.verifyTime.meter(undefined, limits.remote);
    meter.require();
    const reader = requestReader(limits);
    for await (const piece of request) reader.push(piece);
    const message = reader.end();
    // The signature of the request itself, and those of entries.
    meter.charge(message.type === "SendEntries" ? message.body.length : 1);
    const refused = message.type === "SendEntries" ? reader.refused : 0;
    return streamResponse(await this.#answer(message, { remote, native: limits.native }, refused));
  }

  async #answer(
    message: SyncRequest<readonly Entry[]>,
    way: Way,
    refused: number,
  ): Promise<SyncResponse> {
    try {
      switch (message.type) {
        case "Handshake":
          return await answerHandshake(this.#serving, message.body, way);
        case "SyncTree":
          return await serveTree(this.#serving, message.body);
        case "SendEntries":
          return await takeEntries(this.#serving, message.body, refused);
      }
    } catch (error) {
      return { type: "Error", body: textOf(error) };
    }
  }
}

/** What the other side is told: our own words, and nothing of what went wrong inside. */
function textOf(error: unknown): string {
  if (error instanceof EideticaError && error.module === "sync") return error.message;
  log.warn("a request of a peer has failed: {error}", { error });
  return "Internal error: the request could not be answered";
}
