import type { DatabaseKey } from "../../auth/database_key.ts";
import type { WriteCallback, WriteEvent } from "../../database/host.ts";
import type { VerifyCounts } from "../../database/host.ts";
import { requireTree } from "../../database/require_tree.ts";
import { verifyEntrySignature } from "../../database/verify_entry.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { instanceDropped, requireTips } from "../../instance/instance_errors.ts";
import type { Writes } from "../../instance/port.ts";
import type { RemoteWriteReport } from "../../instance/tree_judge.ts";
import type { Alone, PutOptions } from "../../transaction/host.ts";
import { requireNotAborted } from "../../util/abort.ts";
import { EideticaError, TransactionError } from "../../util/errors.ts";
import type { WorkOptions } from "../../util/work.ts";
import { compareInTree } from "../../backend/tree/walk.ts";
import { notSupported } from "./connected_backend.ts";
import type { Mirrors } from "./mirrors.ts";
import type { Verdict } from "./submit.ts";
import type { TreeMirror } from "./tree_mirror.ts";

/** Modules whose errors say nothing about an entry. */
const UNDONE: ReadonlySet<string> = new Set(["service", "storage"]);

/** The way of all writes of a connected instance: to the daemon, and then into the copy (11 §7). */
export class ConnectedWrites implements Writes {
  readonly #mirrors: Mirrors;
  readonly #pending = new Set<Promise<unknown>>();
  #isClosed = false;

  /** Writes through `mirrors`. */
  constructor(mirrors: Mirrors) {
    this.#mirrors = mirrors;
  }

  #mirror(tree: ID): TreeMirror {
    if (this.#isClosed) throw instanceDropped();
    return this.#mirrors.of(tree);
  }

  /** See `DatabaseHost.actAs`. */
  actAs(tree: ID, key: DatabaseKey): void {
    this.#mirrors.session.actAs(tree, key);
  }

  /** See `DatabaseHost.isSettled`. */
  isSettled(tree: ID): boolean {
    return this.#mirrors.peek(tree)?.isCurrent === true;
  }

  /** See `DatabaseHost.settle`. */
  async settle(tree: ID): Promise<void> {
    await this.#mirror(tree).settle();
  }

  /** Not supported: the daemon verifies. */
  verify(): Promise<VerifyCounts> {
    return Promise.reject(notSupported("verify a database"));
  }

  /** See `DatabaseHost.verifyEntry`. */
  async verifyEntry(entry: Entry): Promise<boolean> {
    await this.settle(entry.root ?? entry.id);
    return await verifyEntrySignature(this.#mirrors.backend, entry);
  }

  // --- writing -------------------------------------------------------------------------------

  /** Submits an entry. One that is said to be Verified, and is not to the daemon, is an error. */
  async putEntry(tree: ID, entry: Entry, options: PutOptions, alone?: Alone): Promise<void> {
    requireTree(tree, entry);
    const mirror = this.#mirror(tree);
    await this.#taken(async () => {
      if (alone !== undefined) await this.#requireTips(mirror, alone.tips);
      const submit = async () => {
        const verdict = await this.#submit(mirror, entry, alone?.tips);
        if (options.verification === "Verified") requireVerified(entry, verdict);
        return verdict.status === "Verified";
      };
      await mirror.write(entry, submit, alone?.written);
    });
  }

  /** Submits an entry. When it is overtaken, there is something that the daemon has not told of yet. */
  async #submit(mirror: TreeMirror, entry: Entry, alone: Snapshot | undefined): Promise<Verdict> {
    try {
      return await this.#mirrors.submit(mirror.tree, entry, alone);
    } catch (error) {
      if (error instanceof EideticaError && error.code === "Overtaken") mirror.doubt();
      throw error;
    }
  }

  async #taken<T>(work: () => Promise<T>): Promise<T> {
    const pending = work();
    this.#pending.add(pending);
    try {
      return await pending;
    } finally {
      this.#pending.delete(pending);
    }
  }

  async #requireTips(mirror: TreeMirror, tips: Snapshot): Promise<void> {
    await mirror.settle();
    const now = await this.#mirrors.backend.verifiedSnapshot(mirror.tree);
    requireTips({ tree: mirror.tree, postTips: now }, tips);
  }

  /** Submits entries, those that others stand on first. */
  async putRemoteEntries(
    tree: ID,
    entries: readonly Entry[],
    { signal, onProgress }: WorkOptions = {},
  ): Promise<RemoteWriteReport> {
    const report = { stored: 0, verified: 0, failed: 0, unverified: 0, rejected: [] };
    const rejected: { entry: Entry; error: EideticaError }[] = report.rejected;
    const sorted = [...entries].sort(compareInTree);
    for (const [at, entry] of sorted.entries()) {
      requireNotAborted({ signal, action: "store entries" });
      const mirror = this.#mirror(tree);
      try {
        const { status } = await this.#taken(() => this.#putOne(mirror, entry));
        report.stored++;
        if (status === "Verified") report.verified++;
        else if (status === "Failed") report.failed++;
        else report.unverified++;
      } catch (error) {
        if (!(error instanceof EideticaError) || UNDONE.has(error.module)) throw error;
        rejected.push({ entry, error });
      }
      onProgress?.({ done: at + 1, total: sorted.length });
    }
    return report;
  }

  async #putOne(mirror: TreeMirror, entry: Entry): Promise<Verdict> {
    requireTree(mirror.tree, entry);
    let verdict: Verdict | undefined;
    const submit = async () => {
      verdict = await this.#mirrors.submit(mirror.tree, entry);
      return verdict.status === "Verified";
    };
    await mirror.write(entry, submit, undefined);
    return verdict!;
  }

  // --- handlers ------------------------------------------------------------------------------

  /** See `DatabaseHost.onWrite`. */
  async onWrite(
    tree: ID,
    handler: (event: WriteEvent) => void | Promise<void>,
    at?: Snapshot,
  ): Promise<WriteCallback> {
    return await this.#mirror(tree).register(handler, at);
  }

  /** See `Writes.onAnyWrite`. */
  onAnyWrite(handler: (tree: ID, event: WriteEvent) => void | Promise<void>): () => void {
    return this.#mirrors.events.registerGlobal(handler);
  }

  /** Finishes what was begun, and ends the connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Nobody waits for a daemon that may come back.
    if (!this.#mirrors.session.isUp) this.#mirrors.close();
    await Promise.allSettled(this.#pending);
    this.#mirrors.close();
  }
}

function requireVerified(entry: Entry, { status, reason }: Verdict): void {
  if (status === "Verified") return;
  const verdict = status === "Failed" ? "calls it invalid" : "cannot judge it yet";
  const why = reason === undefined ? "" : `: ${reason}`;
  throw new TransactionError(
    "EntryValidationFailed",
    `Cannot commit entry "${entry.id}": the daemon ${verdict}${why}`,
    { fields: { reason: reason ?? verdict } },
  );
}
