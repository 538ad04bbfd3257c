import type { Placed } from "../backend/backlog/agenda.ts";
import { heldElsewhere, placed } from "../backend/backlog/elsewhere.ts";
import type { LocalBackend } from "../backend/local.ts";
import { awaitedKey, prefixRange, readAwaiter } from "../backend/records/keys.ts";
import type { IdRow } from "../backend/records/tree_records.ts";
import type { ID } from "../entry/id.ts";

/** What has arrived that entries of a tree wait for. */
export interface ArrivedFor {
  /** The tree that waits. */
  readonly tree: ID;
  /** Entries of another tree. */
  readonly arrived: readonly Placed[];
}

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
   * Who in other trees waits for what `tree` has got: for those of `stored` that are marked as awaited, and
   * for `unmarked` ones, whose marks this process has just removed.
   */
  async awaitedElsewhere(
    tree: ID,
    stored: readonly ID[],
    unmarked: readonly ID[],
  ): Promise<readonly ArrivedFor[]> {
    if (!await this.#backend.backlogs.hasOthers(tree)) return [];
    const marked = await paged(stored, async (ids) => {
      const marks = await this.#backend.driver.getMany(ids.map(awaitedKey));
      return ids.filter((_, at) => marks[at] !== undefined);
    });
    const arrived = await this.#rows(
      [...marked, ...unmarked],
      (ids, rows) => placed(ids, rows, (row) => row.tree.equals(tree)),
    );
    const found = new Map<string, { tree: ID; arrived: Placed[] }>();
    for (const item of arrived) {
      for (const waiting of await this.#awaiters(item.id)) {
        if (waiting.equals(tree)) continue;
        const known = found.get(waiting.toString()) ?? { tree: waiting, arrived: [] };
        found.set(waiting.toString(), known);
        known.arrived.push(item);
      }
    }
    return [...found.values()];
  }

  /** The trees in which somebody waits for an entry. */
  async #awaiters(id: ID): Promise<ID[]> {
    const trees: ID[] = [];
    for await (const page of this.#backend.driver.list(prefixRange(awaitedKey(id)))) {
      for (const { key } of page) {
        const tree = readAwaiter(key, id);
        if (tree !== undefined) trees.push(tree);
      }
    }
    return trees;
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
