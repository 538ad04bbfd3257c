/**
 * Entries that wait for many others: an arrival counts, and judges none of them again before the last has come, or
 * one is not what it should be.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { MIN_COUNTED } from "../../src/backend/backlog/wait_counts.ts";
import { MAX_CHOSEN_HEIGHT } from "../../src/entry/constants.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { forgetCounts } from "../helpers/old_heads.ts";
import { checkWaits } from "../helpers/wait_check.ts";
import { craft } from "./craft.ts";
import { EMPTY, judgedDuring, Kept, over, settingsOf, siblings } from "./waiting.ts";
import { inWorld, onTip, send, statusOf, type World } from "./world.ts";

const countsIn = ({ node }: World) => checkWaits((node.backend as LocalBackend).driver);
const texts = (entries: readonly Entry[]) => entries.map(({ id }) => `${id}`).sort();

/** How many wait, where that is varied. More than so many children of one entry are not counted apart. */
const WAITING = [20, 30];

/** A view of a storage that counts the keys that are asked for, found in ranges, and changed. */
function counting(kept: Kept): { changes: Partial<StorageDriver>; take: () => number[] } {
  let [asked, listed, changed] = [0, 0, 0];
  const { storage } = kept;
  const changes: Partial<StorageDriver> = {
    get: (key) => (asked++, storage.get(key)),
    getMany: (keys) => (asked += keys.length, storage.getMany(keys)),
    async *list(range) {
      for await (const page of storage.list(range)) {
        listed += page.length;
        yield page;
      }
    },
    commit: (batch) => {
      changed += (batch.set?.length ?? 0) + (batch.delete?.length ?? 0);
      return storage.commit(batch);
    },
  };
  const take = () => {
    const taken = [asked, listed, changed];
    [asked, listed, changed] = [0, 0, 0];
    return taken;
  };
  return { changes, take };
}

describe("an arrival that many wait for", () => {
  it("judges nobody who waits for more", () =>
    inWorld(async (world) => {
      const all = siblings(world, 100);
      const waiters = Array.from({ length: 20 }, (_, at) => over(world, all, `w${at}`));
      const report = await send(world, ...waiters);
      assert.deepEqual([report.stored, report.unverified], [20, 20]);
      assert.equal(await countsIn(world), 20);
      for (const [at, entry] of all.entries()) {
        const judged = await judgedDuring(() => send(world, entry));
        const expected = at < all.length - 1 ? [entry] : [entry, ...waiters];
        assert.deepEqual(judged.sort(), texts(expected));
      }
      for (const { id } of waiters) assert.equal(await statusOf(world, id), "Verified");
      assert.equal(await countsIn(world), 0);
    }));

  it("reads and writes as much however many others they wait for, and a few keys for each of them", () =>
    inWorld(async (world) => {
      const costs = new Map<string, number[]>();
      const most = siblings(world, 120);
      for (const waiting of WAITING) {
        for (const many of [20, 120]) {
          const kept = new Kept();
          const { changes, take } = counting(kept);
          const node = await kept.create(world, changes);
          const all = most.slice(0, many);
          const waiters = Array.from({ length: waiting }, (_, at) => over(world, all, `w${at}`));
          await node.putRemoteEntries(world.root.id, waiters);
          // The first finds less in memory than those that come after it.
          await node.putRemoteEntries(world.root.id, [all[0]!]);
          take();
          for (const entry of all.slice(1, 11)) {
            await node.putRemoteEntries(world.root.id, [entry]);
          }
          costs.set(`${waiting} for ${many}`, take());
          await node.close();
        }
      }
      for (const waiting of WAITING) {
        assert.deepEqual(costs.get(`${waiting} for 120`), costs.get(`${waiting} for 20`));
      }
      // Of each that waits the count is read, the marker found and removed, and the count written.
      const [some, more] = WAITING.map((waiting) => costs.get(`${waiting} for 120`)!);
      const [asked, listed, changed] = more!.map((cost, at) => cost - some![at]!);
      assert.deepEqual([asked, listed], [100, 100]);
      assert.ok(changed! <= 200, `${changed} keys are changed`);
    }));

  const kinds: Readonly<Record<string, (world: World, good: readonly Entry[]) => [Entry, Entry]>> =
    {
      "has failed": (world, good) => {
        const bad = onTip(world, { key: world.people.stranger, stores: { s: { data: EMPTY } } });
        return [bad, over(world, [...good, bad], "w")];
      },
      "is too high for a parent": (world, good) => {
        const bad = onTip(world, { height: 1000, stores: { s: { data: EMPTY } } });
        return [bad, over(world, [...good, bad], "w", { height: 900 })];
      },
      "is no member of the store": (world, good) => {
        const bad = onTip(world, { stores: { other: { data: EMPTY } } });
        return [bad, over(world, [...good, bad], "w")];
      },
      "is pinned and no settings": (world, good) => {
        const bad = onTip(world, { stores: { s: { data: EMPTY } } });
        const pin = [...settingsOf(world, good.length), bad].map(({ id }) => id);
        return [bad, onTip(world, { pin, stores: { s: { data: EMPTY } } })];
      },
    };
  for (const [name, make] of Object.entries(kinds)) {
    it(`and ${name} fails those who wait for it, whoever comes first`, async () => {
      for (const isFirst of [true, false]) {
        await inWorld(async (world) => {
          const good = siblings(world, 2 * MIN_COUNTED);
          const [bad, waiter] = make(world, good);
          // All others are missing for ever: the one alone decides.
          for (const entry of isFirst ? [bad, waiter] : [waiter, bad]) await send(world, entry);
          assert.equal(await statusOf(world, waiter.id), "Failed");
          assert.equal(await countsIn(world), 0);
        });
      }
    });
  }

  it("and comes with another tree fails them", () =>
    inWorld(async (world) => {
      const foreign = craft({
        root: world.foreign[0]!.id,
        parents: [world.foreign.at(-1)!],
        height: 1,
        stores: { s: { data: EMPTY } },
      });
      const waiter = over(world, [...siblings(world, MIN_COUNTED), foreign], "w");
      await send(world, waiter);
      assert.equal(await statusOf(world, waiter.id), "Unverified");
      await world.node.putRemoteEntries(world.foreign[0]!.id, [foreign]);
      assert.equal(await statusOf(world, waiter.id), "Failed");
      assert.equal(await countsIn(world), 0);
    }));

  it("and is the last parent of one that uses up heights fails it, though members are missing", async () => {
    for (const isFirst of [true, false]) {
      await inWorld(async (world) => {
        const good = siblings(world, 2 * MIN_COUNTED);
        const members = siblings(world, 2 * MIN_COUNTED + 1);
        const waiter = over(world, good, "w", { height: MAX_CHOSEN_HEIGHT + 1 }, members);
        for (const entry of isFirst ? [...good, waiter] : [waiter, ...good]) {
          await send(world, entry);
        }
        assert.equal(await statusOf(world, waiter.id), "Failed");
      });
    }
  });
});

describe("an entry that waits for many", () => {
  it("is counted from so many on", () =>
    inWorld(async (world) => {
      const all = siblings(world, MIN_COUNTED);
      await send(world, over(world, all.slice(1), "few"));
      assert.equal(await countsIn(world), 0);
      await send(world, over(world, all, "many"));
      assert.equal(await countsIn(world), 1);
    }));

  it("names some of them more than once, and is counted for each once", () =>
    inWorld(async (world) => {
      const all = siblings(world, MIN_COUNTED);
      const ids = all.map(({ id }) => id);
      const twice = { data: EMPTY, parents: ids };
      const waiter = onTip(world, {
        parents: all,
        stores: { s: twice, s0: { data: EMPTY, parents: [ids[0]!] } },
      });
      await send(world, waiter);
      assert.equal(await countsIn(world), 1);
      for (const entry of all) {
        assert.equal(await statusOf(world, waiter.id), "Unverified");
        await send(world, entry);
      }
      assert.equal(await statusOf(world, waiter.id), "Verified");
    }));

  it("waits for its pin when its parents are there, and is judged once more for each", () =>
    inWorld(async (world) => {
      const parents = siblings(world, 20);
      const pinned = settingsOf(world, 20);
      const pin = pinned.map(({ id }) => id);
      const waiter = over(world, parents, "w", { pin });
      const judged = await judgedDuring(async () => {
        for (const entry of [waiter, ...parents, ...pinned]) await send(world, entry);
      });
      assert.equal(judged.filter((id) => id === `${waiter.id}`).length, 3);
      assert.equal(await statusOf(world, waiter.id), "Verified");
      assert.equal(await countsIn(world), 0);
    }));

  it("is judged anew when what had come is Unverified again, and fails when that is refused", () =>
    inWorld(async (world) => {
      const { root, node } = world;
      const backend = node.backend as LocalBackend;
      const all = siblings(world, 20);
      const waiters = [over(world, all, "a"), over(world, all.slice(1), "b")];
      await send(world, ...waiters, ...all.slice(0, 5));
      for (const { id } of all.slice(0, 3)) await backend.demoteToUnverified(root.id, id);
      await backend.updateVerificationStatus(all[0]!.id, "Failed");
      await send(world, ...all.slice(5, 10));
      assert.equal(await statusOf(world, all[1]!.id), "Verified", "it is judged again");
      assert.equal(await statusOf(world, waiters[0]!.id), "Failed");
      assert.equal(await countsIn(world), 1);
      await backend.demoteToUnverified(root.id, world.last.id);
      await send(world, ...all.slice(10));
      assert.equal(await statusOf(world, waiters[1]!.id), "Verified");
      await backend.demoteToUnverified(root.id, waiters[1]!.id);
      await send(world, over(world, [waiters[1]!], "c"));
      assert.equal(await statusOf(world, waiters[1]!.id), "Verified");
      assert.equal(await countsIn(world), 0);
    }));

  it("is counted as soon as it is judged again, on a storage that knows of no counts", () =>
    inWorld(async (world) => {
      const all = siblings(world, 20);
      const waiters = [0, 1, 2].map((at) => over(world, all, `w${at}`));
      const kept = new Kept();
      const node = await kept.create(world);
      await node.putRemoteEntries(world.root.id, waiters);
      await node.close();
      await forgetCounts(kept.storage);
      const again = await kept.reopen();
      assert.equal(await checkWaits(kept.storage), 0);
      for (const [at, entry] of all.entries()) {
        const judged = await judgedDuring(() => again.putRemoteEntries(world.root.id, [entry]));
        const isOpen = at > 0 && at < all.length - 1;
        assert.deepEqual(judged.sort(), texts(isOpen ? [entry] : [entry, ...waiters]));
        assert.equal(await checkWaits(kept.storage), at < all.length - 1 ? waiters.length : 0);
      }
      await again.close();
    }));

  it("and one of those that never come does not keep others from it: thousands wait for thousands", () =>
    inWorld(async (world) => {
      const missing = siblings(world, 100);
      const some = siblings(world, 30).slice(0, 10);
      const waiters = Array.from({ length: 40 }, (_, at) => {
        return over(world, [...some, ...missing.slice(at)], `w${at}`);
      });
      await send(world, ...waiters);
      const judged = await judgedDuring(async () => {
        for (const entry of [...some, ...missing.slice(50)]) await send(world, entry);
      });
      assert.deepEqual(judged.sort(), texts([...some, ...missing.slice(50)]));
      await send(world, ...missing.slice(0, 50));
      for (const { id } of waiters) assert.equal(await statusOf(world, id), "Verified");
      assert.equal(await countsIn(world), 0);
    }));
});
