import { requireFunction, wrongArgument } from "./arguments.ts";

/** How far long work has come. */
export interface Progress {
  /** How much is done. */
  readonly done: number;
  /** How much there was to do when the work began. */
  readonly total: number;
}

/** How long work is watched, and ended before its time. */
export interface WorkOptions {
  /** Ends the work after the part that is under way; what is done stays done. */
  readonly signal?: AbortSignal;
  /** Called after each part. What it throws ends the work, too. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Options of callers, checked. */
export function workOptions(options: WorkOptions | undefined, action: string): WorkOptions {
  if (options === undefined || options === null) return {};
  if (typeof options !== "object") {
    throw wrongArgument(action, "the options", "an object", options);
  }
  requireSignal(options.signal, action);
  if (options.onProgress !== undefined) {
    requireFunction(options.onProgress, action, "`onProgress`");
  }
  return options;
}

/** Fails unless `signal` is one, or none. */
export function requireSignal(signal: AbortSignal | undefined, action: string): void {
  if (signal === undefined || typeof signal?.throwIfAborted === "function") return;
  throw wrongArgument(action, "`signal`", "an AbortSignal", signal);
}
