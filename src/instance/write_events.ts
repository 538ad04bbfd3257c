import { setPrinter } from "#inspect";
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

/** The handlers of one tree. */
interface TreeHandlers {
  readonly registrations: Set<Registration>;
  /** Verified tips up to which this process has told its handlers. */
  told: Snapshot;
}

/**
 * The write handlers of an instance: who is told, from which cursor, in which order.
 *
 * {@link invoke} runs while the tree is locked, so cursors and the synchronous parts of handlers
 * follow the order of writes; the promises that it returns are awaited after the lock is released.
 */
export class WriteEvents {
  readonly #byTree = new Map<string, TreeHandlers>();
  readonly #global = new Set<(tree: ID, event: WriteEvent) => void | Promise<void>>();
  /** Ends the waits for handlers that are still at work. */
  readonly #waits = new Set<() => void>();
  readonly #log: Logger;

  /** Failing handlers are reported to `log` and harm nobody else. */
  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * Registers a handler of one tree whose first event begins at `cursor`; `tips` is the Verified
   * frontier of the tree now.
   */
  register(tree: ID, tips: Snapshot, cursor: Snapshot, handler: EventHandler): WriteCallback {
    const key = tree.toString();
    const registration: Registration = { handler, cursor };
    const handlers = this.#byTree.get(key) ?? { registrations: new Set(), told: tips };
    const { registrations } = handlers;
    registrations.add(registration);
    this.#byTree.set(key, handlers);
    return new Callback(key, () => {
      registrations.delete(registration);
      if (registrations.size === 0 && this.#byTree.get(key) === handlers) this.#byTree.delete(key);
    });
  }

  /** Whether a tree has handlers. */
  has(tree: ID): boolean {
    return this.#byTree.has(tree.toString());
  }

  /** Whether anybody would be told of a write to a tree. */
  isHeard(tree: ID): boolean {
    return this.#global.size > 0 || this.has(tree);
  }

  /** Registers a handler of the writes of this process to all trees; what it returns ends that. */
  registerGlobal(handler: (tree: ID, event: WriteEvent) => void | Promise<void>): () => void {
    this.#global.add(handler);
    return () => void this.#global.delete(handler);
  }

  /** Forgets all handlers, and nobody is waited for any longer. */
  clear(): void {
    this.#byTree.clear();
    this.#global.clear();
    for (const end of this.#waits) end();
    this.#waits.clear();
  }

  /** Resolves when the handlers behind `running` have settled, or when all handlers are forgotten. */
  settled(running: readonly Promise<void>[]): Promise<void> {
    return new Promise((resolve) => {
      this.#waits.add(resolve);
      void Promise.all(running).then(() => {
        this.#waits.delete(resolve);
        resolve();
      });
    });
  }

  /**
   * Starts the handlers of one write, in registration order, those of the tree first.
   *
   * @returns the promises of the handlers that are still at work; none of them rejects.
   */
  async invoke(write: WriteOutcome, read: BracketReader): Promise<Promise<void>[]> {
    const handlers = this.#byTree.get(write.tree.toString());
    const running: Promise<void>[] = [];
    if (handlers !== undefined) {
      if (!handlers.told.equals(write.previousTips)) {
        await this.#catchUp(handlers, write, read, running);
      }
      await this.#tell(handlers, write, read, running);
    }
    if (write.entries.length === 0 || this.#global.size === 0) return running;
    const event = plainEvent(write);
    for (const handler of [...this.#global]) {
      this.#start(running, write.tree, handler, () => handler(write.tree, event));
    }
    return running;
  }

  /** Tells of what others have written before this write, which is no part of it. */
  async #catchUp(
    handlers: TreeHandlers,
    { tree, previousTips: postTips }: WriteOutcome,
    read: BracketReader,
    running: Promise<void>[],
  ): Promise<void> {
    const previousTips = handlers.told;
    const entries = await this.#read(tree, previousTips, postTips, read) ?? [];
    const elsewhere: WriteOutcome = { tree, entries, previousTips, postTips, source: "remote" };
    await this.#tell(handlers, elsewhere, read, running);
  }

  async #tell(
    handlers: TreeHandlers,
    write: WriteOutcome,
    read: BracketReader,
    running: Promise<void>[],
  ): Promise<void> {
    // Nothing is new where verdicts were only taken back; cursors stay, so that nothing is told twice.
    if (write.entries.length === 0) return;
    const event = plainEvent(write);
    handlers.told = write.postTips;
    for (const registration of [...handlers.registrations]) {
      const own = registration.cursor.equals(write.previousTips)
        ? event
        : await this.#eventFor(registration.cursor, write, read);
      registration.cursor = write.postTips;
      if (own === undefined) continue;
      this.#start(running, write.tree, registration, () => registration.handler(own));
    }
  }

  /** The event of a handler whose cursor is not where the write began: all since the cursor. */
  async #eventFor(
    cursor: Snapshot,
    write: WriteOutcome,
    read: BracketReader,
  ): Promise<WriteEvent | undefined> {
    // The write is done, so it must be told; without the older entries if they cannot be read.
    const entries = await this.#read(write.tree, cursor, write.postTips, read) ?? write.entries;
    return entries.length === 0
      ? undefined
      : plainEvent({ ...write, entries, previousTips: cursor });
  }

  async #read(
    tree: ID,
    previous: Snapshot,
    post: Snapshot,
    read: BracketReader,
  ): Promise<readonly Entry[] | undefined> {
    try {
      return await read(tree, previous, post);
    } catch (error) {
      const fields = { cursor: `${previous.tips}`, error };
      this.#log.error("The entries since {cursor} cannot be read", fields, this);
      return undefined;
    }
  }

  /** Starts what `handler` does. */
  #start(
    running: Promise<void>[],
    tree: ID,
    handler: object,
    call: () => void | Promise<void>,
  ): void {
    const failed = (error: unknown) => {
      const fields = { tree: tree.toString(), error };
      this.#log.error("A write handler of tree {tree} failed", fields, handler);
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
  // All handlers are given the same event.
  return Object.freeze({ entries: Object.freeze(entries), previousTips, postTips, source });
}

class Callback implements WriteCallback {
  readonly #tree: string;
  #end: (() => void) | undefined;
  #state: "registered" | "detached" | "ended" = "registered";

  constructor(tree: string, end: () => void) {
    this.#tree = tree;
    this.#end = end;
  }

  detach(): void {
    if (this.#state === "registered") this.#state = "detached";
    this.#end = undefined;
  }

  [Symbol.dispose](): void {
    if (this.#state === "registered") this.#state = "ended";
    this.#end?.();
    this.#end = undefined;
  }

  toString(): string {
    return `WriteCallback(${this.#tree}, ${this.#state})`;
  }
}

setPrinter(Callback, "WriteCallback", String);
