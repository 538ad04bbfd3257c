import { StorageError } from "../util/errors.ts";
import { isLost, untilLost } from "../util/lost.ts";
import { turns } from "../util/turns.ts";
import type { Batch, CommitResult } from "./driver.ts";

/** Most batches that share one transaction of the storage. */
export const MAX_GROUP = 256;

/** Applies several batches in one transaction; each by itself succeeds or changes nothing. */
export type ApplyGroup = (batches: readonly Batch[]) => CommitResult[] | Promise<CommitResult[]>;

interface Waiting {
  readonly batch: Batch;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Collects the batches that are committed while another commit is under way, or in the same turn, and
 * applies them in one transaction, so that its price is paid once.
 */
export class GroupCommit {
  readonly #apply: ApplyGroup;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  /** When the transaction that is under way began. */
  #begun = 0;

  /** Commits by `apply`. */
  constructor(apply: ApplyGroup) {
    this.#apply = apply;
  }

  /** Resolves when the batch is durable, or was refused by its checks. */
  commit(batch: Batch): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      if (this.#running === undefined || isLost(this.#begun)) this.#running = this.#drain();
    });
  }

  /** Resolves when everything that was committed before is settled, or never will be. */
  async idle(): Promise<void> {
    await untilLost(() => this.#running, () => this.#begun);
  }

  async #drain(): Promise<void> {
    this.#begun = performance.now();
    await undefined;
    while (this.#waiting.length > 0) {
      // Who commits again and again on a storage that waits for nothing would keep all others from their turns.
      if (turns.isOver) await turns.next();
      await this.#applyNext(this.#waiting.splice(0, MAX_GROUP));
      this.#begun = performance.now();
    }
    this.#running = undefined;
  }

  async #applyNext(group: readonly Waiting[]): Promise<void> {
    try {
      const applied = this.#apply(group.map(({ batch }) => batch));
      const results = applied instanceof Promise ? await applied : applied;
      group.forEach(({ resolve }, at) => resolve(results[at]!));
    } catch (error) {
      // Whoever waits behind them would be answered as little, and as late.
      const behind = isSilence(error, this.#begun) ? this.#waiting.splice(0) : [];
      if (group.length === 1 || isShared(error)) {
        for (const { reject } of [...group, ...behind]) reject(error);
      } // One batch may be the reason; it must not take the others down with it.
      else for (const one of group) await this.#applyNext([one]);
    }
  }
}

/** How long a storage has answered nothing, in milliseconds, when it is taken for one that answers nobody else either. */
export const SILENT_MS = 10_000;

/** Codes of failures that every batch of a group would meet again by itself. */
const SHARED: ReadonlySet<string> = new Set([
  "Busy",
  "CannotOpen", // a server that does not answer would be waited for again by each of them
  "Closed",
  "ReadOnly",
  "Corrupt",
  "Io",
]);

/** Whether every other commit of the group would meet the same failure by itself. */
export function isShared(error: unknown): boolean {
  return error instanceof StorageError && SHARED.has(error.code);
}

/** Whether a failure of what began at `since`, by `performance.now()`, is that of a storage that answers nobody. */
export function isSilence(error: unknown, since: number): boolean {
  return isShared(error) && performance.now() - since >= SILENT_MS;
}
