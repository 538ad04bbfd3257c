import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, Doc, DocStore, type Entry, Snapshot, type Transaction } from "../../mod.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { peerWith, withDb } from "./bed.ts";

type Change = (tx: Transaction) => Promise<unknown> | unknown;

async function commit(db: Database, change: Change, at?: Snapshot): Promise<Entry> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await change(tx);
  return await db.getEntry(await tx.commit());
}

const write = (...stores: string[]): Change => async (tx) => {
  for (const store of stores) await (await tx.getStore(DocStore, store)).set("k", "v");
};
const strategy = (name: "timestamp" | "incremental"): Change => (tx) =>
  tx.getSettings().setHeightStrategy(name);
/** The heights as they are written; undefined where they are left out. */
const written = (entry: Entry, store: string) => {
  const json = JSON.parse(JSON.stringify(entry)) as {
    tree: { h?: number };
    subtrees: { name: string; h?: number }[];
  };
  return [json.tree.h, json.subtrees.find(({ name }) => name === store)?.h];
};

/** A database whose clock stands at `millis` until the test moves it. */
async function withClock(
  millis: number,
  test: (db: Database, clock: FixedClock) => Promise<void>,
): Promise<void> {
  const clock = new FixedClock(millis);
  clock.hold();
  await withDb(({ db }) => test(db, clock), { clock });
}

describe("heights of entries", () => {
  it("06#27 a merge stands above its highest parent, a branch above its own", () =>
    withDb(async ({ db }) => {
      const fork = await db.snapshot();
      await commit(db, write("s"));
      const high = await commit(db, write("s"));
      const low = await commit(db, write("s"), fork);
      assert.deepEqual([high.height, low.height], [2, 1]);
      assert.equal((await commit(db, write("s"))).height, 3);
    }));

  it("06#28 time is the height; a parent from the future, and a clock that goes back, give one more", () =>
    withClock(5_000, async (db, clock) => {
      assert.equal((await commit(db, strategy("timestamp"))).height, 5_000);
      clock.set(9_000);
      const future = Snapshot.of([(await commit(db, write("s"))).id]);
      clock.set(6_000);
      assert.equal((await commit(db, write("s"), future)).height, 9_001);
      assert.equal((await commit(db, write("s"))).height, 9_002);
      clock.set(9_002);
      assert.equal((await commit(db, write("s"))).height, 9_003);
      clock.set(20_000);
      assert.equal((await commit(db, write("s"))).height, 20_000);
    }));

  it("06#29 the strategy of the creation counts for the root, and one set back counts at once", () =>
    withClock(7_000, async (db) => {
      await commit(db, strategy("timestamp"));
      const back = await commit(db, strategy("incremental"));
      assert.equal(back.height, 7_001);
      assert.equal((await commit(db, write("s"))).height, 7_002);
    }));

  it("06#29 a root under the timestamp strategy stands at the time of its creation", async () => {
    const clock = new FixedClock(3_000);
    await withDb(async ({ user }) => {
      clock.hold();
      clock.set(4_000);
      const made = await user.createDatabase(Doc.from({ height_strategy: '"timestamp"' }));
      assert.equal((await made.getRoot()).height, 4_000);
      const peer = await peerWith([await made.getRoot()]);
      assert.equal(await peer.backend.getVerificationStatus(made.rootId), "Verified");
      await peer.close();
    }, { clock });
  });

  it("06#30 heights that follow the tree are not written, those of a store with its own are", () =>
    withClock(5_000, async (db) => {
      assert.deepEqual(written(await db.getRoot(), "_settings"), [undefined, undefined]);
      const plain = await commit(db, write("s"));
      assert.deepEqual(written(plain, "s"), [1, undefined]);
      assert.equal(plain.subtreeHeight("s"), 1);
      await commit(db, strategy("timestamp"));
      const first = await commit(db, async (tx) => {
        await write("own", "_own", "s")(tx);
        for (const name of ["own", "_own"]) {
          await tx.getIndex().setHeightStrategy(name, "incremental");
        }
      });
      assert.deepEqual(written(first, "own"), [5_001, 0], "even 0 is written");
      assert.deepEqual(written(first, "_own"), [5_001, undefined]);
      assert.deepEqual(written(first, "s"), [5_001, undefined]);
      const second = await commit(db, write("own", "_own"));
      assert.deepEqual(written(second, "own"), [5_002, 1]);
      assert.equal(second.subtreeHeight("_own"), 5_002);
      const peer = await peerWith(await db.getAllEntries());
      assert.equal(await peer.backend.getVerificationStatus(second.id), "Verified");
      await peer.close();
    }));

  it("06#30 a store that counts time in a tree that counts entries", () =>
    withClock(8_000, async (db) => {
      const entry = await commit(db, async (tx) => {
        await write("own")(tx);
        await tx.getIndex().setHeightStrategy("own", "timestamp");
      });
      assert.deepEqual(written(entry, "own"), [1, 8_000]);
      assert.deepEqual(written(await commit(db, write("own")), "own"), [2, 8_001]);
      await commit(db, (tx) => tx.getIndex().setHeightStrategy("own", undefined));
      assert.deepEqual(written(await commit(db, write("own")), "own"), [4, undefined]);
    }));

  it("06#31 what is no strategy means incremental", () =>
    withClock(8_000, async (db) => {
      let height = 0;
      for (const value of ["timestamp", "", '"later"', "{}", 5, true]) {
        const entry = await commit(db, (tx) =>
          tx.getSettings().set("height_strategy", value as string));
        assert.equal(entry.height, ++height, `${value}`);
      }
      await commit(db, (tx) =>
        tx.getSettings().set("height_strategy", '"timestamp"'));
      assert.equal((await db.getTipEntries())[0]!.height, 8_000);
    }));
});
