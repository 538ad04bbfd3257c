import { CheckedSignatures } from "../../database/checked_signatures.ts";
import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import { SyncError } from "../../util/errors.ts";
import type { SyncWrites } from "../host.ts";

/** What became of a part. */
export interface Stored {
  /** Entries that arrived, those held before included. */
  readonly received: number;
  /** Entries that became Verified. */
  readonly verified: number;
  /** Entries that were refused. */
  readonly refused: number;
  /** Bytes in which they came. */
  readonly bytes: number;
}

/** Where an inlet stores. */
export interface InletOptions {
  /** Root of the tree that everything must be of. */
  readonly tree: ID;
  /** Ends the storing. */
  readonly signal?: AbortSignal | undefined;
  /** Told of each part that is stored. */
  readonly stored: (part: Stored) => void;
}

/**
 * Stores what a peer sends of one tree, part by part, each behind the one before. While one is stored the next is read
 * and its signatures are checked; no third is taken meanwhile.
 */
export class Inlet {
  readonly #host: SyncWrites;
  readonly #options: InletOptions;
  #storing: Promise<void> = Promise.resolve();

  /** Stores in an instance. */
  constructor(host: SyncWrites, options: InletOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Takes a part. Resolves when the next may come; fails with what the part before has failed with. */
  async put(entries: readonly Entry[], bytes: number): Promise<void> {
    requireOwn(this.#options.tree, entries);
    CheckedSignatures.begin(entries);
    await this.#storing;
    this.#storing = this.#store(entries, bytes);
    // Whoever puts the next part, or waits for the end, is told.
    this.#storing.catch(() => undefined);
  }

  /** Resolves when all parts are stored; fails with what the last one has failed with. */
  async end(): Promise<void> {
    await this.#storing;
  }

  async #store(entries: readonly Entry[], bytes: number): Promise<void> {
    const { tree, signal, stored } = this.#options;
    const work = signal === undefined ? {} : { signal };
    const { verified, rejected } = await this.#host.putRemoteEntries(tree, entries, work);
    stored({ received: entries.length, verified, refused: rejected.length, bytes });
  }
}

function requireOwn(tree: ID, entries: readonly Entry[]): void {
  if (entries.every((entry) => (entry.root ?? entry.id).equals(tree))) return;
  const reason = "entries of another tree, or another root, were sent";
  throw new SyncError("InvalidEntry", `Cannot take what a peer has sent: ${reason}`, {
    fields: { reason },
  });
}
