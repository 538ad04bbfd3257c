import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  Database,
  DatabaseKey,
  Doc,
  DocStore,
  Permission,
  PrivateKey,
  SigKey,
  Snapshot,
  Table,
  type Transaction,
} from "../../mod.ts";
import { hasCode, peerWith, withDb } from "./bed.ts";

const write = (store: string, key: string) => async (tx: Transaction) => {
  await (await tx.getStore(DocStore, store)).set(key, "v");
};

describe("creating databases", () => {
  it("06#3 the creator's grant comes first, a weaker one for everybody second", () =>
    withDb(async ({ instance, user, db }) => {
      await db.withTransaction((tx) =>
        tx.getSettings().setGlobalAuthKey(AuthKey.active(undefined, Permission.write(10)))
      );
      const found = await Database.findSigkeys(instance, db.rootId, user.defaultKey());
      assert.deepEqual(found.map(([, grant]) => grant.display()), ["Admin(0)", "Write(10)"]);
      assert.equal(found[0]![0].displayId(), `${user.defaultKey()}`);
      assert.ok(found[1]![0].hint.isGlobal);
      const stranger = PrivateKey.generate();
      const others = await Database.findSigkeys(instance, db.rootId, stranger.publicKey);
      assert.deepEqual(others.map(([, grant]) => grant.display()), ["Write(10)"]);
      const can = (permission: Permission) =>
        Database.canAccess(instance, db.rootId, stranger.publicKey, permission);
      assert.deepEqual(
        [
          await can(Permission.read),
          await can(Permission.write(10)),
          await can(Permission.write(9)),
        ],
        [true, true, false],
      );
    }));

  it("06#5 what the creation writes is one entry that any peer accepts", () =>
    withDb(async ({ instance, user }) => {
      const key = user.signingKey(user.defaultKey());
      const made = await Database.create(instance, key, Doc.from({ name: "x" }), async (tx) => {
        await write("notes", "a")(tx);
        await (await tx.getStore(Table, "rows")).set("row", { n: 1 });
        await assert.rejects(tx.getStore(Table, "notes"), hasCode("TypeMismatch"));
        const viewer = await tx.getStore(DocStore, "notes");
        assert.equal(await viewer.get("a"), "v");
      });
      const root = await made.getRoot();
      assert.equal((await made.getAllEntries()).length, 1);
      assert.ok(["_index", "notes", "rows"].every((store) => root.inSubtree(store)));
      const peer = await peerWith([root]);
      const copy = await Database.open(peer, made.rootId);
      assert.equal(await (await copy.getStoreViewer(DocStore, "notes")).get("a"), "v");
      assert.equal(await copy.getName(), "x");
      await peer.close();
    }));

  it("06#6 the system stores open again after the creation", () =>
    withDb(async ({ db }) => {
      const tx = await db.newTransaction();
      for (const name of ["_settings", "_index"]) await tx.getStore(DocStore, name);
      const settings = await tx.getStore(DocStore, "_settings");
      await settings.set("name", "by hand");
      const entry = await db.getEntry(await tx.commit());
      assert.deepEqual([...entry.subtrees], ["_settings"]);
      assert.equal(await db.getName(), "by hand");
    }));

  it("06#1 a key that names itself otherwise must be one that the root grants", () =>
    withDb(async ({ instance }) => {
      const key = PrivateKey.generate();
      const named = new DatabaseKey(key, SigKey.fromName("nobody"));
      const roots = (await instance.backend.allRoots()).length;
      await assert.rejects(
        Database.create(instance, named, new Doc()),
        hasCode("EntryValidationFailed"),
      );
      assert.equal((await instance.backend.allRoots()).length, roots);
      const made = await Database.create(instance, new DatabaseKey(key), new Doc());
      assert.equal((await made.currentPermission()).display(), "Admin(0)");
    }));
});

describe("transactions, further", () => {
  it("06#18 a registry record that cannot be read is an error, and stays as it is", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        await (await tx.getStore(DocStore, "_index")).set("broken", "not a record");
      });
      const tx = await db.newTransaction();
      await assert.rejects(tx.getStore(DocStore, "broken"));
      assert.deepEqual([...(await db.getEntry(await tx.commit())).subtrees], []);
      await db.withTransaction(write("fine", "a"));
      const index = await db.getStoreViewer(DocStore, "_index");
      assert.equal(await index.get("broken"), "not a record");
    }));

  it("06#12 one transaction commits once, even when asked twice at the same time", () =>
    withDb(async ({ db }) => {
      const tx = await db.newTransaction();
      await write("s", "a")(tx);
      const results = await Promise.allSettled([tx.commit(), tx.commit()]);
      assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected"]);
      assert.ok(
        hasCode("TransactionAlreadyCommitted")((results[1] as PromiseRejectedResult).reason),
      );
      assert.equal((await db.getAllEntries()).length, 2);
    }));

  it("06#22 a commit that was refused is no commit", () =>
    withDb(async ({ db }) => {
      const tx = await db.newTransaction();
      await write("s", "a")(tx);
      await tx.getSettings().asDocStore().set("auth", "gone");
      for (let time = 0; time < 2; time++) {
        await assert.rejects(tx.commit(), hasCode("CorruptedAuthConfiguration"));
      }
      await write("s", "still open")(tx);
      assert.deepEqual((await db.snapshot()).toJSON(), [`${db.rootId}`]);
      const other = await db.newTransaction();
      await write("s", "b")(other);
      const entry = await db.getEntry(await other.commit());
      assert.equal(entry.height, 1);
    }));

  it("06#19,#20 store parents skip what does not touch the store, on every branch", () =>
    withDb(async ({ db }) => {
      const commit = async (store: string, key: string, at?: Snapshot) => {
        const tx = await db.newTransaction(at === undefined ? {} : { at });
        await write(store, key)(tx);
        return await db.getEntry(await tx.commit());
      };
      const one = await commit("s", "1");
      const fork = await db.snapshot();
      const other = await commit("other", "x", fork);
      const left = await commit("s", "left", Snapshot.of([other.id]));
      const right = await commit("s", "right", fork);
      assert.deepEqual(left.subtreeParents("s").map(String), [`${one.id}`]);
      assert.deepEqual(right.subtreeParents("s").map(String), [`${one.id}`]);
      const aside = await commit("other", "y");
      const merge = await commit("s", "merge");
      assert.deepEqual(merge.parents.map(String), [`${aside.id}`]);
      assert.deepEqual(
        merge.subtreeParents("s").map(String),
        Snapshot.of([left.id, right.id]).toJSON(),
      );
      const late = await db.getStoreViewer(DocStore, "s", { at: Snapshot.of([other.id]) });
      assert.deepEqual([...(await late.getAll()).keys()], ["1"]);
    }));

  it("06#13 old anchors see old settings and old stores only", () =>
    withDb(async ({ db }) => {
      const before = await db.snapshot();
      await db.withTransaction((tx) => tx.getSettings().setName("later"));
      await db.withTransaction(write("s", "a"));
      const old = await db.newTransaction({ at: before });
      assert.equal(await old.getSettings().getName(), "test");
      assert.deepEqual(await old.getIndex().list(), []);
      assert.equal(await db.getName(), "later");
    }));

  it("06#57 a hundred writers at once lose nothing", () =>
    withDb(async ({ db }) => {
      const ids = await Promise.all(Array.from({ length: 100 }, async (_, at) => {
        const tx = await db.newTransaction();
        await write("s", `k${at}`)(tx);
        return await tx.commit();
      }));
      assert.equal(new Set(ids.map(String)).size, 100);
      const state = await (await db.getStoreViewer(DocStore, "s")).getAll();
      assert.equal(state.len(), 100);
      assert.deepEqual(await db.verify(), { verified: 0, failed: 0, stillUnverified: 0 });
    }));

  it("07 §1 handles of an instance that was closed say so", () =>
    withDb(async ({ instance, db }) => {
      const tx = await db.newTransaction();
      await write("s", "a")(tx);
      await instance.close();
      await assert.rejects(tx.commit(), hasCode("InstanceDropped"));
      for (const use of [() => db.snapshot(), () => db.getRoot(), () => db.verify()]) {
        await assert.rejects(use(), hasCode("InstanceDropped"));
      }
      await assert.rejects(db.onWrite(() => undefined), hasCode("InstanceDropped"));
    }));
});
