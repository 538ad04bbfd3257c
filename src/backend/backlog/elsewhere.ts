/**
 * What entries of a tree wait for, as if it were of that tree, and another one holds: then they fail.
 *
 * What nobody holds yet may arrive in any tree. So it is marked under its own ID (`parked.ts`): whoever stores
 * entries looks, after the commit, which of them other trees wait for, and whoever begins to wait looks,
 * after the commit, what has arrived meanwhile. One of the two finds the other. A process that dies in between
 * leaves it to the first passes of a later process, which look at all that is awaited. Where no other tree
 * has a backlog (`backlog_trees.ts`) nobody looks.
 *
 * @module
 */

import type { ID } from "../../entry/id.ts";
import type { Pair, StorageDriver } from "../../storage/driver.ts";
import { concat } from "../../util/bytes.ts";
import { allParkedPrefix, prefixRange, readParkedAwaited } from "../records/keys.ts";
import type { IdRow } from "../records/tree_records.ts";
import type { Placed } from "./agenda.ts";
import type { ReadRows } from "./backlog.ts";

/** How many markers are looked at in one pass. */
const LOOKED_AT_ONCE = 4096;

/** How far was looked at what is awaited in a tree. */
export type Looked = "start" | "done" | Uint8Array;

/** Those of some entries that are held, and whose row is wanted. */
export function placed(
  ids: readonly ID[],
  rows: readonly (IdRow | undefined)[],
  isWanted: (row: IdRow) => boolean,
): Placed[] {
  return ids.flatMap((id, at) => {
    const row = rows[at];
    return row !== undefined && isWanted(row) ? [{ id, height: row.height }] : [];
  });
}

/** Those of some entries that are held, but not in `tree`. */
export function heldElsewhere(
  tree: ID,
  ids: readonly ID[],
  rows: readonly (IdRow | undefined)[],
): Placed[] {
  return placed(ids, rows, (row) => !row.tree.equals(tree));
}

/** Looks at all that is awaited in a tree, page by page. */
export class ElsewhereLook {
  readonly #driver: StorageDriver;
  readonly #tree: ID;
  readonly #rowsOf: ReadRows;

  /** Looks at what `tree` waits for; `rowsOf` reads rows of entries. */
  constructor(driver: StorageDriver, tree: ID, rowsOf: ReadRows) {
    this.#driver = driver;
    this.#tree = tree;
    this.#rowsOf = rowsOf;
  }

  /** Up to `most` entries that are held elsewhere, in the order of the markers, and where to go on. */
  async from(looked: Looked, most: number): Promise<{ found: Placed[]; looked: Looked }> {
    const limit = Math.max(1, Math.min(most, LOOKED_AT_ONCE));
    let next = looked;
    for (let count = 0; count < LOOKED_AT_ONCE && next !== "done"; count += limit) {
      const start = next === "start" ? allParkedPrefix(this.#tree) : next;
      const { awaited, last } = await this.#page(start, limit);
      const found = heldElsewhere(this.#tree, awaited, await this.#rowsOf(awaited));
      next = last === undefined ? "done" : concat(last, Uint8Array.of(0));
      if (found.length > 0) return { found, looked: next };
    }
    return { found: [], looked: next };
  }

  /** What is waited for by the next `limit` markers, and the last of them unless they are the end. */
  async #page(
    start: Uint8Array,
    limit: number,
  ): Promise<{ readonly awaited: ID[]; readonly last: Uint8Array | undefined }> {
    const prefix = allParkedPrefix(this.#tree);
    const pairs: Pair[] = [];
    for await (const page of this.#driver.list({ ...prefixRange(prefix), start, limit })) {
      pairs.push(...page);
    }
    const all = pairs.map(({ key }) => readParkedAwaited(key, prefix.length));
    const awaited = all.filter((id, at) => at === 0 || !id.equals(all[at - 1]!));
    return { awaited, last: pairs.length < limit ? undefined : pairs.at(-1)!.key };
  }
}
