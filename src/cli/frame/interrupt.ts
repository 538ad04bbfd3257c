import process from "node:process";
import { EXIT } from "./failure.ts";

/** The signals that end a command, by name. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Why a command is to end. */
export interface Interrupted {
  /** Aborted by the first signal; its reason is the signal's name. */
  readonly signal: AbortSignal;
  /** Listens no more. */
  stop(): void;
}

/**
 * The first signal asks the command to end after the part that is under way; the second ends the process at once,
 * with nothing half-written, since commits are whole or not there.
 */
export function untilInterrupted(): Interrupted {
  const controller = new AbortController();
  const listen = (name: string) => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(name);
  };
  for (const name of SIGNALS) process.on(name, listen);
  const stop = () => {
    for (const name of SIGNALS) process.off(name, listen);
  };
  return { signal: controller.signal, stop };
}
