/** Waiting, injected so that tests and simulations decide how time passes. */
export interface Timers {
  /** Calls once after so many milliseconds; what it returns cancels that. */
  after(milliseconds: number, call: () => void): () => void;
}

/** The platform's timers. They keep no process alive. */
export const systemTimers: Timers = {
  after(milliseconds, call) {
    const timer: unknown = setTimeout(call, milliseconds);
    (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer as number);
  },
};
