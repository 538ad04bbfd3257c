import type { LocalBackend } from "../backend/local.ts";
import { compareInTree } from "../backend/tree/walk.ts";
import type { VerifyCounts, WriteCallback, WriteEvent } from "../database/host.ts";
import type { Alone, PutOptions } from "../transaction/host.ts";
import { idsAdded } from "../database/ids_added.ts";
import { requireTree } from "../database/require_tree.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { Logger } from "../util/log.ts";
import type { WorkOptions } from "../util/work.ts";
import { instanceDropped, requireTips } from "./instance_errors.ts";
import { loadRest } from "../backend/load_rest.ts";
import type { RemoteWork, Writes } from "./port.ts";
import type { RemoteWrites } from "./remote_writes.ts";
import type { RemoteWriteReport } from "./tree_judge.ts";
import { TreeWatches } from "./tree_watches.ts";
import { TreeWriter } from "./tree_writer.ts";
import { WriteEvents } from "./write_events.ts";

/** The one place through which entries are written, and handlers told about it. */
export class WriteCoordinator implements Writes {
  readonly #backend: LocalBackend;
  readonly #events: WriteEvents;
  readonly #log = new Logger("instance");
  readonly #writers = new Map<string, TreeWriter>();
  readonly #watches: TreeWatches;
  #remote: RemoteWrites | undefined;
  #closed = false;

  /** Coordinates all writes of this process to `backend`. */
  constructor(backend: LocalBackend) {
    this.#backend = backend;
    this.#events = new WriteEvents(this.#log);
    this.#watches = new TreeWatches(backend.driver, {
      isHeard: (tree) =>
        [tree, ...this.#remote?.waitingFor(tree) ?? []].some((heard) => this.#events.has(heard)),
      changed: (tree) => this.#changedElsewhere(tree),
    });
  }

  #writer(tree: ID): TreeWriter {
    if (this.#closed) throw instanceDropped();
    const key = tree.toString();
    const known = this.#writers.get(key);
    if (known !== undefined) return known;
    for (const [other, writer] of this.#writers) if (writer.isIdle) this.#writers.delete(other);
    const read = (id: ID, previous: Snapshot, post: Snapshot) => this.#bracket(id, previous, post);
    const writer = new TreeWriter(this.#backend, this.#events, read, tree);
    this.#writers.set(key, writer);
    return writer;
  }

  async #bracket(_tree: ID, previous: Snapshot, post: Snapshot): Promise<Entry[]> {
    const ids = await idsAdded(this.#backend, previous, post);
    const entries = await Promise.all(ids.map((id) => this.#backend.get(id)));
    return entries.sort(compareInTree);
  }

  /** See {@link Writes.actAs}: nobody is asked for what is held here. */
  actAs(): void {}

  /** Stores one entry; see `Instance.putEntry`. */
  async putEntry(tree: ID, entry: Entry, options: PutOptions, alone?: Alone): Promise<void> {
    requireTree(tree, entry);
    await this.#writer(tree).write(
      options.source,
      (update) => {
        if (alone !== undefined) requireTips(update, alone.tips);
        return update.insert(entry, options.verification);
      },
      alone?.written,
    );
    // Nobody can have waited for what this process has just signed: its ID was not known.
    if (options.source !== "local") {
      await (this.#remote ?? await this.#loadRemote()).tellOthers(tree, entry.id);
    }
    if (this.#remote?.isAwaited(tree)) await this.#remote.wakeWaiting(tree);
  }

  /** Stores and judges a batch; see `Instance.putRemoteEntries`. */
  async putRemoteEntries(
    tree: ID,
    entries: readonly Entry[],
    work?: RemoteWork,
  ): Promise<RemoteWriteReport> {
    // Parents first, so that no part of it waits for a later one.
    const sorted = [...entries].sort(compareInTree);
    return await (this.#remote ?? await this.#loadRemote()).putAll(tree, sorted, work);
  }

  /** Judges the Unverified entries of a tree; see `Database.verify`. */
  async verify(tree: ID, work?: WorkOptions): Promise<VerifyCounts> {
    return await (this.#remote ?? await this.#loadRemote()).verify(tree, work);
  }

  /** Whether an entry is valid; see `DatabaseView.verifyEntrySignature`. */
  async verifyEntry(entry: Entry): Promise<boolean> {
    return await (this.#remote ?? await this.#loadRemote()).verifyEntry(entry);
  }

  /** Whether it is known without a read that nothing of a tree waits for a verdict. */
  isSettled(tree: ID): boolean {
    return this.#backend.trees.peekCurrent(tree)?.head.unverified === 0;
  }

  /** Judges the Unverified entries of a tree unless nothing can have changed since the last time. */
  async settle(tree: ID): Promise<void> {
    const pending = await this.#backend.pending(tree);
    if (pending.unverified === 0) return;
    await (this.#remote ?? await this.#remoteIfPossible(tree))?.settle(tree, pending);
  }

  /** The part that takes in what comes from elsewhere; it is loaded when something does. */
  async #loadRemote(): Promise<RemoteWrites> {
    const { RemoteWrites } = await loadRest("judge entries");
    await this.#backend.backlogs.ready();
    return this.#remote ??= new RemoteWrites(this.#backend, {
      isClosed: () => this.#closed,
      writer: (tree) => this.#writer(tree),
      notJudged: (tree, error) => this.#notJudged(tree, error),
      waitsAbroad: (tree, others) => {
        if (this.#events.has(tree)) { for (const other of others) this.#watches.begin(other); }
      },
    });
  }

  /** The same on the way of a read, which goes on with what is known. */
  async #remoteIfPossible(tree: ID): Promise<RemoteWrites | undefined> {
    try {
      return await this.#loadRemote();
    } catch (error) {
      this.#notJudged(tree, error);
      return undefined;
    }
  }

  #notJudged(tree: ID, error: unknown): void {
    this.#log.debug("Tree {tree} was not judged", { tree: tree.toString(), error });
  }

  /** Registers a write handler; see `Database.onWrite`. */
  async onWrite(
    tree: ID,
    handler: (event: WriteEvent) => void | Promise<void>,
    at?: Snapshot,
  ): Promise<WriteCallback> {
    return await this.#watches.during(tree, async () => {
      // What other processes have written so far is not news to the handler.
      await this.#backend.trees.read(tree);
      const callback = await this.#writer(tree).register(at, handler);
      await this.#noteAbroad(tree);
      return callback;
    });
  }

  /** Notes for which other trees entries of `tree` wait, so that these are watched, too. */
  async #noteAbroad(tree: ID): Promise<void> {
    if (this.#closed) return;
    if (this.#remote === undefined) {
      const { abroad } = await this.#backend.pending(tree);
      if (abroad.length === 0) return;
    }
    await (this.#remote ?? await this.#remoteIfPossible(tree))?.noteAbroad(tree);
  }

  async #changedElsewhere(tree: ID): Promise<void> {
    try {
      await this.#backend.trees.read(tree);
      await this.#writer(tree).announce();
      await this.#remote?.wakeWaiting(tree);
    } catch (error) {
      if (this.#closed) return;
      const fields = { tree: tree.toString(), error };
      this.#log.error("Writes of another process to {tree} were not announced", fields, this);
    }
  }

  /** Registers a handler of this process's writes to all trees; what it returns ends that. */
  onAnyWrite(handler: (tree: ID, event: WriteEvent) => void | Promise<void>): () => void {
    return this.#events.registerGlobal(handler);
  }

  /** Takes no more writes, finishes those that were taken, and ends all registrations. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watches.close();
    await Promise.all([...this.#writers.values()].map((writer) => writer.drained()));
    this.#events.clear();
  }
}
