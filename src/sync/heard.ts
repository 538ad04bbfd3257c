/**
 * Waits that hear an abort whatever they wait for: transports may be anybody's, and deaf.
 *
 * @module
 */

import type { ByteStream } from "../transport/port.ts";
import { endedBy, unlessAborted } from "../util/abort.ts";

/** A signal that is aborted with the first of two. */
export interface Either {
  /** The signal. */
  readonly signal: AbortSignal;
  /** Listens to the two no longer. */
  release(): void;
}

/** A signal that is aborted with the first of two, one of which may live for long and shall not keep the others. */
export function eitherOf(one: AbortSignal, other: AbortSignal): Either {
  const controller = new AbortController();
  const over = new AbortController();
  for (const source of [one, other]) {
    const abort = () => controller.abort(source.reason);
    if (source.aborted) abort();
    source.addEventListener("abort", abort, { once: true, signal: over.signal });
  }
  return { signal: controller.signal, release: () => over.abort() };
}

/** The stream that `begin` gives; neither its beginning nor a piece of it is waited for once `signal` is aborted. */
export async function* heardStream(
  signal: AbortSignal,
  action: string,
  begin: () => Promise<ByteStream>,
): AsyncGenerator<Uint8Array, void> {
  const failure = () => endedBy(signal, action);
  const stream = await unlessAborted(signal, begin, { failure, discard: endStream });
  const pieces = stream[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await unlessAborted(signal, () => pieces.next(), { failure });
      isOver = done === true;
      if (isOver) return;
      yield value;
    }
  } finally {
    if (!isOver) await ended(signal, pieces);
  }
}

/** Ends a stream of which nothing is taken: what was not begun could not be ended. */
export async function endStream(stream: ByteStream): Promise<void> {
  for await (const _ of stream) break;
}

/** Who does not hear may not end either. */
async function ended(signal: AbortSignal, pieces: AsyncIterator<Uint8Array>): Promise<void> {
  const ending = Promise.resolve(pieces.return?.()).catch(() => undefined);
  if (!signal.aborted) await ending;
}
