import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  type Database,
  Doc,
  DocStore,
  List,
  Permission,
  PrivateKey,
  type StandardSchema,
  type StoreContext,
  type StoreType,
  Table,
  type Transaction,
} from "../../mod.ts";
import { hasCode, withDb } from "../database/bed.ts";

const inStore = <R>(
  db: Database,
  use: (store: DocStore, tx: Transaction) => Promise<R>,
  name = "s",
): Promise<R> => db.withTransaction(async (tx) => await use(await tx.getStore(DocStore, name), tx));
const viewer = (db: Database, name = "s") => db.getStoreViewer(DocStore, name);

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
});

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
});

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
      await db.withTransaction(async (tx) => {
        const doc = new Doc();
        doc.set(["broken"], "{");
        tx.stage("t", doc, (await import("../../src/backend/doc_state.ts")).docState);
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
});

describe("settings", () => {
  it("04#36,#37,#38 names, strategies and keys", () =>
    withDb(async ({ db }) => {
      const [one, two] = [PrivateKey.generate().publicKey, PrivateKey.generate().publicKey];
      for (const key of [one, two]) {
        await db.withTransaction((tx) =>
          tx.getSettings().setAuthKey(key, AuthKey.active("k", Permission.write(1)))
        );
      }
      const [entry] = await db.getTipEntries();
      const payload = Doc.parseBytes(entry!.data("_settings"));
      assert.deepEqual([...payload.getDoc("auth.keys")!.keys()], [`${two}`]);
      await db.withTransaction(async (tx) => {
        const settings = tx.getSettings();
        await settings.renameAuthKey(one, undefined);
        await settings.revokeAuthKey(two);
        await assert.rejects(
          settings.revokeAuthKey(PrivateKey.generate().publicKey),
          hasCode("KeyNotFound"),
        );
        assert.equal(await settings.getHeightStrategy(), "incremental");
        await settings.set("height_strategy", "nonsense");
        await assert.rejects(settings.getHeightStrategy(), hasCode("DeserializationFailed"));
        await settings.set("height_strategy", 7);
        assert.equal(await settings.getHeightStrategy(), "incremental");
      });
      const settings = await db.getSettings();
      const [first, second] = [await settings.getAuthKey(one), await settings.getAuthKey(two)];
      assert.deepEqual([first.name, first.status, second.name, second.status], [
        undefined,
        "Active",
        "k",
        "Revoked",
      ]);
    }));
});

describe("stores of one's own", () => {
  /** A counter: each entry holds what it adds; the state is the sum. */
  class Counter {
    static readonly typeId: string = "counter:v0";
    static readonly #sum = {
      name: "sum",
      empty: () => 0,
      parse: (bytes: Uint8Array) => Number(new TextDecoder().decode(bytes)),
      merge: (left: number, right: number) => left + right,
      serialize: (value: number) => new TextEncoder().encode(String(value)),
    };
    readonly #context: StoreContext;
    readonly #name: string;

    constructor(context: StoreContext, name: string) {
      this.#context = context;
      this.#name = name;
    }

    static load(context: StoreContext, name: string): Counter {
      return new Counter(context, name);
    }

    add(amount: number): void {
      const staged = this.#context.staged<number>(this.#name) ?? 0;
      this.#context.stage(this.#name, staged + amount, Counter.#sum);
    }

    async value(): Promise<number> {
      const history = await this.#context.fullState(this.#name, Counter.#sum);
      return history + (this.#context.staged<number>(this.#name) ?? 0);
    }
  }

  it("04 §11 a data type of one's own merges on branches", () =>
    withDb(async ({ db }) => {
      const type: StoreType<Counter> = Counter;
      const at = await db.snapshot();
      for (const amount of [1, 10, 100]) {
        const tx = await db.newTransaction({ at });
        (await tx.getStore(type, "visits")).add(amount);
        await tx.commit();
      }
      await db.withTransaction(async (tx) => {
        const counter = await tx.getStore(type, "visits");
        counter.add(1000);
        assert.equal(await counter.value(), 1111);
      });
      assert.equal(await (await db.getStoreViewer(type, "visits")).value(), 1111);
      await assert.rejects(
        db.withTransaction((tx) => tx.getStore(DocStore, "visits")),
        hasCode("TypeMismatch"),
      );
    }));

  it("03 lists made by hand keep their positions through a store", () =>
    withDb(async ({ db }) => {
      const list = List.from(["a", "b", "c"]);
      await inStore(db, (store) => store.set("list", list));
      const back = await (await viewer(db)).getList("list");
      assert.ok(back.equals(list));
    }));
});
