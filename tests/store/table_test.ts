import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, Doc, DocStore, type StandardSchema, Table } from "../../mod.ts";
import { docState } from "../../src/backend/state/doc_state.ts";
import { hasCode, peerWith, withDb } from "../database/bed.ts";

describe("Table", () => {
  const rows = <R>(db: Database, use: (table: Table) => Promise<R>): Promise<R> =>
    db.withTransaction(async (tx) => await use(await tx.getStore(Table, "t")));

  it("04#28,#29,#30 insert, set, delete, resurrect", () =>
    withDb(async ({ db }) => {
      const keys = await rows(db, async (table) => {
        const made = [];
        for (let at = 0; at < 100; at++) made.push(await table.insert({ at }));
        return made;
      });
      assert.equal(new Set(keys).size, 100);
      assert.ok(keys.every((key) =>
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(key)
      ));
      const raw = await (await db.getStoreViewer(DocStore, "t")).getAll();
      assert.equal(raw.get(keys[3]!), '{"at":3}');
      await rows(db, async (table) => {
        await table.set(keys[0]!, { replaced: true });
        assert.equal(await table.delete(keys[1]!), true);
        assert.equal(await table.delete(keys[1]!), false);
        assert.equal(await table.delete("none"), false);
        assert.equal(await table.has(keys[1]!), false);
      });
      const table = await db.getStoreViewer(Table, "t");
      assert.deepEqual(await table.get(keys[0]!), { replaced: true });
      await assert.rejects(table.get(keys[1]!), hasCode("KeyNotFound"));
      assert.equal(await table.count(), 99);
      await rows(db, (again) =>
        again.set(keys[1]!, { back: true }));
      assert.equal(await (await db.getStoreViewer(Table, "t")).count(), 100);
    }));

  it("04#31,#32 search, order, keys with dots, and rows that cannot be read", () =>
    withDb(async ({ db }) => {
      assert.deepEqual(await (await db.getStoreViewer(Table, "t")).search(() => true), []);
      await rows(db, async (table) => {
        for (const key of ["b", "a", "c.d", "c"]) await table.set(key, { key });
        const staged = await table.search((row) => row.key !== "b");
        assert.deepEqual(staged.map(([key]) => key), ["a", "c", "c.d"]);
      });
      const table = await db.getStoreViewer(Table, "t");
      const seen: string[] = [];
      for await (const [key] of table.search(() => true)) seen.push(key);
      assert.deepEqual(seen, ["a", "b", "c", "c.d"]);
      const from: string[] = [];
      for await (const [key] of table.entries({ from: "b" })) from.push(key);
      assert.deepEqual(from, ["b", "c", "c.d"]);
      await rows(db, (again) => again.set("b", { key: "changed" }));
      await db.withTransaction((tx) => {
        const doc = new Doc();
        doc.set(["broken"], "{");
        tx.stage("t", doc, docState);
      });
      const broken = await db.getStoreViewer(Table, "t");
      await assert.rejects(
        Promise.resolve(broken.search(() => true)),
        hasCode("DeserializationFailed"),
      );
      assert.deepEqual((await broken.invalidRows()).map(({ key }) => key), ["broken"]);
      assert.deepEqual(await broken.get("b"), { key: "changed" });
      assert.equal(
        await rows(db, (again) => again.delete("broken")),
        true,
        "ours: it can be deleted",
      );
    }));

  it("04#33 concurrent edits of one row end the same way on every copy", () =>
    withDb(async ({ db }) => {
      await rows(db, (table) => table.set("k", { v: 0 }));
      const at = await db.snapshot();
      for (
        const change of [
          (table: Table) => table.set("k", { v: 1 }),
          (table: Table) => table.delete("k"),
          (table: Table) => table.set("k", { v: 2 }),
        ]
      ) {
        const tx = await db.newTransaction({ at });
        await change(await tx.getStore(Table, "t"));
        await tx.commit();
      }
      const state = await (await db.getStoreViewer(Table, "t")).getOption("k");
      await rows(db, (table) => table.set("other", {}));
      assert.deepEqual(await (await db.getStoreViewer(Table, "t")).getOption("k"), state);
    }));

  it("13 a Standard Schema checks rows when they are written and read", () =>
    withDb(async ({ db }) => {
      const recipe: StandardSchema<{ title: string; minutes: number }> = {
        "~standard": {
          version: 1,
          vendor: "test",
          validate: (value) => {
            const { title, minutes } = value as { title?: unknown; minutes?: unknown };
            if (typeof title !== "string") return { issues: [{ message: "title must be a text" }] };
            return { value: { title: title.trim(), minutes: Number(minutes ?? 0) } };
          },
        },
      };
      const Recipes = Table.of(recipe);
      await db.withTransaction(async (tx) => {
        const table = await tx.getStore(Recipes, "t");
        await table.set("soup", { title: " Soup ", minutes: 30 });
        await assert.rejects(table.set("bad", { title: 1 } as never), (error) => {
          return hasCode("SerializationFailed")(error) &&
            /"bad".*title must be a text/.test((error as Error).message);
        });
      });
      await rows(db, (table) => table.set("foreign", { name: "no title" }));
      const table = await db.getStoreViewer(Recipes, "t");
      assert.deepEqual(await table.get("soup"), { title: "Soup", minutes: 30 });
      await assert.rejects(table.get("foreign"), hasCode("DeserializationFailed"));
      assert.deepEqual((await table.invalidRows()).map(({ key }) => key), ["foreign"]);
    }));

  it("04#33 every copy decides alike, in whatever order the branches arrive", () =>
    withDb(async ({ db }) => {
      await rows(db, (table) => table.set("k", { v: 0 }));
      const at = await db.snapshot();
      for (const v of [1, 2, undefined]) {
        const tx = await db.newTransaction({ at });
        const table = await tx.getStore(Table, "t");
        await (v === undefined ? table.delete("k") : table.set("k", { v }));
        await tx.commit();
      }
      const row = await (await db.getStoreViewer(Table, "t")).getOption("k");
      const [root, first, ...branches] = await db.getAllEntries();
      for (const order of [branches, branches.toReversed()]) {
        const peer = await peerWith([root!, first!, ...order]);
        try {
          const copy = await Database.open(peer, db.rootId);
          assert.deepEqual(await (await copy.getStoreViewer(Table, "t")).getOption("k"), row);
        } finally {
          await peer.close();
        }
      }
    }));

  it("04#29 rows are compact JSON; what has no JSON is refused with its key", () =>
    withDb(async ({ db }) => {
      await rows(db, async (table) => {
        await table.set("k", { name: "Ann", age: 3, tags: ["a"] });
        const loop: Record<string, unknown> = {};
        loop.self = loop;
        await assert.rejects(table.set("loop", loop), /"loop"/);
        for (const row of [{ n: NaN }, { n: [1 / 0] }, { text: "\ud800" }, { n: 2n ** 64n }]) {
          await assert.rejects(table.set("k", row), hasCode("SerializationFailed"));
        }
        await assert.rejects(table.set("", {}), hasCode("SerializationFailed"));
      });
      const [entry] = await db.getTipEntries();
      assert.equal(
        new TextDecoder().decode(entry!.data("t")),
        '{"children":{"k":{"Text":"{\\"name\\":\\"Ann\\",\\"age\\":3,\\"tags\\":[\\"a\\"]}"}}}',
      );
    }));

  it("00 §B5 integers of 64 bits, null and what has a JSON form of its own come back", () =>
    withDb(async ({ db }) => {
      const when = new Date(0);
      const row = {
        big: 2n ** 64n - 1n,
        small: 5n,
        none: null,
        when,
        gone: undefined,
        half: 2 ** 60,
      };
      await rows(db, (table) => table.set("k", row as unknown as Record<string, unknown>));
      const [entry] = await db.getTipEntries();
      const stored = Doc.parseBytes(entry!.data("t")).getString("k");
      assert.equal(
        stored,
        '{"big":18446744073709551615,"small":5,"none":null,"when":"1970-01-01T00:00:00.000Z",' +
          '"half":1152921504606847000.0}',
      );
      const read = await (await db.getStoreViewer(Table, "t")).get("k");
      const { gone: _, when: __, ...rest } = row;
      assert.deepEqual(read, { ...rest, small: 5, when: when.toJSON() });
    }));

  it("13 §5 a row handed to a caller never changes", () =>
    withDb(async ({ db }) => {
      const given = { tags: ["a"] };
      await rows(db, (table) => table.set("k", given));
      given.tags.push("late");
      const table = await db.getStoreViewer(Table, "t");
      const row = await table.get("k") as typeof given;
      row.tags.push("mine");
      for await (const [, other] of table.entries()) (other as typeof given).tags.push("mine");
      assert.deepEqual(await table.get("k"), { tags: ["a"] });
    }));

  it("04#56 keys with dots stay whole, and those of the reference are found", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        await tx.getStore(Table, "t");
        const doc = Doc.fromEntries([["a.b", '{"from":"reference"}'], ["c", '{"own":1}']]);
        tx.stage("t", doc, docState);
      });
      await rows(db, async (table) => {
        assert.deepEqual(await table.get("a.b"), { from: "reference" });
        assert.equal(await table.has("a"), false);
        assert.equal(await table.has("c.own"), false);
        await table.set("c.own", { own: 2 });
        assert.equal(await table.delete("a.b"), true);
        assert.equal(await table.has("a.b"), false);
      });
      const table = await db.getStoreViewer(Table, "t");
      assert.equal(await table.has("a.b"), false);
      assert.deepEqual((await table.search(() => true)).map(([key]) => key), ["c", "c.own"]);
    }));
});
