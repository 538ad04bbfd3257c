import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Doc, DocStore, Table } from "../../mod.ts";
import { hasCode, withDb } from "../database/bed.ts";
import { inStore, viewer } from "../helpers/store_bed.ts";

describe("DocStore", () => {
  it("04#14,#15,#16,#17 values, paths and kinds", () =>
    withDb(async ({ db }) => {
      await inStore(db, async (store) => {
        await store.set("text", "t");
        await store.set("text", "u");
        await store.set("a.b.c", 1);
        await store.set("list", ["x", { y: true }]);
        await store.set("big", 2n ** 63n - 1n);
        await store.set("nothing", null);
      });
      const store = await viewer(db);
      assert.equal(await store.getString("text"), "u");
      assert.equal(await store.getInt("a.b.c"), 1);
      assert.equal(await store.getInt("big"), 2n ** 63n - 1n);
      assert.equal(await store.getBool("list.1.y"), true);
      assert.equal((await store.getList("list")).len(), 2);
      assert.equal(await store.get("nothing"), null);
      assert.equal((await store.getAll()).len(), 5);
      for (const key of ["a", "list", "a.b.c"]) {
        await assert.rejects(store.getString(key), hasCode("TypeMismatch"));
      }
      await assert.rejects(store.get("none"), hasCode("KeyNotFound"));
      assert.equal(await store.getOption("none"), undefined);
      await assert.rejects(
        inStore(db, (other) => other.set("x", 1.5)),
        hasCode("InvalidValue"),
      );
      await inStore(db, async (other) => {
        await other.set("text.deep", 1);
        await assert.rejects(other.getString("text"), hasCode("TypeMismatch"));
      });
      assert.deepEqual((await (await viewer(db)).getNode("text")).toObject(), { deep: 1 });
    }));

  it("04#18,#19,#26 deletions are seen at once and stay", () =>
    withDb(async ({ db }) => {
      await inStore(db, async (store) => {
        await store.set("a", 1);
        await store.set("b.c", 1);
        await store.set("b.d", 1);
      });
      await inStore(db, async (store) => {
        assert.equal(await store.delete("a"), true);
        assert.equal(await store.delete("a"), false);
        assert.equal(await store.delete("none"), false);
        assert.equal(
          await store.containsKey("a"),
          false,
          "ours: a key deleted here reads as missing here",
        );
        await assert.rejects(store.get("a"), hasCode("KeyNotFound"));
        assert.equal(await store.delete("b.c"), true);
        assert.equal(await store.containsKey("b.d"), true);
      });
      const all = await (await viewer(db)).getAll();
      assert.ok(all.isTombstone("a") && all.isTombstone("b.c"));
      assert.deepEqual(all.toObject(), { b: { d: 1 } });
    }));

  it("04#20,#21,#22 modify, insert, and their fallbacks", () =>
    withDb(async ({ db }) => {
      await inStore(db, (store) => store.set("n", 1));
      await inStore(db, async (store) => {
        await assert.rejects(store.modify("none", () => 1), hasCode("KeyNotFound"));
        await store.modify("n", (value) => Number(value) + 1);
        assert.equal(await store.getInt("n"), 2);
        await store.modifyOrInsert("m", 10, (value) => Number(value) + 1);
        assert.equal(await store.getInt("m"), 11);
        assert.equal(await store.getOrInsert("m", 0), 11);
        assert.equal(await store.getOrInsert("new", "x"), "x");
        assert.equal(await store.insert("new", "y"), "x");
        assert.equal(await store.insert("fresh", "z"), undefined);
      });
      await inStore(db, async (store) => assert.equal(await store.insert("n", 5), undefined));
    }));

  it("04#23,#24 documents merge, atomic ones replace, lists unite", () =>
    withDb(async ({ db }) => {
      await inStore(db, async (store) => {
        await store.set("plain", { a: 1 });
        await store.set("atomic", { a: 1 });
        await store.set("list", ["one"]);
        await store.set("edited", ["one"]);
      });
      await inStore(db, async (store) => {
        await store.set("plain", { b: 2 });
        assert.deepEqual((await store.getNode("plain")).toObject(), { a: 1, b: 2 });
        await store.set("atomic", Doc.atomic({ b: 2 }));
        await store.set("list", ["two"]);
        const list = await store.getList("edited");
        list.push("two");
        list.remove(0);
        await store.set("edited", list);
      });
      const all = (await (await viewer(db)).getAll()).toObject() as Record<string, unknown>;
      assert.deepEqual([all.plain, all.atomic, all.edited], [{ a: 1, b: 2 }, { b: 2 }, ["two"]]);
      assert.deepEqual((all.list as string[]).sort(), ["one", "two"]);
    }));

  it("04#25,#27 editors", () =>
    withDb(async ({ db }) => {
      await inStore(db, async (store) => {
        const root = store.getRootMut();
        await root.getValueMut("a").getValueMut("b").set(1);
        assert.equal(await root.getValueMut("a").getValue("b"), 1);
        await assert.rejects(root.getValueMut("x").get(), hasCode("KeyNotFound"));
        await store.set("text", "t");
        await assert.rejects(root.getValueMut("text").getValue("deep"), hasCode("TypeMismatch"));
        await assert.rejects(root.set("no document"), hasCode("TypeMismatch"));
        assert.ok(await root.get() instanceof Doc);
        await root.getValueMut("a").deleteChild("b");
        assert.equal(await store.containsKey("a"), true);
        await root.getValueMut("a").deleteSelf();
        await store.set("a.again", true);
        assert.equal(await store.getBool("a.again"), true);
      });
      assert.deepEqual((await (await viewer(db)).getAll()).toObject(), {
        a: { again: true },
        text: "t",
      });
    }));

  it("04#34,#35 branches keep each other's edits; several stores share one entry", () =>
    withDb(async ({ db }) => {
      const at = await db.snapshot();
      for (const [key, store] of [["one", "s"], ["two", "s"], ["three", "other"]] as const) {
        const tx = await db.newTransaction({ at });
        await (await tx.getStore(DocStore, store)).set(key, 1);
        await tx.commit();
      }
      assert.deepEqual([...(await (await viewer(db)).getAll()).keys()], ["one", "two"]);
      await db.withTransaction(async (tx) => {
        await (await tx.getStore(DocStore, "s")).set("four", 1);
        await (await tx.getStore(Table, "t")).insert({ a: 1 });
      });
      const [entry] = await db.getTipEntries();
      assert.deepEqual([...entry!.subtrees], ["_index", "s", "t"]);
      const keys: string[] = [];
      for await (const key of (await viewer(db)).keys()) keys.push(key);
      assert.deepEqual(keys, ["four", "one", "two"]);
    }));

  it("03 §5 keys in an array are literal, dots and all", () =>
    withDb(async ({ db }) => {
      await inStore(db, async (store) => {
        await store.set(["a.b", "c"], 1);
        await store.set("a.b.c", 2);
      });
      await inStore(db, async (store) => {
        assert.equal(await store.getInt(["a.b", "c"]), 1);
        assert.equal(await store.getInt("a.b.c"), 2);
        assert.equal(await store.delete(["a.b", "c"]), true);
        assert.equal(await store.containsKey(["a.b", "c"]), false);
        assert.equal(await store.containsKey(["a", "b", "c"]), true);
        assert.equal(await store.getOption("..."), undefined);
      });
    }));

  it("04#20 modify keeps what is changed in place, or takes what is returned", () =>
    withDb(async ({ db }) => {
      await inStore(db, async (store) => {
        await store.set("doc", { a: 1 });
        await store.modify("doc", (value) => void (value as Doc).set("b", 2));
        assert.deepEqual((await store.getNode("doc")).toObject(), { a: 1, b: 2 });
        await store.modify("doc", () => "replaced");
        assert.equal(await store.getString("doc"), "replaced");
        await assert.rejects(
          store.modify("doc", () => {
            throw new Error("stop");
          }),
          /stop/,
        );
        assert.equal(await store.getString("doc"), "replaced");
      });
    }));

  it("13 §5 a value handed to a caller never changes, and changing it changes no store", () =>
    withDb(async ({ db }) => {
      const given = Doc.from({ n: 1, list: ["a"] });
      await inStore(db, (store) => store.set("doc", given));
      given.set("n", "changed after set");
      await inStore(db, async (store) => {
        const [node, list, all] = [
          await store.getNode("doc"),
          await store.getList("doc.list"),
          await store.getAll(),
        ];
        await store.set("doc.n", 2);
        await store.set("doc.more", true);
        const staged = store.localData()!;
        assert.deepEqual(node.toObject(), { n: 1, list: ["a"] });
        assert.deepEqual(all.toObject(), { doc: { n: 1, list: ["a"] } });
        node.set("n", "mine");
        list.push("mine");
        all.set("doc.n", "mine");
        (await store.getAll()).remove("doc");
        staged.set("doc.n", "mine");
        for await (const [, value] of store.entries()) (value as Doc).set("n", "mine");
        const [first] = (await store.getList("doc.list")).toArray();
        assert.equal(first, "a");
        assert.deepEqual((await store.getNode("doc")).toObject(), {
          n: 2,
          list: ["a"],
          more: true,
        });
      });
      const seen = await (await viewer(db)).getNode("doc");
      (await (await viewer(db)).getNode("doc")).set("n", "mine");
      await inStore(db, (store) => store.set("doc.n", 3));
      assert.deepEqual(seen.toObject(), { n: 2, list: ["a"], more: true });
      assert.equal(await (await viewer(db)).getInt("doc.n"), 3);
    }));

  it("04 §1,§13 one delta holds what was touched; writes side by side all stay", () =>
    withDb(async ({ db }) => {
      await inStore(db, (store) => store.set("old", 1));
      await inStore(db, async (store, tx) => {
        const other = await tx.getStore(DocStore, "s");
        const keys = Array.from({ length: 20 }, (_, at) => `k${at}`);
        await Promise.all(keys.map((key, at) => (at % 2 ? store : other).set(key, at)));
        assert.equal((await store.getAll()).len(), 21);
      });
      const [entry] = await db.getTipEntries();
      const delta = Doc.parseBytes(entry!.data("s"));
      assert.equal(delta.len(), 20);
      assert.equal(delta.has("old"), false);
    }));

  it("04 §13 after the commit a handle refuses writes; a dropped transaction leaves nothing", () =>
    withDb(async ({ db }) => {
      const tips = await db.snapshot();
      const dropped = await db.newTransaction();
      await (await dropped.getStore(DocStore, "s")).set("a", 1);
      assert.ok((await db.snapshot()).equals(tips));
      const tx = await db.newTransaction();
      const store = await tx.getStore(DocStore, "s");
      await store.set("a", 2);
      await tx.commit();
      await assert.rejects(store.set("a", 3), hasCode("TransactionAlreadyCommitted"));
      await assert.rejects(tx.getStore(DocStore, "t"), hasCode("TransactionAlreadyCommitted"));
      assert.equal(await (await viewer(db)).getInt("a"), 2);
    }));
});
