import type { WriteCallback, WriteEvent } from "../database/host.ts";
import type { ID } from "../entry/id.ts";
import type { Entry } from "../entry/entry.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import type { WriteSource } from "../backend/backend.ts";
import type { Logger } from "../util/log.ts";

/** A handler as the dispatcher calls it. */
export type EventHandler = (event: WriteEvent) => void | Promise<void>;

/** What a write did to a tree, before it is told to each callback from its own cursor. */
export interface WriteOutcome {
  /** Root of the tree. */
  readonly tree: ID;
  /** Entries that became Verified, in fold order. */
  readonly entries: readonly Entry[];
  /** Verified tips before. */
  readonly previousTips: Snapshot;
  /** Verified tips after. */
  readonly postTips: Snapshot;
  /** Where the write came from. */
  readonly source: WriteSource;
}

/** Finds the entries between two Verified frontiers, in fold order. */
export type BracketReader = (tree: ID, previous: Snapshot, post: Snapshot) => Promise<Entry[]>;

interface Registration {
  readonly handler: EventHandler;
  cursor: Snapshot;
}

/**
 * The write handlers of an instance: who is told, from which cursor, in which order (07 §10).
 *
 * {@link invoke} runs while the tree is locked, so cursors and the synchronous parts of handlers
 * follow the order of writes; the promises that it returns are awaited after the lock is released.
 */
export class WriteEvents {
  readonly #byTree = new Map<string, Set<Registration>>();
  readonly #global = new Set<(tree: ID, event: WriteEvent) => void | Promise<void>>();
  readonly #log: Logger;

  /** Failing handlers are reported to `log` and harm nobody else. */
  constructor(log: Logger) {
    this.#log = log;
  }

  /** Registers a handler of one tree whose first event begins at `cursor`. */
  register(tree: ID, cursor: Snapshot, handler: EventHandler): WriteCallback {
    const key = tree.toString();
    const registration: Registration = { handler, cursor };
    const registrations = this.#byTree.get(key) ?? new Set();
    this.#byTree.set(key, registrations.add(registration));
    return new Callback(() => {
      registrations.delete(registration);
      if (registrations.size === 0 && this.#byTree.get(key) === registrations) {
        this.#byTree.delete(key);
      }
    });
  }

  /** Whether a tree has handlers. */
  has(tree: ID): boolean {
    return this.#byTree.has(tree.toString());
  }

  /** Registers a handler of all trees, for the life of the instance. */
  registerGlobal(handler: (tree: ID, event: WriteEvent) => void | Promise<void>): void {
    this.#global.add(handler);
  }

  /** Forgets all handlers. */
  clear(): void {
    this.#byTree.clear();
    this.#global.clear();
  }

  /**
   * Starts the handlers of one write, in registration order, those of the tree first.
   *
   * @returns the promises of the handlers that are still at work; none of them rejects.
   */
  async invoke(write: WriteOutcome, read: BracketReader): Promise<Promise<void>[]> {
    const registrations = this.#byTree.get(write.tree.toString());
    if (registrations === undefined && this.#global.size === 0) return [];
    const running: Promise<void>[] = [];
    for (const registration of [...registrations ?? []]) {
      if (registration.cursor.equals(write.postTips)) continue;
      const event = await this.#eventFor(registration, write, read);
      registration.cursor = write.postTips;
      this.#start(running, write.tree, () => registration.handler(event));
    }
    if (write.entries.length === 0) return running;
    for (const handler of [...this.#global]) {
      this.#start(running, write.tree, () => handler(write.tree, plainEvent(write)));
    }
    return running;
  }

  /** Usually the write itself; a handler whose cursor lies further back gets all since then. */
  async #eventFor(
    registration: Registration,
    write: WriteOutcome,
    read: BracketReader,
  ): Promise<WriteEvent> {
    const { cursor } = registration;
    if (cursor.equals(write.previousTips)) return plainEvent(write);
    const entries = await read(write.tree, cursor, write.postTips).catch((error: unknown) => {
      // The write is done, so it must be told; without the older entries if they cannot be read.
      this.#log.error("The entries since {cursor} cannot be read", {
        cursor: `${cursor.tips}`,
        error,
      });
      return write.entries;
    });
    return { entries, previousTips: cursor, postTips: write.postTips, source: write.source };
  }

  #start(running: Promise<void>[], tree: ID, call: () => void | Promise<void>): void {
    const failed = (error: unknown) => {
      this.#log.error("A write handler of tree {tree} failed", { tree: tree.toString(), error });
    };
    try {
      const result = call();
      if (typeof result?.then === "function") running.push(Promise.resolve(result).catch(failed));
    } catch (error) {
      failed(error);
    }
  }
}

function plainEvent({ entries, previousTips, postTips, source }: WriteOutcome): WriteEvent {
  return Object.freeze({ entries, previousTips, postTips, source });
}

class Callback implements WriteCallback {
  #end: (() => void) | undefined;

  constructor(end: () => void) {
    this.#end = end;
  }

  detach(): void {
    this.#end = undefined;
  }

  [Symbol.dispose](): void {
    this.#end?.();
    this.#end = undefined;
  }
}
