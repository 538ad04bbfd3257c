/**
 * EDGE: protocol v0 over Iroh, under the ALPN `eidetica/v0`: a stream per request, whose end is that of the request; the
 * answer comes back the same way. The Rust project has a connection for each, and takes at most 1 MiB of either. So
 * much of a request is taken here; answers are stored while they arrive, so that they may be as long as they are.
 *
 * @module
 */

import { endedBy } from "../../util/abort.ts";
import { networkFailed } from "../errors.ts";
import type { ByteStream } from "../port.ts";
import { SILENCE_MS, SilenceWatch } from "../silence.ts";
import { type AddonConnection, plainError, reasonOf, type ToAddon } from "./iroh_addon.ts";
import { closeConnection, IrohStream } from "./iroh_stream.ts";

/** Name of the protocol. */
export const V0_ALPN = "eidetica/v0";
/** Most bytes of a request. */
export const MAX_IROH_BYTES: number = 1024 * 1024;

/** How a request is made. */
export interface V0Request {
  /** Who is asked, as errors name it. */
  readonly address: string;
  /** The request. */
  readonly request: Uint8Array;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** See `ExchangeOptions.silenceMs`. */
  readonly silenceMs: number;
  /** Most bytes of the answer. */
  readonly answerBytes: number;
}

/** Fails for a request that no endpoint would take. */
export function requireTakeable(address: string, request: Uint8Array): void {
  if (request.length <= MAX_IROH_BYTES) return;
  const reason = `the request has ${request.length} bytes, and ${MAX_IROH_BYTES} are taken over ` +
    "Iroh; send less at once, or use HTTP";
  throw networkFailed(address, reason);
}

/** Sends a request over a connection of its own, and gives the answer as it comes. */
export async function* requestV0(
  connection: AddonConnection,
  toAddon: ToAddon,
  { address, request, signal, silenceMs, answerBytes }: V0Request,
): ByteStream {
  const watch = new SilenceWatch(silenceMs, signal);
  const close = () => closeConnection(connection);
  watch.signal.addEventListener("abort", close, { once: true });
  if (watch.signal.aborted) close();
  try {
    const stream = new IrohStream(await connection.openBi(), toAddon);
    await stream.write(request);
    await stream.finish();
    for await (const piece of limited(stream.pieces(), answerBytes, "answer")) {
      watch.heard();
      yield piece;
    }
  } catch (cause) {
    if (watch.wasSilent) throw networkFailed(address, reasonOf(watch.signal.reason), cause);
    if (signal?.aborted === true) throw endedBy(signal, `reach ${address}`);
    throw networkFailed(address, reasonOf(cause), plainError(cause));
  } finally {
    watch.stop();
    close();
  }
}

/** The pieces of a message; fails when it has more bytes than it may. */
async function* limited(pieces: ByteStream, most: number, what: string): ByteStream {
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > most) throw new Error(`the ${what} has more than ${most} bytes`);
    yield piece;
  }
}

/** Answers requests: a stream of bytes in, one out. */
export type Answer = (request: ByteStream) => Promise<ByteStream>;

/**
 * Answers the requests of a connection one after another, until the other side ends it or is silent. `during` is told
 * of each while it is under way.
 */
export async function answerV0(
  connection: AddonConnection,
  toAddon: ToAddon,
  exchange: Answer,
  during: (work: Promise<void>) => Promise<void>,
): Promise<void> {
  const watch = new SilenceWatch(SILENCE_MS);
  watch.signal.addEventListener("abort", () => closeConnection(connection), { once: true });
  try {
    for (;;) {
      const stream = new IrohStream(await connection.acceptBi(), toAddon);
      await during(answer(stream, watch, exchange));
    }
  } catch {
    // The other side has what it wanted, or is gone.
  } finally {
    watch.stop();
    closeConnection(connection);
  }
}

/** Answers one request; whatever is none gets no answer. */
async function answer(stream: IrohStream, watch: SilenceWatch, exchange: Answer): Promise<void> {
  try {
    const request = limited(heard(stream.pieces(), watch), MAX_IROH_BYTES, "request");
    for await (const piece of await exchange(request)) {
      await stream.write(piece);
      watch.heard();
    }
    await stream.finish();
    // What has not arrived when a connection is closed is lost.
    await stream.delivered();
  } catch {
    await stream.abandon();
  }
}

async function* heard(pieces: ByteStream, watch: SilenceWatch): ByteStream {
  for await (const piece of pieces) {
    watch.heard();
    yield piece;
  }
}
