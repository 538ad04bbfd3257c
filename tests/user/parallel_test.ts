import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  type Database,
  DocStore,
  Instance,
  NewUser,
  Permission,
  SigKey,
  SYNC_ENABLED,
  Table,
  type User,
} from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { KeysTable } from "../../src/user/system_databases.ts";
import { flakyStorage } from "../helpers/flaky_storage.ts";
import { SHARED_STORAGES, urlOf, whyNot } from "../helpers/shared.ts";
import { asFarAsAvailable, newInstance } from "../helpers/instances.ts";
import { hasCode, runProcess } from "../instance/places.ts";

const NAMES = ["a", "b", "c", "d"];

async function withAda(test: (instance: Instance, ada: User) => Promise<void>): Promise<void> {
  const { instance, user } = await newInstance(NewUser.passwordless("ada"));
  try {
    await asFarAsAvailable(() => test(instance, user));
  } finally {
    await instance.close();
  }
}

const rootsOf = async (user: User) =>
  (await user.databases()).map(({ databaseId }) => `${databaseId}`);

/** Takes all identities from the rows of the user's keys, as lost updates did before. */
const loseMappings = (user: User) =>
  user.database.withTransaction(async (tx) => {
    const table = await tx.getStore(KeysTable, "keys");
    for (const [key, row] of await table.search(() => true)) {
      await table.set(key, { ...row, databaseSigkeys: new Map() });
    }
  });

describe("records that are read, changed and written back by parallel work", () => {
  it("databases that one user creates at the same time can all be opened and found", () =>
    withAda(async (instance, ada) => {
      const made = await Promise.all(NAMES.map((name) => ada.createDatabase({ name })));
      for (const session of [ada, await instance.loginUser("ada")]) {
        for (const database of made) await session.openDatabase(database.rootId);
        for (const name of NAMES) assert.equal((await session.findDatabase(name)).length, 1, name);
        for (const { rootId } of made) {
          assert.ok(session.keyMapping(session.defaultKey(), rootId) !== undefined);
        }
      }
    }));

  it("mappings of one key that are made at the same time are all there", () =>
    withAda(async (instance, ada) => {
      const key = await ada.addPrivateKey("second");
      const made: Database[] = [];
      for (const name of NAMES) made.push(await ada.createDatabase({ name }));
      await Promise.all(made.map((db) => ada.mapKey(key, db.rootId, SigKey.fromPubkey(key))));
      for (const session of [ada, await instance.loginUser("ada")]) {
        for (const { rootId } of made) assert.ok(session.keyMapping(key, rootId) !== undefined);
      }
    }));

  it("mappings of one session are all there while a handler of the first is at work", () =>
    withAda(async (_instance, ada) => {
      const key = await ada.addPrivateKey("k");
      const roots = (await Promise.all(NAMES.map((name) => ada.createDatabase({ name })))).map(
        (db) => db.rootId,
      );
      let release = () => {};
      const others = new Promise<void>((resolve) => release = resolve);
      let isFirst = true;
      await ada.database.onWrite(async () => {
        if (!isFirst) return;
        isFirst = false;
        await others;
      });
      const [first, ...rest] = roots.map((root) => ada.mapKey(key, root, SigKey.fromPubkey(key)));
      await Promise.all(rest);
      release();
      await first;
      for (const root of roots) assert.ok(ada.keyMapping(key, root));
    }));

  it("databases that are tracked at the same time, over sessions, are all mapped", () =>
    withAda(async (instance, ada) => {
      await (await ada.admin()).createUser(NewUser.passwordless("bob"));
      const sessions = [await instance.loginUser("bob"), await instance.loginUser("bob")];
      const key = sessions[0]!.defaultKey();
      const made: Database[] = [];
      for (const name of NAMES) {
        const db = await ada.createDatabase({ name });
        await db.withTransaction((tx) =>
          tx.getSettings().setAuthKey(key, AuthKey.active("bob", Permission.write(1)))
        );
        made.push(db);
      }
      await Promise.all(
        made.map((db, at) => sessions[at % 2]!.trackDatabase(db.rootId, key)),
      );
      const again = await instance.loginUser("bob");
      for (const { rootId } of made) assert.ok(again.keyMapping(key, rootId) !== undefined);
      // What the other session has noted is read when it is asked for.
      for (const session of sessions) for (const db of made) await session.openDatabase(db.rootId);
    }));

  it("two changes of how one database is tracked both count", () =>
    withAda(async (_instance, ada) => {
      const { rootId } = await ada.createDatabase({ name: "a" });
      await Promise.all([
        ada.enableSync(rootId),
        ada.recordDatabaseAccess(rootId, ada.defaultKey()),
      ]);
      assert.equal(await ada.isSyncEnabled(rootId), true);
    }));

  it("first logins at the same time write the root key once", () =>
    withAda(async (instance, ada) => {
      await (await ada.admin()).createUser(NewUser.passwordless("bob"));
      const sessions = await Promise.all(NAMES.map(() => instance.loginUser("bob")));
      const rows = await sessions[0]!.database.getStoreViewer(Table, "keys");
      assert.equal(await rows.count(), 1);
    }));

  it("a key that stands in two rows has the identities of both, and one row at the next change", () =>
    withAda(async (instance, ada) => {
      const key = ada.defaultKey();
      const first = await ada.createDatabase({ name: "a" });
      await ada.database.withTransaction(async (tx) => {
        const table = await tx.getStore(KeysTable, "keys");
        const [row] = await table.search(() => true);
        const other = new Map([["other", undefined]]);
        await table.insert({ ...row![1], databaseSigkeys: other });
      });
      const again = await instance.loginUser("ada");
      assert.ok(again.keyMapping(key, first.rootId) !== undefined);
      const second = await again.createDatabase({ name: "b" });
      const last = await instance.loginUser("ada");
      for (const { rootId } of [first, second]) assert.ok(last.keyMapping(key, rootId));
      const rows = await last.database.getStoreViewer(Table, "keys");
      assert.equal(await rows.count(), 1);
    }));

  for (const kind of SHARED_STORAGES) {
    it(`holds over processes: ${kind}`, { skip: whyNot(kind) }, async () => {
      const url = await urlOf(kind);
      const first = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
      const second = await Instance.connect(url);
      const sessions = [first.user!, await second.loginUser("ada")];
      const made = await Promise.all(
        NAMES.map((name, at) => sessions[at % 2]!.createDatabase({ name })),
      );
      const again = await second.loginUser("ada");
      for (const { rootId } of made) {
        assert.ok(again.keyMapping(again.defaultKey(), rootId) !== undefined);
      }
      await second.close();
      await first.instance.close();
    });
  }
});

describe("identities that have got lost", () => {
  it("are noted again when the database is opened or found, from its settings", () =>
    withAda(async (instance, ada) => {
      const other = await ada.addPrivateKey("other");
      const tracked = await ada.createDatabase({ name: "tracked" });
      const untracked = await ada.createDatabase({ name: "untracked" }, { key: other });
      await ada.untrackDatabase(untracked.rootId);
      await loseMappings(ada);
      const session = await instance.loginUser("ada");
      assert.equal(session.findKey(tracked.rootId), undefined);
      const [found] = await session.findDatabase("tracked");
      await found!.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("a", 1));
      const opened = await session.openDatabase(untracked.rootId);
      assert.equal(`${opened.key!.publicKey}`, `${other}`);
      const later = await instance.loginUser("ada");
      assert.ok(later.keyMapping(later.defaultKey(), tracked.rootId));
      assert.ok(later.keyMapping(other, untracked.rootId));
    }));

  it("of a database that is tracked under the grant to everybody, too", () =>
    withAda(async (instance, ada) => {
      await (await ada.admin()).createUser(NewUser.passwordless("bob"));
      const bob = await instance.loginUser("bob");
      const open = await ada.createDatabase({ name: "open" });
      await open.withTransaction((tx) =>
        tx.getSettings().setGlobalAuthKey(AuthKey.active(undefined, Permission.write(1)))
      );
      // Nobody has asked for it yet: a grant to everybody makes no database one's own.
      await assert.rejects(bob.openDatabase(open.rootId), hasCode("NoKeyForDatabase"));
      await bob.trackDatabase(open.rootId, bob.defaultKey(), SYNC_ENABLED);
      await loseMappings(bob);
      const again = await instance.loginUser("bob");
      assert.equal((await again.openDatabase(open.rootId)).key!.identity.isGlobal, true);
    }));
});

describe("openOrCreateDatabase", () => {
  it("creates once and opens from then on, also of many at the same time", () =>
    withAda(async (instance, ada) => {
      const sessions = [ada, await instance.loginUser("ada")];
      const all = await Promise.all(
        Array.from(
          { length: 10 },
          (_, at) => sessions[at % 2]!.openOrCreateDatabase({ name: "notes" }),
        ),
      );
      assert.equal(new Set(all.map((db) => `${db.rootId}`)).size, 1);
      assert.deepEqual(await rootsOf(ada), [`${all[0]!.rootId}`]);
      for (const db of all) {
        await db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("a", 1));
      }
    }));

  it("leaves a database that is there as it is, and takes key and stores for a new one", () =>
    withAda(async (_instance, ada) => {
      const key = await ada.addPrivateKey("k");
      const stores = [{
        name: "s",
        type: DocStore,
        init: async (store: DocStore) => await store.set("a", 1),
      }];
      const made = await ada.openOrCreateDatabase({ name: "x", color: "red" }, { key, stores });
      assert.equal(`${made.key!.publicKey}`, `${key}`);
      assert.equal(await (await made.getStoreViewer(DocStore, "s")).getInt("a"), 1);
      const same = await ada.openOrCreateDatabase({ name: "x", color: "blue" });
      assert.ok(same.rootId.equals(made.rootId));
      assert.equal(await (await same.getSettings()).getString("color"), "red");
    }));

  it("makes no second one where the storage cannot be read for a moment", async () => {
    const storage = memoryStorage();
    const { user } = await Instance.createBackend(
      flakyStorage(storage),
      NewUser.passwordless("ada"),
    );
    const { rootId } = await user.createDatabase({ name: "x" });
    let refused = 0;
    // The same places are read twice, by the look for the name and by the update that is sure of it.
    for (let sound = 0; sound < 12; sound++) {
      for (const broken of [2, 3, 4]) {
        const view = flakyStorage(storage);
        const ada = await (await Instance.openBackend(view)).loginUser("ada");
        Object.assign(view, { sound, broken });
        const found = await ada.openOrCreateDatabase({ name: "x" }).catch((error) => {
          assert.equal(error.code, "Io");
          refused++;
        });
        if (found !== undefined) assert.ok(found.rootId.equals(rootId));
      }
    }
    assert.ok(refused > 0);
    assert.equal((await rootsOf(user)).length, 1);
  });

  it("needs a name", () =>
    withAda(async (_instance, ada) => {
      for (const settings of [{}, { name: undefined }, { name: 5 }, undefined]) {
        await assert.rejects(
          ada.openOrCreateDatabase(settings as unknown as { name: string }),
          hasCode("InvalidArgument"),
        );
      }
      assert.deepEqual(await ada.databases(), []);
    }));

  for (const kind of SHARED_STORAGES) {
    it(`four processes make one database: ${kind}`, { skip: whyNot(kind) }, async () => {
      const url = await urlOf(kind);
      const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
      const run = () => runProcess("../user/open_or_create_main.ts", url, "notes");
      const roots = new Set((await Promise.all(NAMES.map(run))).map((root) => root.trim()));
      assert.equal(roots.size, 1);
      assert.deepEqual(await rootsOf(user!), [...roots]);
      await instance.close();
    });
  }
});
