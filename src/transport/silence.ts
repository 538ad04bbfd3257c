import type { ByteStream } from "./port.ts";

/** How long an exchange may be silent, in milliseconds, unless told. */
export const SILENCE_MS = 30_000;

/** Ends something when nothing was heard for a while. */
export class SilenceWatch {
  readonly #milliseconds: number;
  readonly #abort = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #forward = () => this.#abort.abort(this.#outer!.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silent = false;

  /** A watch that begins now and also hears `outer`. */
  constructor(milliseconds: number, outer?: AbortSignal) {
    this.#milliseconds = milliseconds;
    this.#outer = outer;
    if (outer?.aborted) this.#forward();
    outer?.addEventListener("abort", this.#forward, { once: true });
    this.heard();
  }

  /** Aborted when it was silent for too long, or from outside. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether silence was what ended it. */
  get wasSilent(): boolean {
    return this.#silent;
  }

  /** Something was heard: the time begins anew. */
  heard(): void {
    clearTimeout(this.#timer);
    if (this.#milliseconds === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#silent = true;
      this.#abort.abort(new Error(`nothing was heard for ${this.#milliseconds} ms`));
    }, this.#milliseconds);
  }

  /** Ends the watch. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#forward);
  }
}

/** The pieces of a web stream; the stream is cancelled when nobody reads on. */
export async function* piecesOf(stream: ReadableStream<Uint8Array> | null): ByteStream {
  if (stream === null) return;
  const reader = stream.getReader();
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isDone = done;
      if (done) return;
      yield value;
    }
  } catch (error) {
    isDone = true;
    throw error;
  } finally {
    if (!isDone) await reader.cancel().catch(() => {});
  }
}

/** A web stream of pieces, which are asked for one by one. */
export function streamOf(pieces: ByteStream): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      await iterator.return?.(reason);
    },
  }, { highWaterMark: 0 });
}
