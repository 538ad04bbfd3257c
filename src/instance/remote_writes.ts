import type { BacklogCounts } from "../backend/backlog/backlog.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { VerifyCounts } from "../database/host.ts";
import { verifyEntrySignature } from "../database/verify_entry.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { requireNotAborted } from "../util/abort.ts";
import type { WorkOptions } from "../util/work.ts";
import { type AfterPass, Passes } from "./passes.ts";
import type { RemoteWork } from "./port.ts";
import { RemoteBatch } from "./remote_batch.ts";
import { added, NOTHING_PUT, type RemoteWriteReport, TreeJudge } from "./tree_judge.ts";
import type { TreeWriter } from "./tree_writer.ts";

/** What waits in a tree, and the number of the last write to it. */
export type Pending = BacklogCounts & { readonly sequence: number };

/** What is needed of the coordinator of all writes. */
export interface RemoteHost {
  /** Whether no more is written. */
  isClosed(): boolean;
  /** The queue of a tree. */
  writer(tree: ID): TreeWriter;
  /** Notes that a pass over a tree could not be made, of which the caller knows nothing. */
  notJudged(tree: ID, error: unknown): void;
  /** Notes that entries of `tree` wait for other trees. */
  waitsAbroad(tree: ID, others: readonly ID[]): void;
}

/** Takes in what comes from elsewhere, and judges it as soon as what it needs is there. */
export class RemoteWrites {
  readonly #backend: LocalBackend;
  readonly #host: RemoteHost;
  readonly #judge: TreeJudge;
  readonly #passes: Passes;

  /** Writes to `backend` through `host`. */
  constructor(backend: LocalBackend, host: RemoteHost) {
    this.#backend = backend;
    this.#host = host;
    this.#judge = new TreeJudge(backend);
    this.#passes = new Passes(backend, this.#judge, {
      isClosed: () => host.isClosed(),
      write: (tree, run, goesOn) => {
        const size = backend.maxEntriesPerCommit;
        return host.writer(tree).writePart(run, { size, goesOn });
      },
      inParts: (tree, write) => this.#inParts(tree, write),
      wakeWaiting: (tree) => this.wakeWaiting(tree),
      notJudged: (tree, error) => host.notJudged(tree, error),
      waitsAbroad: (tree, others) => host.waitsAbroad(tree, others),
    });
  }

  /** Stores and judges a batch that is sorted parents first; see `Instance.putRemoteEntries`. */
  async putAll(
    tree: ID,
    sorted: readonly Entry[],
    work: RemoteWork = {},
  ): Promise<RemoteWriteReport> {
    let total = NOTHING_PUT;
    try {
      await this.#inParts(tree, async () => {
        const batch = new RemoteBatch(this.#backend, this.#judge, () => this.#host.writer(tree));
        for await (const report of batch.put(sorted, work)) total = added(total, report);
        total = added(total, await this.#passes.finish(tree, total));
      });
    } finally {
      await this.#passes.tellOthers(tree, sorted.map(({ id }) => id), total.unmarked);
    }
    await this.#lookAbroad(tree);
    await this.wakeWaiting(tree);
    const { stored, verified, failed, unverified, rejected } = total;
    return { stored, verified, failed, unverified, rejected };
  }

  /** Writes of several storage commits that handlers are told of once, also if a later one fails. */
  async #inParts(tree: ID, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      await this.#host.writer(tree).announce().catch(() => undefined);
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
    if (counts.verified + counts.failed > 0) await this.wakeWaiting(tree);
    return counts;
  }

  /** Whether an entry is valid; see `DatabaseView.verifyEntrySignature`. */
  async verifyEntry(entry: Entry): Promise<boolean> {
    return await verifyEntrySignature(this.#backend, entry);
  }

  /** Judges the Unverified entries of a tree unless nothing can have changed since the last time. */
  async settle(tree: ID, known?: Pending): Promise<void> {
    const pending = known ?? await this.#backend.pending(tree);
    if (!await this.#judge.isDue(tree, pending)) return;
    const counts = await this.#verifyIfPossible(tree);
    if (counts !== undefined) this.#judge.passed(tree, pending.sequence, counts);
  }

  /** A pass on the way of a read, which goes on with what is known if the pass cannot be made. */
  async #verifyIfPossible(tree: ID): Promise<VerifyCounts | undefined> {
    try {
      return await this.verify(tree);
    } catch (error) {
      this.#host.notJudged(tree, error);
      return undefined;
    }
  }

  // --- entries that wait for other trees -----------------------------------------------------

  /** Looks at other trees that entries of a batch have made `tree` wait for. */
  async #lookAbroad(tree: ID): Promise<void> {
    // A handler may have closed the instance; what was written stays written.
    if (this.#host.isClosed()) return;
    const { abroad } = await this.#backend.pending(tree);
    // The other tree may have got what is missing while the batch was judged.
    if (abroad.length > 0) await this.settle(tree);
  }

  /** The trees that wait for `tree`. */
  waitingFor(tree: ID): readonly ID[] {
    return this.#judge.abroad.waitingFor(tree);
  }

  /** Whether any tree waits for `tree`. */
  isAwaited(tree: ID): boolean {
    return this.#judge.abroad.isAwaited(tree);
  }

  /** Judges what waits in other trees for an entry that `tree` has got. */
  async tellOthers(tree: ID, entry: ID): Promise<void> {
    await this.#passes.tellOthers(tree, [entry], []);
  }

  /** Notes for which trees `tree` waits, and watches them for the writes of other processes. */
  async noteAbroad(tree: ID): Promise<void> {
    await this.#passes.noteAbroad(tree);
  }

  /** Judges what waits in other trees for what `tree` has got. */
  async wakeWaiting(tree: ID): Promise<void> {
    for (const waiting of this.#judge.abroad.waitingFor(tree)) {
      if (!this.#host.isClosed()) await this.settle(waiting);
    }
  }
}
