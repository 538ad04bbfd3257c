/** What judging may cost: it follows what was sent, counted in operations (docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Entry, ID } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import type { TreeUpdate } from "../../src/backend/tree_update.ts";
import { EntryJudge } from "../../src/database/entry_judge.ts";
import { utf8 } from "../../src/util/bytes.ts";
import type { StoreLie } from "./craft.ts";
import { expectUnharmed, inWorld, onTip, send, statusOf, type World } from "./world.ts";

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

/** How many entries are judged while `action` runs. */
async function judgedDuring(action: () => Promise<unknown>): Promise<number> {
  const { judge } = EntryJudge.prototype;
  let judged = 0;
  EntryJudge.prototype.judge = function (entry) {
    judged++;
    return judge.call(this, entry);
  };
  try {
    await action();
  } finally {
    EntryJudge.prototype.judge = judge;
  }
  return judged;
}

/** A chain of honest entries on the tip. */
function chain(world: World, length: number): Entry[] {
  const made: Entry[] = [];
  for (let at = 0; at < length; at++) {
    const parent = made.at(-1) ?? world.last;
    const stores = { s: { data: EMPTY, parents: [parent.id] } };
    made.push(onTip(world, { parents: [parent], stores }));
  }
  return made;
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

  it("is one judgement more, however much of what it names comes after it in the same batch", () =>
    inWorld(async (world) => {
      const { root, people } = world;
      const later = chain(world, 60);
      const parents = later.map(({ id }) => id);
      // Of the height of the first commit, so that they come before what they name.
      const forged = [0, 1, 2].map((at) =>
        onTip(world, {
          parents: [root],
          pin: [root.id],
          key: people.stranger,
          stores: { [`f${at}`]: { data: EMPTY, parents } },
        })
      );
      const partly = onTip(world, {
        parents: [root],
        pin: [root.id],
        key: people.stranger,
        stores: { s: { data: EMPTY, parents: [...parents, nowhere("never")] } },
      });
      const judged = await judgedDuring(async () => {
        const report = await send(world, ...later, ...forged, partly);
        assert.deepEqual([report.stored, report.verified, report.failed], [64, 60, 3]);
      });
      assert.ok(judged <= later.length + 3 * (forged.length + 1), `${judged} are judged`);
      for (const { id } of forged) assert.equal(await statusOf(world, id), "Failed");
      assert.equal(await statusOf(world, partly.id), "Unverified");
      await expectUnharmed(world);
    }));
});
