import type { Waits } from "../backend/records/commit_room.ts";
import type { IdRow } from "../backend/records/tree_records.ts";
import type { ID } from "../entry/id.ts";

/** An entry that has no verdict yet, and what it must be. */
interface Awaited {
  readonly id: ID;
  isParent: boolean;
  readonly stores: string[];
}

/** What an entry names that has no verdict yet, and the part of it that nobody holds. */
interface Named {
  readonly awaited: Map<string, Awaited>;
  readonly missing: Map<string, ID>;
}

/**
 * What an entry names that has no verdict yet, each once. One list for all rules, added to in place: a
 * stranger's entry may name hundreds of thousands.
 */
export class OpenReferences {
  /** Most entries name nothing that is open. */
  #named: Named | undefined;

  /** Whether there is nothing. */
  get isEmpty(): boolean {
    return this.#named === undefined;
  }

  /**
   * Notes an ID with what is held of it, nothing or an entry without verdict, and what it must be: a parent, or a
   * member of a store.
   */
  add(id: ID, row: IdRow | undefined, store?: string): void {
    const { awaited, missing } = this.#named ??= { awaited: new Map(), missing: new Map() };
    const key = id.toString();
    const one = awaited.get(key) ?? { id, isParent: false, stores: [] };
    if (store === undefined) one.isParent = true;
    else if (one.stores.at(-1) !== store) one.stores.push(store);
    awaited.set(key, one);
    if (row === undefined) missing.set(key, id);
  }

  /** What the entry waits for; there must be something. */
  get waits(): Waits {
    const { awaited, missing } = this.#named!;
    const roles = [...awaited.values()];
    return { ids: roles.map(({ id }) => id), roles, missing: [...missing.values()] };
  }
}
