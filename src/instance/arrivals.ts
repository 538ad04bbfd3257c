import type { Placed } from "../backend/agenda.ts";
import { heldElsewhere } from "../backend/elsewhere.ts";
import { awaitedKey } from "../backend/keys.ts";
import type { LocalBackend } from "../backend/local.ts";
import type { IdRow } from "../backend/records.ts";
import type { ID } from "../entry/id.ts";

/** How many entries are looked up by one call of the storage. */
const READ_AT_ONCE = 512;

/**
 * Entries that arrive in another tree than those expect who wait for them (`elsewhere.ts`). All is read
 * from the storage after a commit, so that of two writers at once one finds the other.
 */
export class Arrivals {
  readonly #backend: LocalBackend;

  /** Arrivals in `backend`. */
  constructor(backend: LocalBackend) {
    this.#backend = backend;
  }

  /**
   * Trees that may wait for what `tree` has got, with that: those of `stored` that are marked as awaited,
   * and `unmarked` ones, whose marks this process has just removed.
   */
  async awaitedIn(
    tree: ID,
    stored: readonly ID[],
    unmarked: readonly ID[],
  ): Promise<{ readonly trees: readonly ID[]; readonly arrived: readonly Placed[] }> {
    const trees = await this.#backend.backlogs.others(tree);
    if (trees.length === 0) return { trees, arrived: [] };
    const marked = await paged(stored, async (ids) => {
      const marks = await this.#backend.driver.getMany(ids.map(awaitedKey));
      return ids.filter((_, at) => marks[at] !== undefined);
    });
    const arrived = await this.#rows(
      [...marked, ...unmarked],
      (ids, rows) =>
        ids.flatMap((id, at) => {
          const row = rows[at];
          return row?.tree.equals(tree) === true ? [{ id, height: row.height }] : [];
        }),
    );
    return { trees: arrived.length === 0 ? [] : trees, arrived };
  }

  /** What `tree` has begun to wait for, and another tree has got meanwhile. */
  async heldElsewhere(tree: ID, missing: readonly ID[]): Promise<Placed[]> {
    return await this.#rows(missing, (ids, rows) => heldElsewhere(tree, ids, rows));
  }

  async #rows(
    ids: readonly ID[],
    pick: (ids: readonly ID[], rows: readonly (IdRow | undefined)[]) => Placed[],
  ): Promise<Placed[]> {
    return await paged(ids, async (page) => pick(page, await this.#backend.loadRows(page)));
  }
}

async function paged<T>(
  ids: readonly ID[],
  read: (page: readonly ID[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
    found.push(...await read(ids.slice(at, at + READ_AT_ONCE)));
  }
  return found;
}
