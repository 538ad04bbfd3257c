import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  Database,
  DatabaseKey,
  Doc,
  DocStore,
  ID,
  isAuthenticationError,
  isNotFound,
  MAX_ENTRY_BYTES,
  Permission,
  PrivateKey,
  Snapshot,
  Table,
  TransactionError,
} from "../../mod.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { hasCode, withDb } from "./bed.ts";

const set =
  (store: string, key: string, value: unknown = "v") =>
  async (tx: Awaited<ReturnType<Database["newTransaction"]>>) => {
    await (await tx.getStore(DocStore, store)).set(key, value as string);
  };

describe("creating and opening", () => {
  it("06#1,#3 one signed genesis entry holds settings and the creator's grant", () =>
    withDb(async ({ instance, user, db }) => {
      const root = await db.getRoot();
      assert.ok(root.isRoot);
      assert.deepEqual([...root.subtrees], ["_root", "_settings"]);
      assert.equal(fromUtf8(root.data("_root")), '""');
      const metadata = EntryMetadata.parse(root.metadata!);
      assert.equal(metadata.settingsTips.length, 0);
      assert.equal(typeof metadata.entropy, "bigint");
      const [best] = await Database.findSigkeys(instance, db.rootId, user.defaultKey());
      const [sigKey, permission] = best!;
      assert.equal(permission.display(), "Admin(0)");
      assert.equal(sigKey.displayId(), `${user.defaultKey()}`);
    }));

  it("06#2 settings that bring their own access rules are refused", () =>
    withDb(async ({ user }) => {
      await assert.rejects(
        user.createDatabase(Doc.from({ auth: {} })),
        hasCode("InvalidAuthConfiguration"),
      );
    }));

  it("06#4 equal settings make different databases", () =>
    withDb(async ({ user, db }) => {
      assert.ok(!(await user.createDatabase({ name: "test" })).rootId.equals(db.rootId));
    }));

  it("06#5,#6 stores of the creation stand in the genesis entry; system stores are locked meanwhile", () =>
    withDb(async ({ instance, user }) => {
      const key = user.signingKey(user.defaultKey());
      const made = await Database.create(instance, key, Doc.from({ name: "init" }), async (tx) => {
        for (const name of ["_settings", "_root", "_index"]) {
          await assert.rejects(tx.getStore(DocStore, name), hasCode("SystemSubtreeLocked"));
        }
        await set("first", "a")(tx);
      });
      assert.deepEqual([...(await made.getRoot()).subtrees], [
        "_index",
        "_root",
        "_settings",
        "first",
      ]);
      const before = (await instance.backend.allRoots()).length;
      const failing = Database.create(instance, key, new Doc(), () => {
        throw new Error("no");
      });
      await assert.rejects(failing, /no/);
      assert.equal((await instance.backend.allRoots()).length, before);
    }));

  it("06#7,#8 opening checks nothing but the root", () =>
    withDb(async ({ instance, db }) => {
      await assert.rejects(Database.open(instance, ID.ofRaw(utf8("nothing"))), isNotFound);
      await db.withTransaction(set("s", "a"));
      const [tip] = (await db.snapshot()).tips;
      await assert.rejects(Database.open(instance, tip!), hasCode("DatabaseNotFound"));
      const opened = await Database.open(instance, db.rootId);
      await assert.rejects(opened.currentPermission(), hasCode("InvalidAuthConfiguration"));
      const stranger = opened.withKey(PrivateKey.generate());
      await assert.rejects(stranger.currentPermission(), isNotFound);
    }));

  it("06#9,#10 entries of other databases, and stores that do not exist", () =>
    withDb(async ({ user, db }) => {
      const other = await user.createDatabase({ name: "other" });
      await assert.rejects(db.getEntry(other.rootId), hasCode("EntryNotInDatabase"));
      await assert.rejects(db.getEntry(ID.ofRaw(utf8("x"))), hasCode("EntryNotFound"));
      await assert.rejects(db.getEntries([db.rootId, other.rootId]), hasCode("EntryNotInDatabase"));
      const viewer = await db.getStoreViewer(DocStore, "nowhere");
      await assert.rejects(viewer.get("k"), hasCode("KeyNotFound"));
    }));
});

describe("transactions", () => {
  it("06#11,#12 a commit needs a key and moves the tip", () =>
    withDb(async ({ db }) => {
      await assert.rejects(
        db.readOnly().withTransaction(set("s", "a")),
        hasCode("AuthenticationRequired"),
      );
      const before = await db.snapshot();
      const tx = await db.newTransaction();
      await set("s", "a")(tx);
      const id = await tx.commit();
      assert.deepEqual((await db.snapshot()).toJSON(), [`${id}`]);
      assert.deepEqual((await db.getEntry(id)).parents.map(String), before.toJSON());
      await assert.rejects(tx.commit(), hasCode("TransactionAlreadyCommitted"));
      await assert.rejects(set("s", "b")(tx), hasCode("TransactionAlreadyCommitted"));
    }));

  it("06#13,#14 anchors make branches, and a merge has exactly their tips as parents", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(set("s", "base"));
      const fork = await db.snapshot();
      await db.withTransaction(set("s", "left"));
      const old = await db.newTransaction({ at: fork });
      assert.equal(await (await old.getStore(DocStore, "s")).containsKey("left"), false);
      await set("s", "right")(old);
      await old.commit();
      const tips = await db.snapshot();
      assert.equal(tips.length, 2);
      const merged = await db.getStoreViewer(DocStore, "s");
      assert.deepEqual([...(await merged.getAll()).keys()], ["base", "left", "right"]);
      const merge = await db.newTransaction();
      const id = await merge.commit();
      assert.deepEqual((await db.getEntry(id)).parents.map(String), tips.toJSON());
      assert.deepEqual([...(await db.getEntry(id)).subtrees], []);
    }));

  it("06#15 anchors that cannot be", () =>
    withDb(async ({ user, db }) => {
      const other = await user.createDatabase({ name: "other" });
      const at = (...tips: ID[]) => db.newTransaction({ at: Snapshot.of(tips) });
      await assert.rejects(at(other.rootId), hasCode("InvalidTip"));
      await assert.rejects(at(ID.ofRaw(utf8("x"))), hasCode("EntryNotFound"));
      await assert.rejects(at(), hasCode("EmptyTipsNotAllowed"));
    }));

  it("06#16 staged values are seen inside and nowhere else", () =>
    withDb(async ({ db }) => {
      const tx = await db.newTransaction();
      await set("s", "a", 1)(tx);
      assert.equal(await (await tx.getStore(DocStore, "s")).getInt("a"), 1);
      const other = await (await db.newTransaction()).getStore(DocStore, "s");
      assert.equal(await other.containsKey("a"), false);
      await tx.commit();
      assert.equal(await other.containsKey("a"), false, "not even afterwards");
      assert.equal(await (await db.getStoreViewer(DocStore, "s")).getInt("a"), 1);
    }));

  it("06#17,#18 registration leaves its traces, opening leaves none", () =>
    withDb(async ({ db }) => {
      const first = await db.newTransaction();
      await first.getStore(DocStore, "s");
      const entry = await db.getEntry(await first.commit());
      assert.deepEqual([...entry.subtrees], ["_index", "s"]);
      assert.equal(entry.findData("s"), undefined);
      const second = await db.newTransaction();
      await second.getStore(DocStore, "s");
      assert.deepEqual([...(await db.getEntry(await second.commit())).subtrees], []);
      const third = await db.newTransaction();
      await assert.rejects(third.getStore(Table, "s"), hasCode("TypeMismatch"));
    }));

  it("06#19,#20 store parents follow the store, not the tree", () =>
    withDb(async ({ db }) => {
      const commit = async (store: string, key: string) => {
        const tx = await db.newTransaction();
        await set(store, key)(tx);
        return await db.getEntry(await tx.commit());
      };
      const one = await commit("s", "1");
      assert.deepEqual([...one.subtreeParents("s")], []);
      await commit("other", "x");
      const two = await commit("s", "2");
      assert.deepEqual(two.subtreeParents("s").map(String), [`${one.id}`]);
    }));

  it("06#21 an empty commit is an entry without stores; the same one twice is one entry", async () => {
    const clock = new FixedClock();
    clock.hold();
    await withDb(async ({ db }) => {
      const at = await db.snapshot();
      const ids = [];
      for (let time = 0; time < 2; time++) {
        ids.push(`${await (await db.newTransaction({ at })).commit()}`);
      }
      assert.equal(ids[0], ids[1]);
      assert.equal((await db.getAllEntries()).length, 2);
    }, { clock });
  });

  it("06#22 settings in which nobody could write any more are refused, and nothing breaks", () =>
    withDb(async ({ db }) => {
      const corrupt = (change: (settings: DocStore) => Promise<unknown>) =>
        db.withTransaction(async (tx) => void await change(tx.getSettings().asDocStore()));
      for (
        const change of [
          (settings: DocStore) => settings.set("auth", "gone"),
          (settings: DocStore) => settings.delete("auth"),
        ]
      ) {
        await assert.rejects(
          corrupt(change),
          (error) => hasCode("CorruptedAuthConfiguration")(error) && isAuthenticationError(error),
        );
      }
      await db.withTransaction(set("s", "still works"));
    }));

  it("06#23, 02#26 nobody grants itself rights", () =>
    withDb(async ({ instance, db }) => {
      const writer = PrivateKey.generate();
      await db.withTransaction(async (tx) => {
        await tx.getSettings().setAuthKey(
          writer.publicKey,
          AuthKey.active("w", Permission.write(1)),
        );
      });
      const asWriter = (await Database.open(instance, db.rootId)).withKey(writer);
      await asWriter.withTransaction(set("s", "allowed"));
      const promote = asWriter.withTransaction(async (tx) => {
        await tx.getSettings().setAuthKey(
          writer.publicKey,
          AuthKey.active("w", Permission.admin(0)),
        );
      });
      await assert.rejects(promote, hasCode("EntryValidationFailed"));
      assert.equal((await asWriter.currentPermission()).display(), "Write(1)");
      const stranger = (await Database.open(instance, db.rootId)).withKey(
        new DatabaseKey(PrivateKey.generate()),
      );
      await assert.rejects(
        stranger.withTransaction(set("s", "x")),
        hasCode("EntryValidationFailed"),
      );
    }));

  it("06#24 withTransaction returns the value, or stores nothing", () =>
    withDb(async ({ db }) => {
      assert.equal(await db.withTransaction(() => 42), 42);
      const before = (await db.getAllEntries()).length;
      const failing = db.withTransaction(async (tx) => {
        await set("s", "a")(tx);
        throw new Error("stop");
      });
      await assert.rejects(failing, /stop/);
      assert.equal((await db.getAllEntries()).length, before);
    }));

  it("06#25,#26 the pin names the newest settings, in a fixed form", () =>
    withDb(async ({ db }) => {
      const commit = async (change: Parameters<Database["withTransaction"]>[0]) => {
        const tx = await db.newTransaction();
        await change(tx);
        return await db.getEntry(await tx.commit());
      };
      const data = await commit(set("s", "a"));
      const pinned = `{"settings_tips":["${db.rootId}"],"entropy":null,"time":${data.time}}`;
      assert.equal(fromUtf8(data.metadata!), pinned);
      const rename = await commit((tx) => tx.getSettings().setName("new"));
      const pinOf = (entry: typeof data) =>
        EntryMetadata.parse(entry.metadata!).settingsTips.toJSON();
      assert.deepEqual(pinOf(rename), [`${db.rootId}`]);
      assert.deepEqual(pinOf(await commit(set("s", "b"))), [`${rename.id}`]);
      assert.deepEqual(pinOf(await commit(set("s", "c"))), [`${rename.id}`]);
      assert.equal(await db.getName(), "new");
    }));

  it("00 §B9 a commit is judged by the settings it pins, not by those of its anchor", () =>
    withDb(async ({ instance, db }) => {
      const writer = PrivateKey.generate();
      await db.withTransaction((tx) =>
        tx.getSettings().setAuthKey(writer.publicKey, AuthKey.active("w", Permission.write(1)))
      );
      const before = await db.snapshot();
      await db.withTransaction((tx) => tx.getSettings().revokeAuthKey(writer.publicKey));
      const asWriter = (await Database.open(instance, db.rootId)).withKey(writer);
      const late = await asWriter.newTransaction({ at: before });
      await set("s", "late")(late);
      await assert.rejects(late.commit(), hasCode("EntryValidationFailed"));
    }));
});

describe("heights", () => {
  const heights = async (db: Database) => (await db.getAllEntries()).map((entry) => entry.height);

  it("06#27 incremental by default", () =>
    withDb(async ({ db }) => {
      for (const key of ["a", "b", "c"]) await db.withTransaction(set("s", key));
      assert.deepEqual(await heights(db), [0, 1, 2, 3]);
    }));

  it("06#28,#29 the timestamp strategy counts from the very entry that sets it", async () => {
    const clock = new FixedClock();
    await withDb(async ({ db }) => {
      const hold = clock.hold();
      clock.set(5_000);
      await db.withTransaction((tx) => tx.getSettings().setHeightStrategy("timestamp"));
      await db.withTransaction(set("s", "a"));
      clock.set(9_000);
      await db.withTransaction(set("s", "b"));
      hold.release();
      assert.deepEqual(await heights(db), [0, 5_000, 5_001, 9_000]);
    }, { clock });
  });

  it("06#30,#31 a store with a strategy of its own counts for itself", async () => {
    const clock = new FixedClock();
    await withDb(async ({ db }) => {
      await db.withTransaction((tx) => tx.getSettings().setHeightStrategy("timestamp"));
      await db.withTransaction(async (tx) => {
        await tx.getStore(DocStore, "own");
        await tx.getIndex().setHeightStrategy("own", "incremental");
      });
      const ids = [];
      for (const key of ["a", "b"]) {
        const tx = await db.newTransaction();
        await set("own", key)(tx);
        await set("shared", key)(tx);
        ids.push(await tx.commit());
      }
      const [one, two] = await db.getEntries(ids);
      assert.deepEqual([one!.subtreeHeight("own"), two!.subtreeHeight("own")], [1, 2]);
      assert.equal(two!.subtreeHeight("shared"), two!.height);
      const settings = await (await db.getSettings()).getAll();
      assert.equal(settings.get("height_strategy"), '"timestamp"');
      await db.withTransaction((tx) => tx.getSettings().set("height_strategy", "nonsense"));
      const last = (await db.getTipEntries())[0]!;
      const parent = await db.getEntry(last.parents[0]!);
      assert.equal(last.height, parent.height + 1);
    }, { clock });
  });
});

describe("what no entry can hold", () => {
  it("06 §6 is refused with its size and its store, and can be taken back", () =>
    withDb(async ({ user, db }) => {
      const huge = "x".repeat(MAX_ENTRY_BYTES + 1);
      const refused = (error: unknown) => {
        assert.ok(error instanceof TransactionError && error.code === "EntryTooLarge");
        const { bytes, limit, store } = error.fields;
        assert.ok((bytes as number) > MAX_ENTRY_BYTES);
        assert.deepEqual({ limit, store }, { limit: MAX_ENTRY_BYTES, store: "large" });
        return /several transactions/.test(error.message);
      };
      const before = await db.snapshot();
      const tx = await db.newTransaction();
      await set("small", "a")(tx);
      await set("large", "a", huge)(tx);
      await assert.rejects(tx.commit(), refused);
      assert.ok((await db.snapshot()).equals(before));
      await set("large", "a", "little")(tx);
      await tx.commit();
      assert.equal(await (await db.getStoreViewer(DocStore, "large")).getString("a"), "little");
      const builder = user.newDatabase().initializeStore(
        "large",
        DocStore,
        async (store) => void await store.set("a", huge),
      );
      await assert.rejects(builder.build(), refused);
    }));
});
