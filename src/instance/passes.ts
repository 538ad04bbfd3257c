import type { Placed } from "../backend/backlog/agenda.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { TreeUpdate } from "../backend/tree/tree_update.ts";
import type { VerifyCounts } from "../database/host.ts";
import { type Look, MAX_PASS, type PassCounts } from "../database/verifier.ts";
import type { ID } from "../entry/id.ts";
import { Arrivals } from "./arrivals.ts";
import { NOTHING_PUT, type PartReport, type TreeJudge } from "./tree_judge.ts";

/** What passes need of the coordinator of all writes. */
export interface PassHost {
  /** Whether no more is written. */
  isClosed(): boolean;
  /** Writes a part of what handlers are told of at once, as long as it goes on. */
  write(
    tree: ID,
    run: (update: TreeUpdate) => Promise<PassCounts>,
    goesOn: (counts: PassCounts) => boolean,
  ): Promise<PassCounts>;
  /** Several parts that handlers are told of at once. */
  inParts(tree: ID, write: () => Promise<void>): Promise<void>;
  /** Judges what waits in other trees for verdicts in `tree`. */
  wakeWaiting(tree: ID): Promise<void>;
  /** Notes that a pass over a tree could not be made, of which the caller knows nothing. */
  notJudged(tree: ID, error: unknown): void;
  /** Notes that entries of `tree` wait for other trees. */
  waitsAbroad(tree: ID, others: readonly ID[]): void;
}

/** Is told how many entries a pass has judged, and whether there will be another; may end it all by throwing. */
export type AfterPass = (judged: number, goesOn: boolean) => void;

/** Passes over trees until nothing is left to judge, here and in the trees that this concerns. */
export class Passes {
  readonly #backend: LocalBackend;
  readonly #judge: TreeJudge;
  readonly #host: PassHost;
  readonly #arrivals: Arrivals;

  /** Passes of `judge` that are written through `host`. */
  constructor(backend: LocalBackend, judge: TreeJudge, host: PassHost) {
    this.#backend = backend;
    this.#judge = judge;
    this.#host = host;
    this.#arrivals = new Arrivals(backend);
  }

  /** Judges all that is to be judged in a tree, with entries that have `arrived` in others. */
  async judgeAll(
    tree: ID,
    arrived: readonly Placed[] = [],
    onPass?: AfterPass,
  ): Promise<VerifyCounts> {
    const total = { verified: 0, failed: 0, stillUnverified: 0 };
    let unmarked: readonly ID[] = [];
    let look = arrived;
    do {
      const { counts, ...seen } = await this.#judgeOnce(tree, look, onPass);
      total.verified += counts.verified;
      total.failed += counts.failed;
      total.stillUnverified = counts.stillUnverified;
      unmarked = [...unmarked, ...seen.unmarked];
      look = await this.#arrivals.heldElsewhere(tree, seen.missing);
    } while (look.length > 0);
    if (unmarked.length > 0) await this.tellOthers(tree, [], unmarked);
    return total;
  }

  async #judgeOnce(tree: ID, arrived: readonly Placed[], onPass?: AfterPass): Promise<{
    readonly counts: VerifyCounts;
    readonly missing: readonly ID[];
    readonly unmarked: readonly ID[];
  }> {
    const counts = { verified: 0, failed: 0, stillUnverified: 0 };
    const [missing, unmarked]: [ID[], ID[]] = [[], []];
    const { abroad } = await this.#backend.pending(tree);
    const changed = await this.#judge.abroad.changed(tree, abroad);
    const size = Math.min(this.#backend.maxEntriesPerCommit, MAX_PASS);
    for (let [at, goesOn] = [0, true]; goesOn; at += size) {
      // What has arrived, and was not done in its pass, is on the stored agenda.
      const now = arrived.slice(at, at + size);
      const isLast = at + size >= arrived.length;
      const pass = await this.#pass(tree, { abroad: changed.trees, arrived: now }, isLast);
      missing.push(...pass.missing);
      unmarked.push(...pass.unmarked);
      counts.verified += pass.verified;
      counts.failed += pass.failed;
      counts.stillUnverified = pass.unverified;
      goesOn = pass.goesOn || !isLast;
      onPass?.(pass.verified + pass.failed, goesOn);
    }
    await this.noteAbroad(tree, changed.sequences);
    return { counts, missing, unmarked };
  }

  async #pass(tree: ID, look: Look, isLast: boolean): Promise<PassCounts> {
    const run = (update: TreeUpdate) => this.#judge.judge(update, look);
    const counts = await this.#host.write(tree, run, ({ goesOn }) => goesOn || !isLast);
    this.#judge.looked(tree, counts.looked);
    return counts;
  }

  /** Judges what a batch has unlocked beyond one storage commit, and what has arrived meanwhile. */
  async finish(tree: ID, { goesOn, missing, unverified }: PartReport): Promise<PartReport> {
    const arrived = await this.#arrivals.heldElsewhere(tree, missing);
    if (!goesOn && arrived.length === 0) return { ...NOTHING_PUT, unverified };
    const { verified, failed, stillUnverified } = await this.judgeAll(tree, arrived);
    return { ...NOTHING_PUT, verified, failed, unverified: stillUnverified };
  }

  /**
   * Judges what waits in other trees for entries that `tree` has got, as if they were of those: the
   * `stored` ones, and those whose mark this process has removed.
   */
  async tellOthers(tree: ID, stored: readonly ID[], unmarked: readonly ID[]): Promise<void> {
    if (this.#host.isClosed()) return;
    const others = await this.#arrivals.awaitedElsewhere(tree, stored, unmarked);
    for (const { tree: other, arrived } of others) {
      if (this.#host.isClosed()) return;
      try {
        await this.#tell(other, arrived);
      } catch (error) {
        // What was stored is stored; the next pass over the other tree finds it.
        this.#judge.doubt(other);
        this.#host.notJudged(other, error);
      }
    }
  }

  async #tell(tree: ID, arrived: readonly Placed[]): Promise<void> {
    // What this process knows of the tree may be from before another process has parked there.
    await this.#backend.trees.read(tree);
    await this.#host.inParts(tree, async () => {
      const { verified, failed } = await this.judgeAll(tree, arrived);
      if (verified + failed > 0) await this.#host.wakeWaiting(tree);
    });
  }

  /** Notes for which trees `tree` waits, and watches them for the writes of other processes. */
  async noteAbroad(tree: ID, looked?: ReadonlyMap<string, number>): Promise<void> {
    if (this.#host.isClosed()) return;
    const { abroad } = await this.#backend.pending(tree);
    this.#judge.abroad.note(tree, abroad, looked);
    this.#host.waitsAbroad(tree, abroad);
  }
}
