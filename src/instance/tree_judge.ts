import type { BacklogCounts } from "../backend/backlog/backlog.ts";
import type { Looked } from "../backend/backlog/elsewhere.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import type { CheckedSignatures } from "../database/checked_signatures.ts";
import { EntryJudge } from "../database/entry_judge.ts";
import type { VerifyCounts } from "../database/host.ts";
import { Ingest, type Rejection } from "../database/ingest.ts";
import { type Look, type PassCounts, Verifier } from "../database/verifier.ts";
import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { Abroad } from "./abroad.ts";

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
  readonly rejected: readonly Rejection[];
}

/** What became of a part of a batch, and whether it has unlocked more than fits into one commit. */
export interface PartReport extends RemoteWriteReport {
  /** Whether there is more to judge. */
  readonly goesOn: boolean;
  /** What entries wait for since this part, and nobody held. */
  readonly missing: readonly ID[];
  /** What is held, and is not marked as awaited any more since this part. */
  readonly unmarked: readonly ID[];
}

/** What a batch begins with. */
export const NOTHING_PUT: PartReport = Object.freeze({
  stored: 0,
  verified: 0,
  failed: 0,
  unverified: 0,
  rejected: [],
  goesOn: false,
  missing: [],
  unmarked: [],
});

/** What became of two parts of a batch, one after the other. */
export function added(first: PartReport, second: PartReport): PartReport {
  return {
    stored: first.stored + second.stored,
    verified: first.verified + second.verified,
    failed: first.failed + second.failed,
    unverified: second.unverified,
    rejected: [...first.rejected, ...second.rejected],
    goesOn: second.goesOn,
    missing: [...first.missing, ...second.missing],
    unmarked: [...first.unmarked, ...second.unmarked],
  };
}

/** Stores what comes from elsewhere, gives verdicts, and knows for which trees it may be time again. */
export class TreeJudge {
  /** Which trees wait for which others. */
  readonly abroad: Abroad;
  readonly #backend: LocalBackend;
  /** Per tree: the last write to it after which nothing was left to judge. */
  readonly #settled = new Map<string, number>();
  /** How far trees were looked at for what has got lost with a process that has died. */
  readonly #looked = new Map<string, Looked>();

  /** Judges the entries in `backend`. */
  constructor(backend: LocalBackend) {
    this.#backend = backend;
    this.abroad = new Abroad(backend);
  }

  /** Stores entries and judges them, with what waited for them. */
  async ingest(
    update: TreeUpdate,
    chunk: readonly Entry[],
    signatures: CheckedSignatures,
  ): Promise<PartReport> {
    // What waits from now on is looked for by whoever is at work now.
    if (update.unverified === 0) this.looked(update.tree, "done");
    const judge = new EntryJudge(this.#backend, update, signatures);
    const taken = await new Ingest(this.#backend, update, judge).run(chunk);
    const pass = await new Verifier(this.#backend, update, judge).run();
    const verified = taken.verified + pass.verified;
    return { ...taken, ...pass, verified, failed: taken.failed + pass.failed };
  }

  /** Judges what one storage commit can settle, with what other trees have brought. */
  async judge(update: TreeUpdate, look: Look): Promise<PassCounts> {
    const from = this.#looked.get(update.tree.toString()) ?? "start";
    const judge = new EntryJudge(this.#backend, update);
    return await new Verifier(this.#backend, update, judge).run({ ...look, from });
  }

  /** Notes how far a tree was looked at for what is awaited there and held elsewhere. */
  looked(tree: ID, to: Looked): void {
    this.#looked.set(tree.toString(), to);
  }

  /** Notes that something may have got lost in a tree: its next pass looks at all that is awaited there. */
  doubt(tree: ID): void {
    this.#looked.delete(tree.toString());
    this.#settled.delete(tree.toString());
  }

  /** Whether a pass over a tree may change anything. */
  async isDue(
    tree: ID,
    { unverified, sequence, abroad }: BacklogCounts & { readonly sequence: number },
  ): Promise<boolean> {
    if (unverified === 0) return false;
    if (this.#settled.get(tree.toString()) !== sequence) return true;
    return (await this.abroad.changed(tree, abroad)).trees.length > 0;
  }

  /** Notes a pass that was begun when the tree stood at write number `sequence`. */
  passed(tree: ID, sequence: number, { verified, failed }: VerifyCounts): void {
    // A pass that has changed nothing has seen all that was there before it; later writes it may not.
    if (verified + failed === 0) this.#settled.set(tree.toString(), sequence);
  }
}
