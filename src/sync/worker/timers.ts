import { endedBy } from "../../util/abort.ts";

/** Waiting, injected so that tests and simulations decide how time passes. */
export interface Timers {
  /**
   * Calls once after so many milliseconds; what it returns cancels that. `isAwaited` says that somebody waits for the
   * call, so that the process must not end before; work in the background keeps no process alive.
   */
  after(milliseconds: number, call: () => void, isAwaited?: boolean): () => void;
}

/** The platform's timers. */
export const systemTimers: Timers = {
  after(milliseconds, call, isAwaited = false) {
    const timer: unknown = setTimeout(call, milliseconds);
    if (!isAwaited) (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer as number);
  },
};

/** Waits for so many milliseconds; rejects with `Aborted` when the signal is aborted before. */
export async function pause(
  timers: Timers,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  const ended = () => endedBy(signal!, "wait for a peer");
  if (signal?.aborted) throw ended();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      cancel();
      reject(ended());
    };
    const cancel = timers.after(milliseconds, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, true);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Does steps one after another. Once so many milliseconds are over in all, none is waited for any more, though all are
 * begun; whether all were done before. What fails in time is thrown.
 */
export async function withinTime(
  timers: Timers,
  milliseconds: number,
  steps: readonly (() => Promise<unknown>)[],
): Promise<boolean> {
  let isLate = false;
  let cancel = () => {};
  const late = new Promise<void>((resolve) => {
    cancel = timers.after(milliseconds, () => {
      isLate = true;
      resolve();
    }, true);
  });
  try {
    for (const step of steps) await Promise.race([step(), late]);
  } finally {
    cancel();
  }
  return !isLate;
}
