import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, DocStore, EideticaError, type ID, Snapshot } from "../../mod.ts";
import { peerWith, withDb } from "./bed.ts";

async function commit(db: Database, store: string, key: string, at?: Snapshot): Promise<ID> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await (await tx.getStore(DocStore, store)).set(key, "v");
  return await tx.commit();
}

const keysOf = async (db: Database, store: string, at?: Snapshot): Promise<string[]> => {
  const viewer = await db.getStoreViewer(DocStore, store, at === undefined ? {} : { at });
  return [...(await viewer.getAll()).keys()].sort();
};

describe("names of stores", () => {
  it("06#32 a store whose name looks like another one's tips has no influence on it", () =>
    withDb(async ({ db }) => {
      await commit(db, "s", "base");
      const fork = await db.snapshot();
      const [one, two] = [await commit(db, "s", "one", fork), await commit(db, "s", "two", fork)];
      const both = Snapshot.of([one, two]);
      const [low, high] = both.tips as [ID, ID];
      // Every way in which a name and tips could be run together to the same text.
      const names = [`${high} s`, `s ${low}`, `s ${high}`, `${low} s`, `s|${low}`, `${high}|s`];
      for (const name of names) {
        await commit(db, name, "trap", Snapshot.of([low]));
        await commit(db, name, "trap", Snapshot.of([high]));
      }
      await commit(db, "after", "x");
      for (const name of names) {
        for (const tip of [low, high]) {
          assert.deepEqual(await keysOf(db, name, Snapshot.of([tip])), []);
        }
      }
      assert.deepEqual(await keysOf(db, "s", both), ["base", "one", "two"]);
      for (const name of names) {
        const at = Snapshot.of((await db.getEntries((await db.snapshot()).tips))[0]!.parents);
        assert.deepEqual(await keysOf(db, name, at), ["trap"]);
      }
      assert.deepEqual(await keysOf(db, "s"), ["base", "one", "two"]);
    }));

  it("06#32 entries that take part in a store and in one named after its tips are kept apart", () =>
    withDb(async ({ db }) => {
      const fork = await db.snapshot();
      const one = await commit(db, "s", "one", fork);
      const tx = await db.newTransaction({ at: fork });
      const trap = `s ${one}`;
      await (await tx.getStore(DocStore, "s")).set("two", "v");
      await (await tx.getStore(DocStore, trap)).set("trap", "v");
      const two = await tx.commit();
      assert.deepEqual(await keysOf(db, trap, Snapshot.of([two])), ["trap"]);
      assert.deepEqual(await keysOf(db, "s", Snapshot.of([one, two])), ["one", "two"]);
      assert.deepEqual(await keysOf(db, "s"), ["one", "two"]);
    }));

  it("06#10,#17 any text that is not empty is a name, and no two names are one store", () =>
    withDb(async ({ db }) => {
      const names = [
        " ",
        "a",
        "a\u0000",
        "a\u0000b",
        "ab",
        "é",
        "é".normalize("NFD"),
        "😀",
        "__proto__",
        "constructor",
        "_own",
        "a/b",
        "a.b",
        "x".repeat(300),
      ];
      for (const [at, name] of names.entries()) await commit(db, name, `in ${at}`);
      for (const [at, name] of names.entries()) {
        assert.deepEqual(await keysOf(db, name), [`in ${at}`], name);
      }
      const index = await (await db.newTransaction()).getIndex().list();
      assert.deepEqual([...index].sort(), [...names].sort());
      const peer = await peerWith((await db.getAllEntries()).reverse());
      for (const name of names) {
        const held = await peer.backend.getStore(db.rootId, name);
        assert.equal(held.length, 1, name);
        assert.ok(held[0]!.inSubtree(name));
      }
      await peer.close();
    }));

  it("06#17 a name of more than 1024 bytes is refused, and disturbs nobody", () =>
    withDb(async ({ instance, db }) => {
      await commit(db, "a", "mine");
      const before = await db.snapshot();
      for (const length of [1024, 65_536]) {
        await assert.rejects(commit(db, `a${"b".repeat(length)}`, "theirs"), EideticaError);
      }
      assert.ok((await db.snapshot()).equals(before));
      assert.equal((await instance.backend.getStore(db.rootId, "a")).length, 1);
      await commit(db, "b".repeat(1024), "fits");
      assert.deepEqual(await keysOf(db, "a"), ["mine"]);
    }));
});
