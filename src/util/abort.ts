import { EideticaError, InstanceError } from "./errors.ts";

/** What is waited for, and who may end that. */
export interface Wait {
  /** Ends the wait when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** The action, as it follows "Cannot": `connect to "…"`. */
  readonly action: string;
}

/** Fails with the code `Aborted` when the signal is aborted already. */
export function requireNotAborted({ signal, action }: Wait): void {
  if (signal?.aborted) throw aborted(signal, action, 0);
}

/**
 * Settles as `work` does, or fails with the code `Aborted` as soon as the signal is aborted. What
 * the work gives after that is handed to `discard`, so that nothing of it is left behind.
 */
export async function abortable<T>(
  wait: Wait,
  work: () => Promise<T>,
  discard: (late: T) => unknown = () => undefined,
): Promise<T> {
  const { signal, action } = wait;
  requireNotAborted(wait);
  if (signal === undefined) return await work();
  const begun = Date.now();
  return await unlessAborted(signal, work, {
    failure: () => aborted(signal, action, Date.now() - begun),
    discard,
  });
}

/** What becomes of work whose signal is aborted before it is done. */
interface Interruption<T> {
  /** The error of whoever waits; the signal's reason unless told. */
  readonly failure?: () => unknown;
  /** Takes what the work gives after that. */
  readonly discard?: (late: T) => unknown;
}

/** Settles as `work` does, or fails as soon as the signal is aborted; when it is so already, nothing is begun. */
export async function unlessAborted<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
  { failure = () => signal.reason, discard = () => undefined }: Interruption<T> = {},
): Promise<T> {
  if (signal.aborted) throw failure();
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(failure());
    signal.addEventListener("abort", abort, { once: true });
    const settled = () => signal.removeEventListener("abort", abort);
    work().then((value) => {
      settled();
      resolve(value);
      // `resolve` has no effect any more where the abort was first.
      if (signal.aborted) void Promise.resolve(discard(value)).catch(() => undefined);
    }, (error) => {
      settled();
      reject(error);
    });
  });
}

/** Whether an error is one of an abort. */
export function isAborted(error: unknown): boolean {
  return error instanceof EideticaError && error.code === "Aborted";
}

/** The error of whatever a signal has ended: an error of ours that was its reason, else one of code `Aborted`. */
export function endedBy(signal: AbortSignal, action: string): EideticaError {
  const reason: unknown = signal.reason;
  return reason instanceof EideticaError ? reason : aborted(signal, action);
}

/** The error for a wait that was ended by its signal, whose reason is the cause. */
export function aborted(signal: AbortSignal, action: string, waitedMs?: number): InstanceError {
  const cause: unknown = signal.reason;
  const why = cause instanceof Error ? cause.message : String(cause);
  const after = waitedMs === undefined ? "" : ` after ${Math.round(waitedMs)} ms`;
  const message = `Cannot ${action}: it was aborted${after} (${why})`;
  return new InstanceError("Aborted", message, { cause, fields: { waitedMs } });
}
