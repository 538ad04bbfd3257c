/** Laws of judging, on random histories (docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { Database, DocStore, type Instance, ready } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { checkLog } from "../helpers/log_check.ts";
import { newStorage, STORAGES } from "../helpers/storages.ts";
import { docOf, keyOf } from "./craft.ts";
import { Dice, entriesOf, type History, newAuthor, randomHistory } from "./history.ts";
import {
  arrivals,
  judgeHistory,
  newJudge,
  references,
  type Statuses,
  statusesOf,
} from "./judgement.ts";
import { cases } from "../helpers/thorough.ts";

const STEPS = 14;
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** Runs `test` with a history and a node that holds nothing of it. */
async function withHistory(
  seed: number,
  test: (history: History, dice: Dice, author: Instance) => Promise<void>,
  steps = STEPS,
): Promise<void> {
  await ready();
  const dice = new Dice(seed);
  const author = await newAuthor(seed);
  try {
    await test(await randomHistory(author, dice, steps), dice, author);
  } finally {
    await author.close();
  }
}

async function judged(
  history: History,
  dice: Dice,
  largest: number,
  storage: StorageDriver = memoryStorage(),
): Promise<Statuses> {
  const node = await newJudge(storage);
  try {
    const statuses = await judgeHistory(node, history, dice, largest);
    const backend = node.backend as LocalBackend;
    for (const { root } of [history.team, history.main]) await checkLog(backend, root.id);
    return statuses;
  } finally {
    await node.close();
  }
}

/** The law holds for every seed; a failure shows the seed. */
async function always(runs: number, law: (seed: number) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(seeds, law), { numRuns: cases(runs) });
}

describe("laws of judging", () => {
  for (const storage of STORAGES) {
    const runs = storage === "memory" ? 25 : 4;
    it(`the status of every entry is the same in every order, in every batching, on ${storage}`, () =>
      always(runs, (seed) =>
        withHistory(seed, async (history, dice) => {
          const first = await judged(history, dice, 1);
          const second = await judged(history, dice, 9, await newStorage(storage));
          const third = await judged(history, dice, 1000);
          assert.deepEqual(second, first);
          assert.deepEqual(third, first);
        })));
  }

  it("every honest entry is Verified, no stranger's ever is", () => {
    let strangers = 0;
    return always(25, (seed) =>
      withHistory(seed, async (history, dice) => {
        const statuses = await judged(history, dice, 7);
        for (const tree of [history.team, history.main]) {
          for (const { id } of tree.honest) assert.equal(statuses.get(`${id}`), "Verified");
          for (const { id } of tree.strange) assert.notEqual(statuses.get(`${id}`), "Verified");
          strangers += tree.strange.length;
        }
      })).then(() => assert.ok(strangers > 100));
  });

  it("what a Verified entry relies on is Verified", () =>
    always(15, (seed) =>
      withHistory(seed, async (history, dice) => {
        const statuses = await judged(history, dice, 5);
        for (const entry of [...entriesOf(history.team), ...entriesOf(history.main)]) {
          if (statuses.get(`${entry.id}`) !== "Verified") continue;
          for (const id of references(entry)) assert.equal(statuses.get(`${id}`), "Verified");
        }
      })));

  it("a verdict stays: Verified and Failed are for good, whatever comes later", () => {
    const seen = new Set<string>();
    return always(15, (seed) =>
      withHistory(seed, async (history, dice) => {
        const node = await newJudge();
        let before: Statuses = new Map();
        for (const [root, batch] of arrivals(history, dice, 4)) {
          await node.putRemoteEntries(root, batch);
          const now = await statusesOf(node, history);
          for (const [id, status] of before) {
            const next = now.get(id)!;
            if (status !== next) seen.add(`${status} → ${next}`);
            if (["Verified", "Failed"].includes(status)) assert.equal(next, status);
            assert.ok(status === "refused" || next !== "refused", "what is held stays");
          }
          before = now;
        }
        await node.close();
      })).then(() => {
        assert.ok(seen.has("Unverified → Verified") && seen.has("Unverified → Failed"));
      });
  });

  it("what is read is as if no stranger had ever sent anything", () =>
    always(10, (seed) =>
      withHistory(seed, async (history, dice) => {
        const plain: History = {
          team: { ...history.team, strange: [], inside: [] },
          main: { ...history.main, strange: [], inside: [] },
        };
        const calm: History = {
          team: { ...history.team, inside: [] },
          main: { ...history.main, inside: [] },
        };
        const [a, b] = [await newJudge(), await newJudge()];
        await judgeHistory(a, plain, dice, 5);
        await judgeHistory(b, calm, dice, 5);
        for (const { root } of [history.team, history.main]) {
          assert.deepEqual(await readAll(b, root.id), await readAll(a, root.id));
        }
        await a.close();
        await b.close();
      })));
});

async function readAll(
  node: Instance,
  root: Parameters<typeof Database.open>[1],
): Promise<unknown> {
  const db = await Database.open(node, root);
  const states: unknown[] = [(await db.snapshot()).toJSON()];
  for (const store of ["s", "t", "_settings"]) {
    const viewer = store === "_settings"
      ? (await db.getSettings()).asDocStore()
      : await db.getStoreViewer(DocStore, store).catch(() => undefined);
    states.push((await viewer?.getAll())?.stringify());
  }
  return states;
}

/** A storage that counts how often it is asked. */
function counting(storage: StorageDriver): { storage: StorageDriver; asked: () => number } {
  let count = 0;
  const names: readonly PropertyKey[] = ["get", "getMany", "list", "commit"];
  const counted = new Proxy(storage, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (names.includes(name)) count++;
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  return { storage: counted, asked: () => count };
}

describe("a settled database", () => {
  it("05 §12 is verified at a cost that does not depend on how long its history is", async () => {
    await ready();
    const costs: number[] = [];
    for (const length of [10, 1000]) {
      const { storage, asked } = counting(memoryStorage());
      const node = await newJudge(storage);
      const db = await Database.create(node, keyOf(1), docOf({ name: "long" }));
      const one = async (at: number) =>
        await db.withTransaction(async (tx) =>
          await (await tx.getStore(DocStore, "s")).set(`k${at % 7}`, "v")
        );
      for (let at = 0; at < length; at++) await one(at);
      await db.verify();
      const before = asked();
      assert.deepEqual(await db.verify(), { verified: 0, failed: 0, stillUnverified: 0 });
      await db.snapshot();
      costs.push(asked() - before);
      await node.close();
    }
    assert.equal(costs[1], costs[0]);
    assert.ok(costs[0]! <= 8, `${costs[0]} questions to the storage`);
  });
});
