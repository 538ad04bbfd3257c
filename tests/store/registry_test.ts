import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, Doc, DocStore, Instance, NewUser, PrivateKey, Table } from "../../mod.ts";
import { hasCode, withDb } from "../database/bed.ts";
import { inStore, viewer } from "../helpers/store_bed.ts";
import { newUrl } from "../helpers/storages.ts";

describe("registry", () => {
  it("04#1,#3,#4,#7 the first opening registers, later ones do not", () =>
    withDb(async ({ db }) => {
      assert.deepEqual(await (await db.newTransaction()).getIndex().list(), []);
      await inStore(db, (store) => store.set("a", 1));
      await inStore(db, (store) => store.set("b", 1));
      await db.withTransaction(async (tx) => void await tx.getStore(Table, "t"));
      const index = (await db.newTransaction()).getIndex();
      assert.deepEqual(await index.list(), ["s", "t"]);
      const info = await index.getEntry("s");
      assert.deepEqual([info.typeId, info.config.len(), info.heightStrategy], [
        "docstore:v0",
        0,
        undefined,
      ]);
      await assert.rejects(index.getEntry("none"), hasCode("KeyNotFound"));
      assert.equal(await index.contains("none"), false);
    }));

  it("04#5,#6,#9 types are checked; records can be changed alone", () =>
    withDb(async ({ db }) => {
      await inStore(db, (store) => store.set("a", 1));
      await assert.rejects(db.withTransaction((tx) => tx.getStore(Table, "s")), (error) => {
        return hasCode("TypeMismatch")(error) && /docstore:v0/.test((error as Error).message) &&
          /table:v0/.test((error as Error).message);
      });
      const tx = await db.newTransaction();
      await tx.getIndex().setEntry("s", "docstore:v0", Doc.from({ color: "red" }));
      const entry = await db.getEntry(await tx.commit());
      assert.deepEqual([...entry.subtrees], ["_index", "s"]);
      assert.equal(entry.findData("s"), undefined);
      const info = await (await db.newTransaction()).getIndex().getEntry("s");
      assert.equal(info.config.get("color"), "red");
    }));

  it("04#8 configurations of other kinds", () =>
    withDb(async ({ db }) => {
      const record = (config: unknown) =>
        Doc.from({ type: "x:v0", ...(config === undefined ? {} : { config }) });
      const find = async (config: unknown) => {
        const tx = await db.newTransaction();
        await (await tx.getStore(DocStore, "_index")).set("odd", record(config));
        return await tx.getIndex().getEntry("odd");
      };
      assert.equal((await find("{}")).config.len(), 0);
      assert.equal((await find(undefined)).config.len(), 0);
      assert.equal((await find(7)).config.len(), 0);
      await assert.rejects(find("text"), hasCode("DeserializationFailed"));
    }));

  it("04#10 height strategies are set and, other than in the reference, cleared", () =>
    withDb(async ({ db }) => {
      await inStore(db, (store) => store.set("a", 1));
      const strategy = async () =>
        (await (await db.newTransaction()).getIndex().getEntry("s")).heightStrategy;
      await db.withTransaction((tx) => tx.getIndex().setHeightStrategy("s", "incremental"));
      assert.equal(await strategy(), "incremental");
      await db.withTransaction((tx) => tx.getIndex().setEntry("s", "docstore:v0", new Doc()));
      assert.equal(await strategy(), "incremental", "a changed record keeps its settings");
      await db.withTransaction((tx) => tx.getIndex().setHeightStrategy("s", undefined));
      assert.equal(await strategy(), undefined);
      await assert.rejects(
        db.withTransaction((tx) => tx.getIndex().setHeightStrategy("none", "timestamp")),
        hasCode("KeyNotFound"),
      );
    }));

  it("04#56 a dot in a name makes no phantom store", () =>
    withDb(async ({ db }) => {
      await inStore(db, (store) => store.set("a", 1), "with.dot");
      const [entry] = await db.getTipEntries();
      assert.deepEqual([...entry!.subtrees], ["_index", "with.dot"]);
      assert.deepEqual(await (await db.newTransaction()).getIndex().list(), ["with.dot"]);
      assert.equal(await (await viewer(db, "with.dot")).getInt("a"), 1);
      await inStore(db, (store) => store.set("b", 1), "with.dot");
      const [second] = await db.getTipEntries();
      assert.deepEqual([...second!.subtrees], ["with.dot"], "it is registered once");
      const tx = await db.newTransaction();
      await assert.rejects(tx.getStore(Table, "with.dot"), hasCode("TypeMismatch"));
    }));

  it("04#11,#12 viewers register nothing, see no staged data, and stay as they were", () =>
    withDb(async ({ db }) => {
      const before = await viewer(db);
      assert.equal((await before.getAll()).len(), 0);
      const tx = await db.newTransaction();
      await (await tx.getStore(DocStore, "s")).set("a", 1);
      assert.equal(await (await viewer(db)).containsKey("a"), false);
      await tx.commit();
      assert.equal(await before.containsKey("a"), false);
      assert.equal(await (await db.getStoreViewer(DocStore, "_index")).containsKey("s"), true);
    }));

  it("04#2,#3 opening a new store writes its registration, opening it again nothing", () =>
    withDb(async ({ db }) => {
      await inStore(db, async () => {}, "notes");
      const [entry] = await db.getTipEntries();
      assert.deepEqual([...entry!.subtrees], ["_index", "notes"]);
      assert.equal(entry!.findData("notes"), undefined);
      assert.equal(
        new TextDecoder().decode(entry!.data("_index")),
        '{"children":{"notes":{"Doc":{"children":{"config":{"Doc":{"children":{}}},' +
          '"type":{"Text":"docstore:v0"}}}}}}',
      );
      await inStore(db, async () => {}, "notes");
      assert.deepEqual((await db.getTipEntries()).map(({ id }) => `${id}`), [`${entry!.id}`]);
      await inStore(db, (store) => store.set("a", 1), "notes");
      const [third] = await db.getTipEntries();
      assert.deepEqual([...third!.subtrees], ["notes"]);
      assert.deepEqual(await (await db.newTransaction()).getIndex().list(), ["notes"]);
    }));

  it("settings and configuration of one store that are changed in two branches are both kept", () =>
    withDb(async ({ db }) => {
      for (let round = 0; round < 4; round++) {
        const name = `s.${round}`;
        await inStore(db, async () => {}, name);
        const [one, two] = [await db.newTransaction(), await db.newTransaction()];
        await one.getIndex().setHeightStrategy(name, "timestamp");
        await two.getIndex().setEntry(name, "docstore:v0", Doc.from({ color: "red" }));
        await one.commit();
        await two.commit();
        const info = await (await db.newTransaction()).getIndex().getEntry(name);
        assert.equal(info.heightStrategy, "timestamp");
        assert.equal(info.config.get("color"), "red");
      }
    }));

  it("04#4 system stores are not registered, opened or not", () =>
    withDb(async ({ db }) => {
      assert.deepEqual([...(await db.getRoot()).subtrees], ["_root", "_settings"]);
      await db.withTransaction(async (tx) => {
        await (await tx.getStore(DocStore, "_settings")).set("note", 1);
        await tx.getStore(DocStore, "_index");
        await tx.getStore(DocStore, "_root");
      });
      const [entry] = await db.getTipEntries();
      assert.deepEqual([...entry!.subtrees], ["_settings"]);
      assert.deepEqual(await (await db.newTransaction()).getIndex().list(), []);
    }));

  it("04#9 types and configurations survive reopening", async () => {
    const url = await newUrl();
    const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
    const { rootId } = await (async () => {
      const db = await user!.createDatabase({ name: "test" });
      await db.withTransaction((tx) =>
        tx.getIndex().setEntry("own", "own:v3", Doc.from({ size: 7 }))
      );
      return db;
    })();
    await instance.close();
    const again = await Instance.connect(url);
    const db = await Database.open(again, rootId);
    const info = await (await db.newTransaction()).getIndex().getEntry("own");
    assert.deepEqual([info.typeId, info.config.toObject()], ["own:v3", { size: 7 }]);
    await again.close();
  });

  it("04#10 a height strategy is text that holds JSON, its quotes included", () =>
    withDb(async ({ db }) => {
      await inStore(db, async () => {});
      await db.withTransaction((tx) => tx.getIndex().setHeightStrategy("s", "timestamp"));
      const index = await viewer(db, "_index");
      assert.equal(await index.getString("s.settings.height_strategy"), '"timestamp"');
      await inStore(db, (store) => store.set("s.settings.height_strategy", "timestamp"), "_index");
      await assert.rejects(
        (await db.newTransaction()).getIndex().getEntry("s"),
        hasCode("DeserializationFailed"),
      );
    }));

  it("04 §4 a later configuration merges, an atomic one replaces, the later type wins", () =>
    withDb(async ({ db }) => {
      const put = (config: Doc, type = "own:v1") =>
        db.withTransaction((tx) => tx.getIndex().setEntry("own", type, config));
      const read = async () => {
        const info = await (await db.newTransaction()).getIndex().getEntry("own");
        return [info.typeId, info.config.toObject()];
      };
      await put(Doc.from({ a: 1 }));
      await put(Doc.from({ b: 2 }));
      assert.deepEqual(await read(), ["own:v1", { a: 1, b: 2 }]);
      await put(Doc.atomic({ c: 3 }), "own:v2");
      assert.deepEqual(await read(), ["own:v2", { c: 3 }]);
      await put(new Doc(), "own:v2");
      assert.deepEqual(await read(), ["own:v2", { c: 3 }]);
    }));

  it("04#13 system stores are locked while a database is created; a failure creates none", () =>
    withDb(async ({ instance, user }) => {
      const key = PrivateKey.generate();
      const roots = async () => (await instance.backend.allRoots()).length;
      const before = await roots();
      for (const name of ["_index", "_settings", "_root"]) {
        await assert.rejects(
          Database.create(instance, key, new Doc(), async (tx) => {
            await tx.getStore(DocStore, "fine");
            await tx.getStore(DocStore, name);
          }),
          hasCode("SystemSubtreeLocked"),
        );
      }
      const failing = user.newDatabase().name("x").initializeStore("s", DocStore, () => {
        throw new Error("no content");
      });
      await assert.rejects(failing.build(), /no content/);
      assert.equal(await roots(), before);
    }));

  it("04 §3 a builder fills stores in the first entry", () =>
    withDb(async ({ user }) => {
      const branch = { deep: { list: [1, 2] } };
      const { database } = await user.newDatabase().name("built")
        .emptyDoc("empty").initializeDoc("doc", Doc.from({ "a": 1, branch }))
        .initializeStore("rows", Table, (table) => table.set("k", { v: 1 })).build();
      const root = await database.getRoot();
      assert.deepEqual([...root.subtrees], [
        "_index",
        "_root",
        "_settings",
        "doc",
        "empty",
        "rows",
      ]);
      assert.deepEqual((await (await viewer(database, "doc")).getAll()).toObject(), {
        a: 1,
        branch,
      });
      assert.deepEqual(await (await database.getStoreViewer(Table, "rows")).get("k"), { v: 1 });
      const twice = user.newDatabase().emptyDoc("s").emptyDoc("s");
      await assert.rejects(twice.build(), hasCode("DuplicateBuilderStore"));
    }));

  it("04#56 what the reference registered under a path is found, and nothing else is", () =>
    withDb(async ({ db }) => {
      const record = (type: string) => Doc.from({ type, config: { size: 1 } });
      await inStore(db, async (index) => {
        await index.set(["a", "b"], record("table:v0"));
        await index.set(["n"], record("docstore:v0"));
      }, "_index");
      const tx = await db.newTransaction();
      const info = await tx.getIndex().getEntry("a.b");
      assert.deepEqual([info.typeId, info.config.toObject()], ["table:v0", { size: 1 }]);
      await assert.rejects(tx.getStore(DocStore, "a.b"), hasCode("TypeMismatch"));
      for (const name of ["a.c", "n.type", "n.config", "n.config.size", "..", "a."]) {
        assert.equal(await tx.getIndex().contains(name), false, name);
      }
      await tx.getStore(DocStore, "n.config");
      await tx.commit();
      assert.equal(await (await db.newTransaction()).getIndex().contains("n.config"), true);
    }));
});
