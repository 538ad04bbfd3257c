import type { Entry } from "../entry/entry.ts";
import type { ID } from "../entry/id.ts";
import { MAX_RELAY_TREES_AN_HOUR } from "./access/limits.ts";
import type { SyncWrites } from "./host.ts";

const HOUR_MS = 3_600_000;

/** The part of an instance that a relay asks. */
export type RelayHost = Pick<SyncWrites, "backend"> & {
  readonly clock: Pick<SyncWrites["clock"], "nowMillis">;
};

/**
 * What a relay takes and passes on: every database that somebody brings whole, to all who may read it by its own rules.
 * It holds no key of any of them, and knows nobody.
 */
export class Relay {
  readonly #host: RelayHost;
  readonly #own: ID;
  #hour = -1;
  #brought = 0;

  /** A relay for an instance; `own` is the database in which that keeps what it knows about peers. */
  constructor(host: RelayHost, own: ID) {
    this.#host = host;
    this.#own = own;
  }

  /** Whether a tree is passed on, if it is held. Who may read it is for its own settings to say. */
  passesOn(tree: ID): boolean {
    return !tree.equals(this.#own);
  }

  /** Whether entries are taken: of trees that are held, and of new ones with their root, so many an hour. */
  async takes(tree: ID, entries: readonly Entry[]): Promise<boolean> {
    if (!this.passesOn(tree)) return false;
    if (await this.#host.backend.hasEntry(tree)) return true;
    return entries.some(({ id }) => id.equals(tree)) && this.#isOneMore();
  }

  #isOneMore(): boolean {
    const hour = Math.floor(this.#host.clock.nowMillis() / HOUR_MS);
    if (hour !== this.#hour) [this.#hour, this.#brought] = [hour, 0];
    if (this.#brought >= MAX_RELAY_TREES_AN_HOUR) return false;
    this.#brought++;
    return true;
  }
}
