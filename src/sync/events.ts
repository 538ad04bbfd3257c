/** What synchronisation tells of as it goes on. `peer` is a public key, `tree` the root of a database, both as text. */
export type SyncEvent =
  | { readonly type: "connecting" | "connected" | "closed"; readonly peer: string }
  | {
    readonly type: "progress";
    readonly peer: string;
    readonly tree: string;
    /** Entries that have arrived or were sent. */
    readonly done: number;
    /** Entries that are expected in all, as far as that is known; it may grow. */
    readonly total: number;
    readonly bytes: number;
  }
  | {
    readonly type: "synced";
    readonly peer: string;
    readonly tree: string;
    readonly received: number;
    readonly sent: number;
  }
  | { readonly type: "live"; readonly peer: string; readonly tree: string }
  | {
    readonly type: "denied";
    readonly peer: string;
    readonly tree: string;
    readonly code: string;
    readonly message: string;
  }
  | { readonly type: "accessPending"; readonly tree: string; readonly request: string }
  | { readonly type: "accessApproved"; readonly tree: string }
  | { readonly type: "accessRequested"; readonly request: string }
  | {
    readonly type: "retry";
    readonly peer: string;
    /** Milliseconds until the next attempt. */
    readonly inMs: number;
    readonly code: string;
    readonly message: string;
  }
  | { readonly type: "clock"; readonly peer: string; readonly skewMs: number };

/** Events that wait for one reader at most; older ones are dropped when it is slower. */
export const MAX_WAITING_EVENTS = 1024;

/** Hands events to whoever listens. */
export class SyncEvents {
  readonly #readers = new Set<Reader>();
  #isClosed = false;

  /** Tells all who listen. */
  emit(event: SyncEvent): void {
    for (const reader of this.#readers) reader.push(event);
  }

  /** The events from now on, until the reader stops, or synchronisation ends. */
  async *listen(signal?: AbortSignal): AsyncGenerator<SyncEvent, void> {
    const reader = new Reader();
    if (this.#isClosed) return;
    this.#readers.add(reader);
    const stop = () => reader.end();
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      for (let event = await reader.next(); event !== undefined; event = await reader.next()) {
        yield event;
      }
    } finally {
      this.#readers.delete(reader);
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Ends all listening. */
  close(): void {
    this.#isClosed = true;
    for (const reader of this.#readers) reader.end();
  }
}

class Reader {
  readonly #waiting: SyncEvent[] = [];
  #wake: (() => void) | undefined;
  #isOver = false;

  push(event: SyncEvent): void {
    if (this.#waiting.length >= MAX_WAITING_EVENTS) this.#waiting.shift();
    this.#waiting.push(event);
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async next(): Promise<SyncEvent | undefined> {
    while (this.#waiting.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#waiting.shift();
  }
}
