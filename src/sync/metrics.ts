import type { ID } from "../entry/id.ts";
import type { PublicKey } from "../keys/public_key.ts";
import type { EideticaError } from "../util/errors.ts";
import type { TreeReport } from "./worker/tree_sync.ts";

/** What has gone over between this instance and one peer, of one tree, since synchronisation was enabled. */
export interface TreeMetrics {
  /** Public key of the peer. */
  readonly peer: string;
  /** Root of the tree. */
  readonly tree: string;
  /** Entries that arrived. */
  readonly received: number;
  /** Those of them that became Verified. */
  readonly verified: number;
  /** Entries that were sent. */
  readonly sent: number;
  /** Bytes of entries, both ways. */
  readonly bytes: number;
  /** Requests that were made. */
  readonly rounds: number;
  /** Attempts that failed. */
  readonly failures: number;
  /** When it succeeded last, in milliseconds since 1970. */
  readonly lastSuccess: number | undefined;
  /** What failed last, and was not followed by a success. */
  readonly lastError: string | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Counts what goes over. */
export class SyncMetrics {
  readonly #all = new Map<string, Mutable<TreeMetrics>>();
  readonly #now: () => number;

  /** Counts from now on; `now` tells milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes a success. */
  count(peer: PublicKey, tree: ID, report: TreeReport): void {
    const row = this.#row(peer, tree);
    for (const name of ["received", "verified", "sent", "bytes", "rounds"] as const) {
      row[name] += report[name];
    }
    row.lastSuccess = this.#now();
    row.lastError = undefined;
  }

  /** Notes a failure. */
  failed(peer: PublicKey, tree: ID, error: EideticaError): void {
    const row = this.#row(peer, tree);
    row.failures++;
    row.lastError = `${error.code}: ${error.message}`;
  }

  /** All counts, by peer and tree. */
  all(): TreeMetrics[] {
    return [...this.#all.values()].map((row) => ({ ...row }));
  }

  #row(peer: PublicKey, tree: ID): Mutable<TreeMetrics> {
    const key = `${peer} ${tree}`;
    const known = this.#all.get(key);
    if (known !== undefined) return known;
    const counts = { received: 0, verified: 0, sent: 0, bytes: 0, rounds: 0, failures: 0 };
    const made = {
      peer: `${peer}`,
      tree: `${tree}`,
      ...counts,
      lastSuccess: undefined,
      lastError: undefined,
    };
    this.#all.set(key, made);
    return made;
  }
}
