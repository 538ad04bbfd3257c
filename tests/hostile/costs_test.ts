/** What judging may cost: it follows what was sent, counted in operations (docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ID } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import type { TreeUpdate } from "../../src/backend/tree_update.ts";
import { EntryJudge } from "../../src/database/entry_judge.ts";
import { utf8 } from "../../src/util/bytes.ts";
import type { StoreLie } from "./craft.ts";
import { inWorld, onTip } from "./world.ts";

const EMPTY = '{"children":{}}';

const nowhere = (label: string): ID => ID.ofDagCbor(utf8(label));

/** How many items `action` takes out of arrays one by one: by spreading, by loops, by building maps. */
async function itemsTaken(action: () => Promise<unknown>): Promise<number> {
  const iterate = Array.prototype[Symbol.iterator];
  let taken = 0;
  Array.prototype[Symbol.iterator] = function (this: unknown[]) {
    taken += this.length;
    return iterate.call(this) as ArrayIterator<unknown>;
  } as typeof iterate;
  try {
    await action();
  } finally {
    Array.prototype[Symbol.iterator] = iterate;
  }
  return taken;
}

describe("the cost of what a stranger sends", () => {
  it("is linear in what an entry names that nobody has", () =>
    inWorld(async (world) => {
      const count = 20_000;
      const stores: Record<string, StoreLie> = {};
      for (let at = 0; at < count; at += 4000) {
        const parents = Array.from({ length: 4000 }, (_, of) => nowhere(`${at + of}`));
        stores[`s${at}`] = { data: EMPTY, parents };
      }
      const entry = onTip(world, { key: world.people.stranger, stores });
      const update = { tree: world.root.id, row: () => Promise.resolve(undefined) };
      const judge = new EntryJudge(
        {} as unknown as LocalBackend,
        update as unknown as TreeUpdate,
      );
      let found: unknown;
      const taken = await itemsTaken(async () => found = await judge.judge(entry));
      assert.equal((found as { ids: readonly ID[] }).ids.length, count + 1);
      assert.ok(taken <= 4 * count, `${taken} items for ${count}`);
    }));
});
