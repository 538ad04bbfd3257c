import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree_update.ts";
import { compareInTree } from "../backend/walk.ts";
import type { CheckedSignatures } from "../database/checked_signatures.ts";
import type { VerifyCounts } from "../database/host.ts";
import { Verifier } from "../database/verifier.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { BackendError, type EideticaError, EideticaError as ErrorClass } from "../util/errors.ts";

/** What became of a batch of entries from elsewhere. */
export interface RemoteWriteReport {
  /** Entries that are held now, including those that were held before. */
  readonly stored: number;
  /** Entries that this batch made Verified, older ones that waited for it included. */
  readonly verified: number;
  /** Entries that this batch made Failed. */
  readonly failed: number;
  /** Entries of the tree that cannot be judged yet. */
  readonly unverified: number;
  /** Entries that were refused, each with the reason. */
  readonly rejected: readonly { readonly entry: Entry; readonly error: EideticaError }[];
}

/** Where the judging of a tree stands. */
interface Settled {
  /** Number of the last write to the tree that was looked at. */
  sequence: number;
  /** Promotions so far, when an entry waits for another database. */
  readonly waitsFrom: number | undefined;
}

type Rejection = RemoteWriteReport["rejected"][number];

/** Stores what comes from elsewhere, gives verdicts, and knows for which trees it may be time again. */
export class TreeJudge {
  readonly #backend: LocalBackend;
  /** Per tree: up to which write all was judged that can be. */
  readonly #settled = new Map<string, Settled>();
  /** Counts what became Verified anywhere, for entries that wait for another database. */
  #promotions = 0;

  /** Judges the entries in `backend`. */
  constructor(backend: LocalBackend) {
    this.#backend = backend;
  }

  /** Something became Verified without a judgement of ours. */
  promoted(): void {
    this.#promotions++;
  }

  /** Stores entries and judges them, with what waited for them. */
  async ingest(
    update: TreeUpdate,
    chunk: readonly Entry[],
    signatures: CheckedSignatures,
  ): Promise<RemoteWriteReport> {
    const rejected: Rejection[] = [];
    let stored = 0;
    for (const entry of chunk) {
      try {
        requireTree(update.tree, entry);
        await update.insert(entry, "Unverified");
        stored++;
      } catch (error) {
        // The entry is not to blame for a storage that cannot be read.
        if (!(error instanceof ErrorClass) || error.module === "storage") throw error;
        rejected.push({ entry, error });
      }
    }
    const counts = await this.judge(update, signatures);
    const { verified, failed } = counts;
    return { stored, verified, failed, unverified: counts.stillUnverified, rejected };
  }

  /** Judges all Unverified entries that one storage commit can settle. */
  async judge(update: TreeUpdate, signatures?: CheckedSignatures): Promise<VerifyCounts> {
    if (update.unverified === 0) return { verified: 0, failed: 0, stillUnverified: 0 };
    const region = new Map<string, Entry>();
    for (const id of await this.#backend.unverifiedIds(update.tree)) {
      region.set(id.toString(), (await update.find(id))!);
    }
    for (const entry of update.inserted()) region.set(entry.id.toString(), entry);
    const undecided: Entry[] = [];
    for (const entry of region.values()) {
      if ((await update.row(entry.id))?.status === "Unverified") undecided.push(entry);
    }
    const verifier = new Verifier(this.#backend, update, signatures);
    const counts = await verifier.run(undecided.sort(compareInTree));
    this.#promotions += counts.verified;
    const waitsFrom = verifier.waitsForOthers ? this.#promotions : undefined;
    this.#settled.set(update.tree.toString(), { sequence: -1, waitsFrom });
    return counts;
  }

  /** Whether a pass over a tree may change anything. */
  isDue(tree: ID, { unverified, sequence }: { unverified: number; sequence: number }): boolean {
    if (unverified === 0) return false;
    const settled = this.#settled.get(tree.toString());
    const waits = settled?.waitsFrom !== undefined && settled.waitsFrom !== this.#promotions;
    return settled?.sequence !== sequence || waits;
  }

  /** Notes a pass that was begun when the tree stood at write number `sequence`. */
  passed(tree: ID, sequence: number, { verified, failed }: VerifyCounts): void {
    const settled = this.#settled.get(tree.toString());
    if (settled === undefined) return;
    // A pass that has changed nothing has seen all that was there before it; later writes it may not.
    if (verified + failed === 0) settled.sequence = sequence;
  }
}

/** Refuses an entry of another tree. */
export function requireTree(tree: ID, entry: Entry): void {
  if (entry.isRoot ? entry.id.equals(tree) : entry.root?.equals(tree) === true) return;
  throw new BackendError(
    "EntryNotInTree",
    `Cannot store entry "${entry.id}" in tree "${tree}": it belongs to "${entry.root ?? entry.id}"`,
    { fields: { entryId: entry.id, treeId: tree } },
  );
}
