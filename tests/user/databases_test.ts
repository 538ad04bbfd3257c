import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  type Database,
  Doc,
  DocStore,
  EideticaError,
  ID,
  type Instance,
  mergeSyncSettings,
  NewUser,
  Permission,
  PublicKey,
  SigKey,
  SYNC_DISABLED,
  SYNC_ENABLED,
  SYNC_ON_COMMIT,
  SyncSettings,
  Table,
  type User,
} from "../../mod.ts";
import { asFarAsAvailable, newInstance } from "../helpers/instances.ts";
import { utf8 } from "../../src/util/bytes.ts";

const hasCode = (code: string) => (error: unknown) =>
  error instanceof EideticaError && error.code === code;

async function withUsers(
  test: (bed: { instance: Instance; ada: User; bob: User }) => Promise<void>,
): Promise<void> {
  const { instance, user } = await newInstance(NewUser.passwordless("ada"));
  try {
    await (await user.admin()).createUser(NewUser.passwordless("bob"));
    const bob = await instance.loginUser("bob");
    await asFarAsAvailable(() => test({ instance, ada: user, bob }));
  } finally {
    await instance.close();
  }
}

const write = (db: Database, key: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, "v"));

describe("databases of a user", () => {
  it("08#26,#27 creating tracks, maps and refuses foreign keys", () =>
    withUsers(async ({ instance, ada, bob }) => {
      const before = (await instance.backend.allRoots()).length;
      await assert.rejects(
        ada.createDatabase({ name: "x" }, { key: bob.defaultKey() }),
        hasCode("KeyNotFound"),
      );
      assert.equal((await instance.backend.allRoots()).length, before);
      const db = await ada.createDatabase({ name: "x" });
      const tracked = await ada.trackedDatabase(db.rootId);
      assert.deepEqual([tracked.syncSettings.syncEnabled, `${tracked.keyId}`], [
        false,
        `${ada.defaultKey()}`,
      ]);
      assert.ok(
        ada.keyMapping(ada.defaultKey(), db.rootId)!.equals(SigKey.fromPubkey(ada.defaultKey())),
      );
    }));

  it("08#28,#29 found by name, all of them, writable", () =>
    withUsers(async ({ ada }) => {
      const made = [
        await ada.createDatabase({ name: "twin" }),
        await ada.createDatabase({ name: "twin" }),
        await ada.createDatabase({}),
      ];
      const found = await ada.findDatabase("twin");
      assert.deepEqual(
        found.map((db) => `${db.rootId}`).sort(),
        made.slice(0, 2).map((db) => `${db.rootId}`).sort(),
      );
      await write(found[0]!, "a");
      assert.deepEqual(await ada.findDatabase("none"), []);
    }));

  it("08#30,#31 opening binds the identity that is asked for", () =>
    withUsers(async ({ ada, bob }) => {
      const db = await ada.createDatabase({ name: "x" });
      await assert.rejects(bob.openDatabase(db.rootId), hasCode("NoKeyForDatabase"));
      const other = await ada.addPrivateKey("other");
      await assert.rejects(ada.openDatabase(db.rootId, { key: other }), hasCode("NoSigKeyMapping"));
      await assert.rejects(
        ada.openDatabase(db.rootId, { key: bob.defaultKey() }),
        hasCode("KeyNotFound"),
      );
      await ada.mapKey(other, db.rootId, SigKey.global(other));
      const opened = await ada.openDatabase(db.rootId, { key: other });
      assert.equal(opened.key!.identity.displayId(), "*");
      await assert.rejects(write(opened, "a"), hasCode("EntryValidationFailed"));
      const missing = ID.ofRaw(utf8("elsewhere"));
      await ada.mapKey(other, missing, SigKey.fromPubkey(other));
      await assert.rejects(ada.openDatabase(missing), hasCode("DatabaseAccessPending"));
    }));

  it("08#32 mappings are stored as null for the own key, else as they are, and survive a login", () =>
    withUsers(async ({ instance, ada }) => {
      const key = ada.defaultKey();
      const [one, two] = [ID.ofRaw(utf8("1")), ID.ofRaw(utf8("2"))];
      await ada.mapKey(key, one, SigKey.fromPubkey(key));
      await ada.mapKey(key, two, SigKey.fromName("laptop"));
      const [text] = [
        ...(await (await ada.database.getStoreViewer(DocStore, "keys")).getAll()).values(),
      ];
      const row = JSON.parse(text as string);
      assert.equal(row.database_sigkeys[`${one}`], null);
      assert.deepEqual(row.database_sigkeys[`${two}`], { Direct: { hint: { name: "laptop" } } });
      await assert.rejects(
        ada.mapKey(PublicKey.random(), one, SigKey.fromName("x")),
        hasCode("KeyNotFound"),
      );
      const again = await instance.loginUser("ada");
      assert.equal(again.keyMapping(key, two)!.displayId(), "laptop");
      assert.ok(again.findKey(one)!.equals(key));
      assert.equal(again.findKey(ID.ofRaw(utf8("3"))), undefined);
      assert.equal(again.keyMapping(key, ID.ofRaw(utf8("3"))), undefined);
    }));

  it("08#33,#34,#35 tracking discovers identities and keeps what was there when it fails", () =>
    withUsers(async ({ ada, bob }) => {
      const db = await ada.createDatabase({ name: "open to all" });
      const key = bob.defaultKey();
      await assert.rejects(bob.trackDatabase(db.rootId, key), hasCode("NoSigKeyFound"));
      assert.deepEqual(await bob.databases(), []);
      await db.withTransaction((tx) =>
        tx.getSettings().setGlobalAuthKey(AuthKey.active(undefined, Permission.write(10)))
      );
      await bob.trackDatabase(db.rootId, key, SYNC_ENABLED);
      assert.ok(bob.keyMapping(key, db.rootId)!.isGlobal);
      await write(await bob.openDatabase(db.rootId), "by bob");
      await bob.trackDatabase(db.rootId, key, SYNC_ON_COMMIT);
      assert.equal((await bob.trackedDatabase(db.rootId)).syncSettings.syncOnCommit, true);
      const second = await bob.addPrivateKey();
      await bob.trackDatabase(db.rootId, second, SYNC_ENABLED);
      assert.ok((await bob.trackedDatabase(db.rootId)).keyId.equals(second));
      await assert.rejects(
        bob.trackDatabase(db.rootId, PublicKey.random()),
        hasCode("KeyNotFound"),
      );
      assert.ok((await bob.trackedDatabase(db.rootId)).keyId.equals(second));
      await bob.untrackDatabase(db.rootId);
      await assert.rejects(bob.untrackDatabase(db.rootId), hasCode("DatabaseNotTracked"));
      assert.ok(bob.findKey(db.rootId) !== undefined, "it can still be opened");
    }));

  it("08#36 sync preferences change one flag, and write only when it changes", () =>
    withUsers(async ({ instance, ada }) => {
      const db = await ada.createDatabase({ name: "x" });
      const settings = {
        syncEnabled: false,
        syncOnCommit: true,
        intervalSeconds: 60,
        properties: new Map([["a", "b"]]),
      };
      await ada.trackDatabase(db.rootId, ada.defaultKey(), settings);
      const entries = async () => (await instance.backend.getTree(ada.database.rootId)).length;
      await ada.enableSync(db.rootId);
      const count = await entries();
      await ada.enableSync(db.rootId);
      assert.equal(await entries(), count);
      assert.equal(await ada.isSyncEnabled(db.rootId), true);
      assert.deepEqual((await ada.trackedDatabase(db.rootId)).syncSettings, {
        ...settings,
        syncEnabled: true,
      });
      await ada.disableSync(db.rootId);
      const unknown = ID.ofRaw(utf8("x"));
      assert.deepEqual([await ada.isSyncEnabled(db.rootId), await ada.isSyncEnabled(unknown)], [
        false,
        false,
      ]);
      await assert.rejects(ada.enableSync(unknown), hasCode("DatabaseNotTracked"));
    }));
});

describe("database builder", () => {
  it("08#38 duplicates, failing initialisers, and the order of name and settings", () =>
    withUsers(async ({ instance, ada }) => {
      const roots = async () => (await instance.backend.allRoots()).length;
      const before = [ada.listKeys().length, await roots()];
      await assert.rejects(
        ada.newDatabase().emptyDoc("a").emptyDoc("a").build(),
        hasCode("DuplicateBuilderStore"),
      );
      assert.deepEqual([ada.listKeys().length, await roots()], before);
      const failing = ada.newDatabase().initializeStore("a", DocStore, () => {
        throw new Error("no");
      });
      await assert.rejects(failing.build(), /no/);
      assert.deepEqual([ada.listKeys().length, await roots()], [before[0]! + 1, before[1]]);
      const lost = await ada.newDatabase().name("lost").settings(Doc.from({ kind: "x" })).build();
      await assert.rejects(lost.database.getName(), hasCode("KeyNotFound"));
      const named = await ada.newDatabase().settings(Doc.from({ name: "old", kind: "x" })).name(
        "new",
      ).build();
      assert.equal(await named.database.getName(), "new");
      assert.equal(await (await named.database.getSettings()).getString("kind"), "x");
    }));

  it("08#39,#40 all stores stand in one genesis entry, owned by the chosen key", () =>
    withUsers(async ({ ada, bob }) => {
      const builder = ada.newDatabase().name("built").keyLabel("builder").emptyDoc("empty")
        .initializeDoc("doc", Doc.from({ "dotted.key": { deep: [1, true] }, n: 2n ** 60n }))
        .initializeStore("rows", Table, async (table) => void await table.set("1", { a: 1 }));
      const { database, key } = await builder.build();
      assert.equal((await database.getAllEntries()).length, 1);
      assert.deepEqual([...(await database.getRoot()).subtrees], [
        "_index",
        "_root",
        "_settings",
        "doc",
        "empty",
        "rows",
      ]);
      const doc = await (await database.getStoreViewer(DocStore, "doc")).getAll();
      assert.equal(doc.get("n"), 2n ** 60n);
      assert.deepEqual(doc.toObject(), { "dotted.key": { deep: [1, true] }, n: 2n ** 60n });
      assert.deepEqual(ada.findKeysByDisplayName("builder").map(String), [`${key}`]);
      await assert.rejects(
        ada.newDatabase().withKey(bob.defaultKey()).build(),
        hasCode("KeyNotFound"),
      );
      const count = ada.listKeys().length;
      const held = await ada.newDatabase().withKey(ada.defaultKey()).build();
      assert.ok(held.key.equals(ada.defaultKey()));
      assert.equal(ada.listKeys().length, count);
    }));
});

describe("sync preferences of several users", () => {
  it("06#70, 07#45 any wish counts, the shortest interval, later properties", () => {
    assert.deepEqual(mergeSyncSettings([]), SYNC_DISABLED);
    const one = {
      syncEnabled: true,
      syncOnCommit: false,
      intervalSeconds: 60,
      properties: new Map([["a", "1"], ["b", "1"]]),
    };
    const two = {
      syncEnabled: false,
      syncOnCommit: true,
      intervalSeconds: 30,
      properties: new Map([["b", "2"]]),
    };
    const none = { ...SYNC_DISABLED };
    assert.deepEqual(mergeSyncSettings([one, two, none]), {
      syncEnabled: true,
      syncOnCommit: true,
      intervalSeconds: 30,
      properties: new Map([["a", "1"], ["b", "2"]]),
    });
    assert.equal(mergeSyncSettings([none, none]).intervalSeconds, undefined);
  });

  it("08 §9 the usual settings have names", () => {
    assert.deepEqual([SyncSettings.disabled(), SyncSettings.enabled(), SyncSettings.onCommit()], [
      SYNC_DISABLED,
      SYNC_ENABLED,
      SYNC_ON_COMMIT,
    ]);
    const often = SyncSettings.withInterval(SyncSettings.enabled(), 30);
    assert.deepEqual([often.syncEnabled, often.intervalSeconds], [true, 30]);
    assert.throws(() => SyncSettings.withInterval(often, 0.5), hasCode("InvalidArgument"));
  });
});
