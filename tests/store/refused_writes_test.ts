import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, Doc, DocStore, PasswordStore, Table, type Transaction } from "../../mod.ts";
import { YDoc } from "../../src/store/ydoc.ts";
import { hasCode, withDb } from "../database/bed.ts";
import { viewer } from "../helpers/store_bed.ts";

const refused = hasCode("TransactionAlreadyCommitted");

/** A way to write "late", and what is read of it afterwards. */
interface Way {
  readonly open: (tx: Transaction) => Promise<(text: string) => Promise<unknown>>;
  readonly read: (db: Database) => Promise<unknown>;
}

const WAYS: Readonly<Record<string, Way>> = {
  "a document": {
    open: async (tx) => {
      const store = await tx.getStore(DocStore, "s");
      return (text) => store.set("k", text);
    },
    read: async (db) => await (await viewer(db)).getString("k"),
  },
  "a deletion": {
    open: async (tx) => {
      const store = await tx.getStore(DocStore, "s");
      return async (text) => text === "late" ? await store.delete("k") : await store.set("k", text);
    },
    read: async (db) => await (await viewer(db)).getOption("k"),
  },
  "a row": {
    open: async (tx) => {
      const table = await tx.getStore(Table, "t");
      return (text) => table.set("k", { text });
    },
    read: async (db) => (await (await db.getStoreViewer(Table, "t")).get("k")).text,
  },
  "a setting": {
    open: (tx) => Promise.resolve((text) => tx.getSettings().setName(text)),
    read: (db) => db.getName(),
  },
  "a registration": {
    open: async (tx) => {
      await tx.getStore(DocStore, "s");
      return (text) => tx.getIndex().setEntry("s", text, new Doc());
    },
    read: async (db) => (await (await db.newTransaction()).getIndex().getEntry("s")).typeId,
  },
  "a text": {
    open: async (tx) => {
      const store = await tx.getStore(YDoc, "y");
      return (text) => store.withDocMut((doc) => doc.getText("t").insert(0, `${text} `));
    },
    read: async (db) => {
      const store = await db.getStoreViewer(YDoc, "y");
      return (await store.withDoc((doc) => doc.getText("t").toString())).trim();
    },
  },
};

describe("a write that is refused", () => {
  for (const [what, { open, read }] of Object.entries(WAYS)) {
    it(`04 §13 since the commit has begun is not in the entry: ${what}`, () =>
      withDb(async ({ db }) => {
        const tx = await db.newTransaction();
        const write = await open(tx);
        await write("early");
        const committing = tx.commit();
        await assert.rejects(write("late"), refused);
        await committing;
        await assert.rejects(write("late"), refused);
        assert.equal(await read(db), "early");
      }));
  }

  it("04 §13 after the commit is not read back by its own handle", () =>
    withDb(async ({ db }) => {
      const tx = await db.newTransaction();
      const [store, table] = [await tx.getStore(DocStore, "s"), await tx.getStore(Table, "t")];
      await tx.commit();
      await assert.rejects(store.set("late", 5), refused);
      await assert.rejects(table.set("late", {}), refused);
      assert.equal(await store.getOption("late"), undefined);
      assert.equal(await table.has("late"), false);
      assert.equal(store.localData(), undefined);
    }));

  it("04 §9.1 leaves an encrypted store as it was", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        await (await tx.getStore(PasswordStore, "s")).initialize("pw");
      });
      const tx = await db.newTransaction();
      const [open, locked, fresh] = [
        await tx.getStore(PasswordStore, "s"),
        await tx.getStore(PasswordStore, "s"),
        await tx.getStore(PasswordStore, "new"),
      ];
      await open.open("pw");
      await (await open.inner()).set("k", "v");
      const committing = tx.commit();
      assert.throws(() => open.lock(), refused);
      assert.equal(open.isOpen, true, "the commit needs the key still");
      await committing;
      assert.equal(open.isOpen, false);
      open.lock();
      await assert.rejects(locked.open("pw"), refused);
      await assert.rejects(fresh.initialize("pw"), refused);
      assert.deepEqual([locked.isOpen, fresh.isOpen, fresh.isInitialized], [false, false, false]);
      const viewed = await db.getStoreViewer(PasswordStore, "s");
      await viewed.open("pw");
      assert.equal(await (await viewed.inner()).getString("k"), "v");
    }));
});
