/**
 * The line to the starter, inside a thread.
 *
 * @module
 */

import { builtinModule } from "../src/util/builtin.ts";

/** The thread's own end of the line. */
export interface ThreadPort {
  /** Sends a message to the starter. */
  post(message: unknown, transfer: readonly ArrayBuffer[]): void;
  /** Sets who hears the starter's messages. */
  listen(heard: (message: unknown) => void): void;
}

interface HostPort {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  on(event: "message", listener: (message: unknown) => void): void;
}

interface WorkerThreads {
  readonly parentPort?: HostPort | null;
}

/** The line to the starter, inside a thread. */
export function threadPort(): ThreadPort {
  const port = builtinModule<WorkerThreads>("worker_threads")?.parentPort;
  if (port) {
    return {
      post: (message, transfer) => port.postMessage(message, transfer),
      listen: (heard) => port.on("message", heard),
    };
  }
  const scope = globalThis as unknown as Pick<Worker, "postMessage" | "onmessage">;
  return {
    post: (message, transfer) => scope.postMessage(message, [...transfer]),
    listen: (heard) => {
      scope.onmessage = (event) => heard(event.data);
    },
  };
}
