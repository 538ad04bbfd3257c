/**
 * Starting a thread, where the host has threads: Node's worker API (Node, Deno, Bun) or a web worker.
 *
 * @module
 */

import { builtinModule } from "../src/util/builtin.ts";

/** A running thread. */
export interface Thread {
  /** Sends a message; the buffers change owner. */
  post(message: unknown, transfer: readonly ArrayBuffer[]): void;
  /** Says whether the process must stay alive for this thread. */
  hold(busy: boolean): void;
  /** Stops the thread. */
  stop(): void;
}

/** What a thread reports. */
export interface ThreadEvents {
  /** A message arrived. */
  message(message: unknown): void;
  /** The thread could not start, or died; it reports nothing more. */
  failed(error: unknown): void;
}

interface HostWorker {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  on(event: string, listener: (value: unknown) => void): void;
  ref(): void;
  unref(): void;
  terminate(): unknown;
}

interface WorkerThreads {
  readonly Worker?: new (url: URL) => HostWorker;
}

/** Starts `batch_worker.ts` in a thread that does not keep the process alive, or throws. */
export function startThread(events: ThreadEvents): Thread {
  const threads = builtinModule<WorkerThreads>("worker_threads");
  if (threads?.Worker !== undefined) return hostThread(new threads.Worker(hostUrl()), events);
  return webThread(webWorker(), events);
}

/** Bundlers find the thread's file by this literal; the build changes its ending. */
function webWorker(): Worker {
  return new Worker(new URL("./batch_worker.ts", import.meta.url), { type: "module" });
}

/** The same file for a runtime, `.js` where the package was built; said so that bundlers do not take it twice. */
function hostUrl(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith(".ts") ? "./batch_worker.ts" : "./batch_worker.js", here);
}

function hostThread(worker: HostWorker, events: ThreadEvents): Thread {
  worker.on("message", events.message);
  worker.on("error", events.failed);
  worker.on("exit", (code) => events.failed(new Error(`the thread ended with ${code}`)));
  worker.unref();
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (busy) => busy ? worker.ref() : worker.unref(),
    stop: () => void worker.terminate(),
  };
}

function webThread(worker: Worker, events: ThreadEvents): Thread {
  worker.onmessage = (event) => events.message(event.data);
  worker.onerror = (event) => {
    event.preventDefault();
    events.failed(event.error ?? event.message);
  };
  return {
    post: (message, transfer) => worker.postMessage(message, [...transfer]),
    hold: () => {},
    stop: () => worker.terminate(),
  };
}
