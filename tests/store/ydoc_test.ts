import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as Y from "yjs";
import {
  Database,
  DocStore,
  PasswordStore,
  Snapshot,
  StoreError,
  type Transaction,
} from "../../mod.ts";
import { YDoc } from "../../src/store/ydoc.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { hasCode, peerWith, withDb } from "../database/bed.ts";

const NAME = "letter";
/** 04 §10: client 1 inserts "Hi" into the text `document`. */
const EXAMPLE = [1, 1, 1, 0, 4, 1, 8, 100, 111, 99, 117, 109, 101, 110, 116, 2, 72, 105, 0];

const write = (db: Database, use: (store: YDoc, tx: Transaction) => Promise<unknown>) =>
  db.withTransaction(async (tx) => void await use(await tx.getStore(YDoc, NAME), tx));
const append = (text: string) => (store: YDoc) =>
  store.withDocMut((doc) => {
    const body = doc.getText("body");
    body.insert(body.length, text);
  });
const textOf = async (db: Database, at?: Snapshot) =>
  await (await db.getStoreViewer(YDoc, NAME, at === undefined ? {} : { at })).withDoc((doc) =>
    doc.getText("body").toString()
  );
const payload = async (db: Database) => {
  const [entry] = await db.getTipEntries();
  return entry!.findData(NAME);
};
const dataOf = async (db: Database): Promise<number[]> =>
  JSON.parse(new TextDecoder().decode(await payload(db))).data;

describe("YDoc", () => {
  it("04#52 text and maps persist, transaction after transaction", () =>
    withDb(async ({ db }) => {
      for (const word of ["one ", "two ", "three"]) await write(db, append(word));
      await write(db, (store) =>
        store.withDocMut((doc) => void doc.getMap("meta").set("author", "ada")));
      assert.equal(await textOf(db), "one two three");
      const store = await db.getStoreViewer(YDoc, NAME);
      assert.equal((await store.doc()).getMap("meta").get("author"), "ada");
      const index = (await db.newTransaction()).getIndex();
      assert.equal((await index.getEntry(NAME)).typeId, "ydoc:v0");
    }));

  it("04#52 reading changes nothing, a failed change stages nothing", () =>
    withDb(async ({ db }) => {
      await write(db, append("kept"));
      const before = (await db.getAllEntries()).length;
      await write(db, async (store) => {
        await store.withDoc((doc) => doc.getText("body").insert(0, "lost"));
        const doc = await store.doc();
        doc.getText("body").insert(0, "never saved");
        await assert.rejects(
          store.withDocMut((mine) => {
            mine.getText("body").insert(0, "half");
            throw new Error("stop");
          }),
          /stop/,
        );
        await store.withDocMut(() => {});
        assert.equal(store.localData(), undefined);
        await store.saveDoc(await store.doc());
        assert.equal(store.localData(), undefined, "ours: no change stages nothing");
      });
      assert.equal(await textOf(db), "kept");
      assert.equal((await db.getAllEntries()).length, before);
    }));

  it("04#52 handles of one transaction see each other; changes side by side both stay", () =>
    withDb(async ({ db }) => {
      await write(db, async (store, tx) => {
        await append("a")(store);
        const other = await tx.getStore(YDoc, NAME);
        assert.equal((await other.doc()).getText("body").toString(), "a");
        await Promise.all([append("b")(store), append("c")(other)]);
        const both = (await store.doc()).getText("body").toString();
        assert.deepEqual([...both].sort(), ["a", "b", "c"]);
        const doc = await store.doc();
        doc.getText("body").insert(0, "saved ");
        await store.saveDoc(doc);
        const known = await store.doc();
        known.getMap("meta").set("full", true);
        await store.saveDocFull(known);
      });
      assert.match(await textOf(db), /^saved a(bc|cb)$/);
      assert.equal((await (await db.getStoreViewer(YDoc, NAME)).doc()).getMap("meta").size, 1);
    }));

  it("04#52,#53 an external update applies; its payload is a list of numbers", () =>
    withDb(async ({ db }) => {
      await write(db, (store) => store.applyUpdate(Uint8Array.from(EXAMPLE)));
      assert.deepEqual(await dataOf(db), EXAMPLE);
      assert.match(new TextDecoder().decode(await payload(db)), /^\{"data":\[1,1,[0-9,]+\]\}$/);
      const store = await db.getStoreViewer(YDoc, NAME);
      assert.equal((await store.doc()).getText("document").toString(), "Hi");
      const copy = new Y.Doc();
      Y.applyUpdate(copy, await store.getUpdate());
      assert.equal(copy.getText("document").toString(), "Hi");
    }));

  it("04#53 payloads of others: empty data, other members, and what is none", () =>
    withDb(async ({ db }) => {
      await write(db, append("x"));
      const from = await db.snapshot();
      const read = async (text: string) => {
        const tx = await db.newTransaction({ at: from });
        tx.stageRaw(NAME, utf8(text));
        return await textOf(db, Snapshot.of([await tx.commit()]));
      };
      assert.equal(await read('{"data":[]}'), "x");
      assert.equal(await read('{"data":[0,0]}'), "x");
      assert.equal(await read('{"later":1,"data":[0,0]}'), "x");
      const none = [
        "{}",
        "[]",
        "null",
        "7",
        "{",
        '{"data":"AAA="}',
        '{"data":[256]}',
        '{"data":[-1]}',
      ];
      for (const text of [...none, '{"data":[1.5]}', '{"data":[null]}']) {
        await assert.rejects(read(text), hasCode("DeserializationFailed"), text);
      }
      await assert.rejects(read('{"data":[255,255,255]}'), hasCode("ImplementationError"));
    }));

  it("04#54 small edits of a large document are small deltas", () =>
    withDb(async ({ db }) => {
      await write(db, append("Lorem ipsum ".repeat(1000)));
      assert.ok((await dataOf(db)).length > 11_000);
      await write(db, (store) =>
        store.withDocMut((doc) => doc.getText("body").insert(6000, "dolor")));
      assert.ok((await dataOf(db)).length < 200);
      await write(db, (store) =>
        store.withDocMut((doc) => doc.getText("body").delete(0, 6)));
      assert.ok((await dataOf(db)).length < 200);
      assert.equal((await textOf(db)).length, 12_000 + 5 - 6);
    }));

  it("04#54 branches converge on every replica, in any order of arrival", () =>
    withDb(async ({ db }) => {
      await write(db, append("middle"));
      const at = await db.snapshot();
      for (const change of [0, 3, 6]) {
        const tx = await db.newTransaction({ at });
        const store = await tx.getStore(YDoc, NAME);
        await store.withDocMut((doc) => {
          doc.getText("body").insert(change, `<${change}>`);
          if (change === 3) doc.getText("body").delete(0, 1);
        });
        await tx.commit();
      }
      const text = await textOf(db);
      assert.equal(text, "<0>id<3>dle<6>");
      const entries = await db.getAllEntries();
      const peer = await peerWith([...entries.slice(0, 2), ...entries.slice(2).reverse()]);
      try {
        assert.equal(await textOf(await Database.open(peer, db.rootId)), text);
      } finally {
        await peer.close();
      }
    }));

  it("04#54 garbage is refused and stages nothing", () =>
    withDb(async ({ db }) => {
      await write(db, async (store) => {
        for (const bytes of [[], [255, 255, 255], [1, 1, 1], EXAMPLE.slice(0, -4)]) {
          await assert.rejects(store.applyUpdate(Uint8Array.from(bytes)), (error) => {
            assert.ok(error instanceof StoreError, String(bytes));
            assert.deepEqual([error.code, error.fields.store], ["ImplementationError", NAME]);
            return true;
          });
        }
        assert.equal(store.localData(), undefined);
      });
    }));

  it("04#55 an update waits for the one it depends on", () =>
    withDb(async ({ db }) => {
      const doc = new Y.Doc();
      const updates: Uint8Array[] = [];
      doc.on("update", (update: Uint8Array) => void updates.push(update));
      for (const word of ["one", "two", "three"]) {
        doc.getText("body").insert(doc.getText("body").length, word);
      }
      doc.getText("body").delete(0, 1);
      for (const [at, text] of [[3, ""], [2, ""], [1, ""], [0, "netwothree"]] as const) {
        await write(db, (store) => store.applyUpdate(updates[at]!));
        assert.equal(await textOf(db), text, `after update ${at}`);
      }
      assert.equal(await textOf(db), doc.getText("body").toString());
    }));

  it("04 §10 long histories stay readable", () =>
    withDb(async ({ db }) => {
      let expected = "";
      for (let at = 0; at < 150; at++) {
        await write(db, append(String(at % 10)));
        expected += at % 10;
        if (at % 49 === 0) assert.equal(await textOf(db), expected);
      }
      assert.equal(await textOf(db), expected);
      const peer = await peerWith(await db.getAllEntries());
      try {
        assert.equal(await textOf(await Database.open(peer, db.rootId)), expected);
      } finally {
        await peer.close();
      }
    }));

  it("04#5,#49 types are checked, and a document can be encrypted", () =>
    withDb(async ({ db }) => {
      await write(db, append("x"));
      await assert.rejects(
        db.withTransaction((tx) => tx.getStore(DocStore, NAME)),
        hasCode("TypeMismatch"),
      );
      const Secret = PasswordStore.of(YDoc);
      await db.withTransaction(async (tx) => {
        const secret = await tx.getStore(Secret, "secret");
        await secret.initialize("pw");
        await append("hidden")(await secret.inner());
        await (await secret.inner()).withDocMut((doc) => doc.getText("body").insert(6, "!"));
      });
      const [entry] = await db.getTipEntries();
      assert.doesNotMatch(new TextDecoder("latin1").decode(entry!.data("secret")), /data/);
      const secret = await db.getStoreViewer(Secret, "secret");
      await secret.open("pw");
      assert.equal((await (await secret.inner()).doc()).getText("body").toString(), "hidden!");
    }));
});
