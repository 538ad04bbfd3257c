import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import { compareInTree } from "../backend/tree/walk.ts";
import type { VerifyCounts, WriteCallback, WriteEvent } from "../database/host.ts";
import type { Alone, PutOptions } from "../transaction/host.ts";
import { idsAdded } from "../database/ids_added.ts";
import { requireTree } from "../database/ingest.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import type { Snapshot } from "../entry/snapshot.ts";
import { requireNotAborted } from "../util/abort.ts";
import { TransactionError } from "../util/errors.ts";
import { Logger } from "../util/log.ts";
import type { WorkOptions } from "../util/work.ts";
import { instanceDropped } from "./instance_errors.ts";
import { type AfterPass, Passes } from "./passes.ts";
import { RemoteBatch } from "./remote_batch.ts";
import { added, NOTHING_PUT, type RemoteWriteReport, TreeJudge } from "./tree_judge.ts";
import { TreeWatches } from "./tree_watches.ts";
import { TreeWriter } from "./tree_writer.ts";
import { WriteEvents } from "./write_events.ts";

/** The one place through which entries are written, and handlers told about it. */
export class WriteCoordinator {
  readonly #backend: LocalBackend;
  readonly #events: WriteEvents;
  readonly #judge: TreeJudge;
  readonly #passes: Passes;
  readonly #log = new Logger("instance");
  readonly #writers = new Map<string, TreeWriter>();
  readonly #watches: TreeWatches;
  #closed = false;

  /** Coordinates all writes of this process to `backend`. */
  constructor(backend: LocalBackend) {
    this.#backend = backend;
    this.#events = new WriteEvents(this.#log);
    this.#judge = new TreeJudge(backend);
    this.#passes = new Passes(backend, this.#judge, {
      isClosed: () => this.#closed,
      write: (tree, run, goesOn) => {
        const size = backend.maxEntriesPerCommit;
        return this.#writer(tree).writePart(run, { size, goesOn });
      },
      inParts: (tree, write) => this.#inParts(tree, write),
      wakeWaiting: (tree) => this.#wakeWaiting(tree),
      notJudged: (tree, error) => this.#notJudged(tree, error),
      waitsAbroad: (tree, others) => {
        if (this.#events.has(tree)) { for (const other of others) this.#watches.begin(other); }
      },
    });
    this.#watches = new TreeWatches(backend.driver, {
      isHeard: (tree) =>
        [tree, ...this.#judge.abroad.waitingFor(tree)].some((heard) => this.#events.has(heard)),
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
    if (options.source !== "local") await this.#passes.tellOthers(tree, [entry.id], []);
    if (this.#judge.abroad.isAwaited(tree)) await this.#wakeWaiting(tree);
  }

  /** Stores and judges a batch; see `Instance.putRemoteEntries`. */
  async putRemoteEntries(
    tree: ID,
    entries: readonly Entry[],
    work: WorkOptions = {},
  ): Promise<RemoteWriteReport> {
    let total = NOTHING_PUT;
    // Parents first, so that no chunk waits for a later one.
    const sorted = [...entries].sort(compareInTree);
    try {
      await this.#inParts(tree, async () => {
        const batch = new RemoteBatch(this.#backend, this.#judge, () => this.#writer(tree));
        for await (const report of batch.put(sorted, work)) total = added(total, report);
        total = added(total, await this.#passes.finish(tree, total));
      });
    } finally {
      await this.#passes.tellOthers(tree, sorted.map(({ id }) => id), total.unmarked);
    }
    await this.#lookAbroad(tree);
    await this.#wakeWaiting(tree);
    const { stored, verified, failed, unverified, rejected } = total;
    return { stored, verified, failed, unverified, rejected };
  }

  /** Writes of several storage commits that handlers are told of once, also if a later one fails. */
  async #inParts(tree: ID, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      await this.#writer(tree).announce().catch(() => undefined);
      throw error;
    }
  }

  /** Judges the Unverified entries of a tree; see `Database.verify`. */
  async verify(tree: ID, { signal, onProgress }: WorkOptions = {}): Promise<VerifyCounts> {
    const wait = { signal, action: "verify a database" };
    requireNotAborted(wait);
    let counts = { verified: 0, failed: 0, stillUnverified: 0 };
    const { head: { unverified: total } } = await this.#backend.trees.read(tree);
    let done = 0;
    const onPass: AfterPass = (judged, goesOn) => {
      done = Math.min(done + judged, total);
      onProgress?.({ done, total });
      if (goesOn) requireNotAborted(wait);
    };
    await this.#inParts(tree, async () => {
      counts = await this.#passes.judgeAll(tree, [], onPass);
    });
    if (counts.verified + counts.failed > 0) await this.#wakeWaiting(tree);
    return counts;
  }

  /** Whether it is known without a read that nothing of a tree waits for a verdict. */
  isSettled(tree: ID): boolean {
    return this.#backend.trees.peekCurrent(tree)?.head.unverified === 0;
  }

  /** Judges the Unverified entries of a tree unless nothing can have changed since the last time. */
  async settle(tree: ID): Promise<void> {
    const pending = await this.#backend.pending(tree);
    if (!await this.#judge.isDue(tree, pending)) return;
    const counts = await this.#verifyIfPossible(tree);
    if (counts !== undefined) this.#judge.passed(tree, pending.sequence, counts);
  }

  /** A pass on the way of a read, which goes on with what is known if the pass cannot be made. */
  async #verifyIfPossible(tree: ID): Promise<VerifyCounts | undefined> {
    try {
      return await this.verify(tree);
    } catch (error) {
      this.#notJudged(tree, error);
      return undefined;
    }
  }

  #notJudged(tree: ID, error: unknown): void {
    this.#log.debug("Tree {tree} was not judged", { tree: tree.toString(), error });
  }

  // --- entries that wait for other trees -----------------------------------------------------

  /** Looks at other trees that entries of a batch have made `tree` wait for. */
  async #lookAbroad(tree: ID): Promise<void> {
    // A handler may have closed the instance; what was written stays written.
    if (this.#closed) return;
    const { abroad } = await this.#backend.pending(tree);
    // The other tree may have got what is missing while the batch was judged.
    if (abroad.length > 0) await this.settle(tree);
  }

  /** Judges what waits in other trees for what `tree` has got. */
  async #wakeWaiting(tree: ID): Promise<void> {
    for (const waiting of this.#judge.abroad.waitingFor(tree)) {
      if (!this.#closed) await this.settle(waiting);
    }
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
      await this.#passes.noteAbroad(tree);
      return callback;
    });
  }

  async #changedElsewhere(tree: ID): Promise<void> {
    try {
      await this.#backend.trees.read(tree);
      await this.#writer(tree).announce();
      await this.#wakeWaiting(tree);
    } catch (error) {
      if (this.#closed) return;
      const fields = { tree: tree.toString(), error };
      this.#log.error("Writes of another process to {tree} were not announced", fields, this);
    }
  }

  /** Registers a handler of this process's writes to all trees, for the life of the instance. */
  onAnyWrite(handler: (tree: ID, event: WriteEvent) => void | Promise<void>): void {
    this.#events.registerGlobal(handler);
  }

  /** Takes no more writes, finishes those that were taken, and ends all registrations. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watches.close();
    await Promise.all([...this.#writers.values()].map((writer) => writer.drained()));
    this.#events.clear();
  }
}

/** Refuses to write to a tree whose Verified tips are others than `tips` now. */
function requireTips({ tree, postTips }: TreeUpdate, tips: Snapshot): void {
  if (postTips.equals(tips)) return;
  throw new TransactionError(
    "Overtaken",
    `Cannot commit to database "${tree}": it was changed since the transaction of this update began`,
    { fields: { databaseId: tree } },
  );
}
