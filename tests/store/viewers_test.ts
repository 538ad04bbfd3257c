import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  type Database,
  Doc,
  DocStore,
  PasswordStore,
  Permission,
  PrivateKey,
  type SettingsStore,
  type StoreContext,
  Table,
} from "../../mod.ts";
import { YDoc } from "../../src/store/ydoc.ts";
import { hasCode, withDb } from "../database/bed.ts";
import { viewer } from "../helpers/store_bed.ts";

const refused = hasCode("RequiresTransaction");

/** Tries each write of a viewer, as a JavaScript caller can, and looks that nothing comes of it. */
async function refusesAll(writes: Readonly<Record<string, () => unknown>>): Promise<void> {
  for (const [what, write] of Object.entries(writes)) {
    await assert.rejects(Promise.resolve().then(write), refused, what);
  }
}

async function filled(db: Database): Promise<void> {
  await db.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "doc")).set("k", { a: 1 });
    await (await tx.getStore(Table, "table")).set("k", { a: 1 });
    await (await tx.getStore(YDoc, "text")).withDocMut((doc) => doc.getText("t").insert(0, "x"));
    await (await tx.getStore(PasswordStore, "secret")).initialize("pw");
    await tx.getStore(PasswordStore, "unused");
  });
}

describe("writing through a viewer", () => {
  it("00 §C9 is refused by document stores and their editors", () =>
    withDb(async ({ db }) => {
      await filled(db);
      const store = await viewer(db, "doc") as DocStore;
      await refusesAll({
        set: () => store.set("k", 1),
        setPath: () => store.setPath("k", 1),
        insert: () => store.insert("new", 1),
        delete: () => store.delete("k"),
        "delete of what is not there": () => store.delete("nothing"),
        modify: () => store.modify("k", () => 1),
        getOrInsert: () => store.getOrInsert("k", { a: 1 }),
        modifyOrInsert: () => store.modifyOrInsert("n", 0, () => 1),
        setAtPath: () => store.setAtPath(["k"], 1),
        "setAtPath of the root": () => store.setAtPath([], new Doc()),
        "an editor": () => store.getValueMut("k").set(1),
        "the root's editor": () => store.getRootMut().deleteChild("k"),
        setConfig: () => store.setConfig(new Doc()),
        setHeightStrategy: () => store.setHeightStrategy("timestamp"),
      });
      assert.equal(store.localData(), undefined);
      assert.deepEqual((await store.getAll()).toObject(), { k: { a: 1 } });
    }));

  it("00 §C9 is refused by tables, texts and encrypted stores", () =>
    withDb(async ({ db }) => {
      await filled(db);
      const table = await db.getStoreViewer(Table, "table") as Table;
      const text = await db.getStoreViewer(YDoc, "text") as YDoc;
      const unused = await db.getStoreViewer(PasswordStore, "unused") as unknown as PasswordStore;
      const secret = await db.getStoreViewer(PasswordStore, "secret");
      await secret.open("pw");
      const inner = await secret.inner() as DocStore;
      const doc = await text.doc();
      let calls = 0;
      await refusesAll({
        insert: () => table.insert({ a: 1 }),
        set: () => table.set("k", { a: 2 }),
        update: () => table.update("k", () => ({ a: 2 })),
        delete: () => table.delete("k"),
        "delete of what is not there": () => table.delete("nothing"),
        withDocMut: () => text.withDocMut(() => calls++),
        applyUpdate: () => text.applyUpdate(new Uint8Array([0, 0])),
        saveDoc: () => text.saveDoc(doc),
        saveDocFull: () => text.saveDocFull(doc),
        initialize: () => unused.initialize("pw"),
        "the store inside": () => inner.set("k", 1),
      });
      assert.equal(calls, 0, "a change that cannot be kept is not begun");
      assert.equal(await table.count(), 1);
      assert.equal(unused.isInitialized, false);
    }));

  it("00 §C9 is refused by settings, system stores and stores of one's own", () =>
    withDb(async ({ db }) => {
      await filled(db);
      class Log {
        static readonly typeId: string = "log:v0";
        static load(context: StoreContext, name: string): Log {
          return new Log(new DocStore(context, name));
        }
        readonly doc: DocStore;
        constructor(doc: DocStore) {
          this.doc = doc;
        }
      }
      const settings = await db.getSettings() as unknown as SettingsStore;
      const index = await db.getStoreViewer(DocStore, "_index") as DocStore;
      const log = await db.getStoreViewer(Log, "log");
      const { publicKey } = PrivateKey.generate();
      await refusesAll({
        setName: () => settings.setName("other"),
        set: () => settings.set("a", 1),
        asDocStore: () => settings.asDocStore().set("a", 1),
        setHeightStrategy: () => settings.setHeightStrategy("timestamp"),
        setAuthKey: () =>
          settings.setAuthKey(publicKey, AuthKey.active(undefined, Permission.read)),
        _index: () => index.set("doc", 1),
        "a store of one's own": () => log.doc.set("a", 1),
      });
      assert.notEqual(await db.getName(), "other");
    }));

  it("13 §4 has no form in the types", () =>
    withDb(async ({ db }) => {
      const methods = [
        // @ts-expect-error A viewer cannot write.
        (await viewer(db)).set,
        // @ts-expect-error A viewer cannot register or configure.
        (await viewer(db)).setConfig,
        // @ts-expect-error A viewer cannot write.
        (await db.getStoreViewer(Table, "t")).insert,
        // @ts-expect-error A viewer cannot write.
        (await db.getStoreViewer(Table.of<{ a: number }>(), "t")).set,
        // @ts-expect-error A viewer cannot write.
        (await db.getStoreViewer(YDoc, "y")).saveDoc,
        // @ts-expect-error Settings are changed in a transaction.
        (await db.getSettings()).setName,
        // @ts-expect-error So is the document of the settings.
        (await db.getSettings()).asDocStore().set,
      ];
      assert.equal(methods.length, 7);
    }));

  it("04 §3 what a viewer shows can be handed to whoever only reads", () =>
    withDb(async ({ db }) => {
      await filled(db);
      const read = async (store: Awaited<ReturnType<typeof viewer>>) => await store.getInt("k.a");
      await db.withTransaction(async (tx) => {
        assert.equal(await read(await tx.getStore(DocStore, "doc")), 1);
      });
      assert.equal(await read(await viewer(db, "doc")), 1);
    }));

  it("04 §3 a viewer of an open transaction reads what that has staged, and changes nothing", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        await (await tx.getStore(DocStore, "doc")).set("k", 1);
        const view = await tx.getViewer(DocStore, "doc");
        assert.equal(await view.getInt("k"), 1);
        await assert.rejects((view as DocStore).set("k", 2), refused);
      });
      assert.equal(await (await viewer(db, "doc")).getInt("k"), 1);
    }));
});
