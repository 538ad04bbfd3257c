import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Database,
  Doc,
  DocStore,
  type DocViewer,
  List,
  PasswordStore,
  Table,
} from "../../mod.ts";
import { withDb } from "../database/bed.ts";
import { inStore, viewer } from "../helpers/store_bed.ts";

type Steps = (store: DocStore) => Promise<unknown>;

const plain = async (store: DocViewer): Promise<unknown> => {
  const value = await store.getOption("k");
  return value instanceof List ? value.toArray() : value instanceof Doc ? value.toObject() : value;
};

/** What is at "k" in the transaction of `steps` and after it, when they meet the committed `before`. */
async function after(db: Database, before: object, steps: Steps): Promise<unknown[]> {
  await inStore(db, (store) => store.set("k", before));
  const within = await inStore(db, async (store) => {
    await steps(store);
    return await plain(store);
  });
  return [within, await plain(await viewer(db))];
}

const CASES: Readonly<Record<string, [before: object, steps: Steps, left: unknown]>> = {
  "a document": [{ a: 1 }, async (store) => {
    await store.delete("k");
    await store.set("k", { c: 3 });
  }, { c: 3 }],
  "an empty document": [{ a: 1 }, async (store) => {
    await store.delete("k");
    await store.set("k", {});
  }, {}],
  "a document over a scalar": [{ a: 1 }, async (store) => {
    await store.set("k", 5);
    await store.set("k", { c: 3 });
  }, { c: 3 }],
  "a document over a list": [{ a: 1 }, async (store) => {
    await store.set("k", ["x"]);
    await store.set("k", { c: 3 });
  }, { c: 3 }],
  "a document, twice": [{ a: 1 }, async (store) => {
    await store.delete("k");
    await store.set("k", { c: 3 });
    await store.set("k", { d: 4 });
  }, { d: 4 }],
  "a document around deleted members": [{ a: 1, b: { x: 1, y: 2 } }, async (store) => {
    await store.delete("k.a");
    await store.delete("k.b.x");
    await store.set("k", { c: 3 });
  }, { b: { y: 2 }, c: 3 }],
  "a member": [{ a: { x: 1 }, b: 2 }, async (store) => {
    await store.delete("k.a");
    await store.set("k.a.y", 3);
  }, { a: { y: 3 }, b: 2 }],
  "a fallback": [{ a: 1 }, async (store) => {
    await store.delete("k");
    await store.getOrInsert("k", { c: 3 });
  }, { c: 3 }],
  "a fallback that is changed": [{ a: 1 }, async (store) => {
    await store.delete("k");
    await store.modifyOrInsert("k", { c: 3 }, (doc) => void doc.set("d", 4));
  }, { c: 3, d: 4 }],
  "an inserted document": [{ a: 1 }, async (store) => {
    await store.delete("k");
    await store.insert("k", { c: 3 });
  }, { c: 3 }],
  "a list": [["a", "b"], async (store) => {
    await store.delete("k");
    await store.set("k", ["c"]);
  }, ["c"]],
  "a list, twice": [["a", "b"], async (store) => {
    await store.delete("k");
    await store.set("k", ["c"]);
    await store.set("k", ["d"]);
  }, ["d"]],
  "a list over a scalar": [["a"], async (store) => {
    await store.set("k", "x");
    await store.set("k", ["c"]);
  }, ["c"]],
  "a list that goes on": [["a", "b"], async (store) => {
    await store.delete("k");
    await store.set("k", ["c"]);
    await store.modify("k", "list", (list) => void list.push("d"));
  }, ["c", "d"]],
  "a list in a document": [{ list: ["a", "b"] }, async (store) => {
    await store.delete("k");
    await store.set("k", { list: ["c"] });
  }, { list: ["c"] }],
  "a list in a document that stays": [{ list: ["a"], n: 1 }, async (store) => {
    await store.delete("k.list");
    await store.set("k.list", ["c"]);
  }, { list: ["c"], n: 1 }],
  "a list around deleted items": [["a", "b"], async (store) => {
    await store.modify("k", "list", (list) => {
      list.remove(0);
      list.remove(0);
    });
    await store.set("k", ["c"]);
  }, ["c"]],
  "an editor's document": [{ a: 1 }, async (store) => {
    const editor = store.getValueMut("k");
    await editor.deleteSelf();
    await editor.set({ c: 3 });
  }, { c: 3 }],
  "an editor's child": [{ a: { x: 1 } }, async (store) => {
    const editor = store.getValueMut("k");
    await editor.deleteChild("a");
    await editor.getValueMut("a").set({ y: 2 });
  }, { a: { y: 2 } }],
  "the whole, by the root's editor": [{ a: 1, b: 2 }, async (store) => {
    await store.delete("k.a");
    await store.getRootMut().set(Doc.from({ k: { c: 3 }, other: 1 }));
  }, { b: 2, c: 3 }],
  "the whole after its member": [{ a: 1 }, async (store) => {
    await store.delete("k");
    await store.getRootMut().set(Doc.from({ other: 1 }));
  }, undefined],
  "a member, in place": [{ a: { x: 1 }, b: 2 }, async (store) => {
    await store.modify("k", "doc", (doc) => {
      doc.remove("a");
      doc.set("a", { y: 2 });
    });
  }, { a: { y: 2 }, b: 2 }],
  "what modify returns": [{ a: 1, b: { x: 1 } }, async (store) => {
    await store.modify("k", "doc", () => ({ b: { y: 2 } }));
  }, { b: { y: 2 } }],
  "a list that modify returns": [["a", "b"], async (store) => {
    await store.modify("k", "list", (list) => ["first", ...list.toArray().slice(1)] as string[]);
  }, ["first", "b"]],
  "a list that is cleared": [["a", "b"], async (store) => {
    await store.modify("k", "list", (list) => list.clear());
  }, []],
};

describe("a deletion keeps its mark when something is put in its place", () => {
  for (const [what, [before, steps, left]] of Object.entries(CASES)) {
    it(`03 §7.5 ${what}`, () =>
      withDb(async ({ db }) => {
        assert.deepEqual(await after(db, before, steps), [left, left]);
      }));
  }

  it("03 §7.5 what others have added meanwhile stays, in lists and in documents", () =>
    withDb(async ({ db }) => {
      await inStore(db, (store) => store.set("k", { list: ["a"], doc: { a: 1 } }));
      const at = await db.snapshot();
      const edits: Steps[] = [
        (store) => store.modify("k.list", "list", (list) => void list.push("theirs")),
        (store) => store.modify("k.doc", "doc", () => ({ mine: 1 })),
        (store) => store.set("k.doc.theirs", 1),
        async (store) => {
          await store.delete("k.list");
          await store.set("k.list", ["mine"]);
        },
      ];
      for (const steps of edits) {
        const tx = await db.newTransaction({ at });
        await steps(await tx.getStore(DocStore, "s"));
        await tx.commit();
      }
      const { list, doc } = await plain(await viewer(db)) as { list: string[]; doc: object };
      // Whoever edits a list writes all of it, so "a" is there if that is the later branch.
      assert.deepEqual(list.filter((item) => item !== "a").sort(), ["mine", "theirs"]);
      assert.deepEqual(doc, { mine: 1, theirs: 1 });
    }));

  it("03 §7.5 in encrypted stores and in settings", () =>
    withDb(async ({ db }) => {
      const steps: Steps = async (store) => {
        await store.delete("list");
        await store.set("list", ["c"]);
        await store.delete("doc");
        await store.set("doc", { c: 3 });
      };
      const left = { list: ["c"], doc: { c: 3 } };
      await db.withTransaction(async (tx) => {
        const secret = await tx.getStore(PasswordStore, "secret");
        await secret.initialize("pw");
        for (const store of [await secret.inner(), tx.getSettings().asDocStore()]) {
          await store.set("list", ["a", "b"]);
          await store.set("doc", { a: 1 });
        }
      });
      await db.withTransaction(async (tx) => {
        const secret = await tx.getStore(PasswordStore, "secret");
        await secret.open("pw");
        await steps(await secret.inner());
        await steps(tx.getSettings().asDocStore());
      });
      const secret = await db.getStoreViewer(PasswordStore, "secret");
      await secret.open("pw");
      const settings = (await (await db.getSettings()).getAll()).toObject();
      assert.deepEqual((await (await secret.inner()).getAll()).toObject(), left);
      assert.deepEqual({ list: settings.list, doc: settings.doc }, left);
    }));

  it("04 §4 a height strategy that was taken back stays so when the store is configured", () =>
    withDb(async ({ db }) => {
      await inStore(db, (store) => store.setHeightStrategy("timestamp"));
      await inStore(db, async (store) => {
        await store.setHeightStrategy(undefined);
        await store.setConfig(Doc.from({ a: 1 }));
      });
      assert.equal(await (await viewer(db)).getHeightStrategy(), undefined);
    }));

  it("04#29 rows are replaced as a whole anyway", () =>
    withDb(async ({ db }) => {
      const rows = (use: (table: Table) => Promise<unknown>) =>
        db.withTransaction(async (tx) => await use(await tx.getStore(Table, "t")));
      await rows((table) => table.set("k", { a: 1 }));
      await rows(async (table) => {
        await table.delete("k");
        await table.set("k", { b: 2 });
      });
      assert.deepEqual(await (await db.getStoreViewer(Table, "t")).get("k"), { b: 2 });
    }));

  it("03 §4 the payload is what every reader of the format understands", () =>
    withDb(async ({ db }) => {
      await inStore(db, (store) => store.set("k", ["a", "b"]));
      await inStore(db, async (store) => {
        await store.delete("k");
        await store.set("k", ["c"]);
      });
      const [tip] = await db.getTipEntries();
      const items = Doc.parseBytes(tip!.data("s")).getList("k")!;
      assert.deepEqual([items.totalLen(), items.toArray()], [3, ["c"]]);
    }));

  it("a path that names no key is refused: nothing would be stored", () =>
    withDb(async ({ db }) => {
      await inStore(db, async (store) => {
        for (
          const write of [
            () => store.set("...", 1),
            () => store.insert(".", 1),
            () => store.getOrInsert([], 1),
            () => store.setAtPath(["", ""], 1),
          ]
        ) await assert.rejects(write, { code: "InvalidPath" });
        assert.equal(store.localData(), undefined);
      });
    }));
});
