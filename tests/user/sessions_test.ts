import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  AuthKey,
  type Database,
  DocStore,
  EideticaError,
  Instance,
  NewUser,
  Permission,
  PublicKey,
  SigKey,
  type User,
} from "../../mod.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import {
  trackedDatabaseRow,
  type UserInfo,
  userInfoRow,
  userKeyRow,
} from "../../src/user/records.ts";
import { KeysTable, usersDb, UsersTable } from "../../src/user/system_databases.ts";
import { StoreError } from "../../src/util/errors.ts";
import { failing, hasCode, withFolder } from "../instance/places.ts";

const commit = (db: Database, key: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, "v"));

async function withAda(
  test: (bed: { instance: Instance; ada: User; clock: FixedClock }) => Promise<void>,
  password?: string,
): Promise<void> {
  const clock = new FixedClock();
  const initial = password === undefined
    ? NewUser.passwordless("ada")
    : NewUser.withPassword("ada", password);
  const { instance, user } = await Instance.createBackend(memoryStorage(), initial, { clock });
  try {
    await test({ instance, ada: user, clock });
  } finally {
    await instance.close();
  }
}

/** `_users`, acting as the device. */
async function usersOf(instance: Instance): Promise<Database> {
  const { PrivateKey, ID } = await import("../../mod.ts");
  const metadata = (await instance.backend.getInstanceMetadata())!;
  const secrets = (await instance.backend.getInstanceSecrets())!;
  return await usersDb({
    host: instance.host,
    deviceId: instance.id,
    deviceKey: () => PrivateKey.parse(secrets.signing_key),
    usersDbId: ID.parse(metadata.users_db),
    databasesDbId: ID.parse(metadata.databases_db),
    sync: () => undefined,
  });
}

describe("sessions", () => {
  it("08#46, §7 after logout nothing can be done with the session; open handles go on", () =>
    withAda(async ({ instance, ada }) => {
      const db = await ada.createDatabase({ name: "x" });
      const key = ada.defaultKey();
      const copy = ada.signingKey(key);
      ada.logout();
      const ended = hasCode("AuthenticationRequired");
      assert.throws(() => ada.signingKey(key), hasCode("KeyNotFound"));
      assert.throws(() => ada.defaultKey(), ended);
      assert.deepEqual(ada.listKeys(), []);
      // Without the password's key it would be stored in the open.
      await assert.rejects(ada.addPrivateKey("lost"), ended);
      await assert.rejects(ada.createDatabase({ name: "y" }), ended);
      await assert.rejects(ada.trackDatabase(db.rootId, key), ended);
      await assert.rejects(ada.untrackDatabase(db.rootId), ended);
      await assert.rejects(ada.enableSync(db.rootId), ended);
      await assert.rejects(ada.openDatabase(db.rootId), ended);
      await assert.rejects(commit(ada.database, "k"), hasCode("KeyWiped"));
      await commit(db, "goes on");
      assert.equal(copy.sign(new Uint8Array(1)).length, 64);
      const again = await instance.loginUser("ada", "pw");
      assert.equal(again.listKeys().length, 1);
      again[Symbol.dispose]();
      assert.deepEqual(again.listKeys(), []);
    }, "pw"));

  it("08#23 keys come in the order they were made; those of one second in the order of their text", () =>
    withAda(async ({ ada, clock }) => {
      const keys: PublicKey[] = [];
      for (let at = 0; at < 4; at++) {
        clock.advance(1000);
        keys.push(await ada.addPrivateKey());
      }
      clock.hold();
      const same = [await ada.addPrivateKey(), await ada.addPrivateKey()].map(String).sort();
      assert.deepEqual(ada.listKeys().slice(1).map(String), [
        ...keys.slice(0, 3).map(String),
        ...[
          `${keys[3]}`,
          ...same,
        ].sort((a, b) => a < b ? -1 : 1),
      ]);
      assert.ok(ada.defaultKey().equals(ada.listKeys()[0]!));
    }));

  it("08#17 a login whose time cannot be written is a login", () =>
    withAda(async ({ instance }) => {
      const copy = memoryStorage();
      const { loadSnapshot } = await import("../../src/backend/snapshot_load.ts");
      const { LocalBackend } = await import("../../src/backend/local.ts");
      await loadSnapshot(new LocalBackend(copy), await instance.snapshotText());
      const again = await Instance.openBackend(failing(copy, 1));
      assert.equal((await again.loginUser("ada")).username, "ada");
      await again.close();
    }));

  it("08 better 3 a row whose private key is another's is refused", () =>
    withAda(async ({ instance, ada }) => {
      const users = await usersOf(instance);
      await users.withTransaction(async (tx) => {
        const table = await tx.getStore(UsersTable, "users");
        const [[uuid, info]] = await table.search(() => true) as [[string, UserInfo]];
        const credentials = { ...info.credentials, rootKeyId: PublicKey.random() };
        await table.set(uuid, { ...info, credentials });
      });
      await assert.rejects(instance.loginUser("ada"), hasCode("DecryptionFailed"));
      assert.equal(ada.username, "ada");
    }));

  it("00 §C5 a passwordless user's record does not show the key on a console", () =>
    withAda(async ({ ada, instance }) => {
      const key = ada.signingKey(ada.defaultKey()).reveal();
      const again = await instance.loginUser("ada");
      for (const user of [ada, again]) {
        assert.ok(!inspect(user.userInfo, { depth: 9 }).includes(key));
        assert.match(inspect(user.userInfo, { depth: 9 }), /KeyStorage\(unencrypted, redacted\)/);
      }
    }));

  it("issue: login errors hold no password, key, salt or ciphertext, whatever is wrong", () =>
    withAda(async ({ instance, ada }) => {
      const admin = await ada.admin();
      await admin.createUser(NewUser.withPassword("bob", "right-secret"));
      const users = await usersOf(instance);
      const [[uuid, bob]] = await (await users.getStoreViewer(UsersTable, "users"))
        .search((row) => row.username === "bob") as [[string, UserInfo]];
      const secrets = [
        "right-secret",
        "wrong-secret",
        bob.credentials.passwordSalt!,
        ada.signingKey(ada.defaultKey()).reveal(),
        ...(bob.credentials.rootKey.type === "encrypted"
          ? [bob.credentials.rootKey.ciphertext.slice(0, 6).join(",")]
          : []),
      ];
      const attempts: (() => Promise<unknown>)[] = [
        () => instance.loginUser("bob", "wrong-secret"),
        () => instance.loginUser("bob"),
        () => instance.loginUser("ada", "wrong-secret"),
        () => instance.loginUser("eve", "wrong-secret"),
        () => admin.createUser(NewUser.withPassword("bob", "wrong-secret")),
      ];
      const check = async (attempt: () => Promise<unknown>) => {
        await assert.rejects(attempt(), (error) => {
          const text = `${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`;
          return error instanceof EideticaError &&
            secrets.every((secret) => !text.includes(secret));
        });
      };
      for (const attempt of attempts) await check(attempt);
      await users.withTransaction(async (tx) => {
        // Behind the back of the table, which would not write such a row.
        const raw = await DocStore.load(tx, "users");
        await raw.set([uuid], '{"username":"bob",right-secret');
      });
      await check(() => instance.loginUser("bob", "right-secret"));
    }));
});

describe("one name, one user", () => {
  it("08#5 of concurrent creations in one process one succeeds", () =>
    withAda(async ({ instance, ada }) => {
      const admin = await ada.admin();
      const results = await Promise.allSettled(
        Array.from({ length: 5 }, () => admin.createUser(NewUser.passwordless("bob"))),
      );
      assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
      for (const result of results) {
        if (result.status === "rejected") {
          assert.ok(hasCode("UsernameAlreadyExists")(result.reason));
        }
      }
      assert.equal((await instance.loginUser("bob")).username, "bob");
    }));

  it("08 better 8 of two processes at most one succeeds, and nobody is locked out", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      const first = await Instance.createBackend(
        await sqliteStorage(path),
        NewUser.passwordless("ada"),
      );
      const second = await Instance.openBackend(await sqliteStorage(path));
      const admins = [
        await first.user.admin(),
        await (await second.loginUser("ada")).admin(),
      ];
      for (let round = 0; round < 10; round++) {
        const name = `user ${round}`;
        const results = await Promise.allSettled(
          admins.map((admin) => admin.createUser(NewUser.passwordless(name))),
        );
        const made = results.filter(({ status }) => status === "fulfilled").length;
        const held = (await admins[0]!.listUsers()).filter((other) => other === name).length;
        assert.ok(made <= 1 && held === made, `round ${round}: ${made} made, ${held} held`);
        if (made === 1) assert.equal((await second.loginUser(name)).username, name);
      }
      await first.instance.close();
      await second.close();
    }));
});

describe("promotion", () => {
  it("08#2,#3 a refused request writes nothing; a granted one is in both databases, once more or not", () =>
    withAda(async ({ instance, ada }) => {
      const admin = await ada.admin();
      await admin.createUser(NewUser.passwordless("bob"));
      const bob = await instance.loginUser("bob");
      const metadata = (await instance.backend.getInstanceMetadata())!;
      const { Database, ID } = await import("../../mod.ts");
      const systems = await Promise.all(
        [metadata.users_db, metadata.databases_db].map((root) =>
          Database.open(instance, ID.parse(root))
        ),
      );
      const sizes = async () =>
        await Promise.all(systems.map(async (db) => (await db.getAllEntries()).length));
      const before = await sizes();
      await assert.rejects(bob.admin(), hasCode("InsufficientPermissions"));
      assert.deepEqual(await sizes(), before);
      await admin.grantInstanceAdmin(bob.defaultKey());
      for (const db of systems) {
        const keys = (await (await db.getSettings()).authSnapshot()).getAllKeys();
        const grant = keys.find(([key]) => key.equals(bob.defaultKey()))![1];
        assert.deepEqual([grant.name, grant.permissions.display(), grant.status], [
          "admin",
          "Admin(0)",
          "Active",
        ]);
      }
    }));
});

describe("rows", () => {
  const refuse = (reason: string) => new StoreError("InvalidRow", reason);
  const key = "ed25519:6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
  const seed = "ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
  const id = "bafyr4ia2b76nzfmppmxnqg7ljuczgkfgg2wo6mibpau464rlawpice22gy";

  it("08#7 the forms of the specification are read and written to the letter", async () => {
    const user =
      `{"username":"alice","user_database_id":"${id}","credentials":{"root_key_id":"${key}","root_key":{"type":"unencrypted","key":"${seed}"},"password_salt":null},"created_at":1704067200,"status":"Active"}`;
    const sealed =
      `{"type":"encrypted","algorithm":"aes-256-gcm","ciphertext":[85,157],"nonce":[0,1]}`;
    const row =
      `{"key_id":"${key}","storage":${sealed},"display_name":"Root Key","created_at":1704067200,"last_used":null,"is_default":true,"database_sigkeys":{"${id}":null}}`;
    const tracked =
      `{"database_id":"${id}","key_id":"${key}","sync_settings":{"sync_enabled":false,"sync_on_commit":false,"interval_seconds":null,"properties":{}}}`;
    assert.equal(await userInfoRow.write(await userInfoRow.read(user, refuse), refuse), user);
    assert.equal(await userKeyRow.write(await userKeyRow.read(row, refuse), refuse), row);
    assert.equal(
      await trackedDatabaseRow.write(await trackedDatabaseRow.read(tracked, refuse), refuse),
      tracked,
    );
  });

  it("08#7 missing optional members are null, unknown ones are ignored, any order; others are needed", async () => {
    const user = {
      status: "Locked",
      more: [1],
      created_at: 1,
      credentials: { root_key: { key: seed, type: "unencrypted" }, root_key_id: key },
      user_database_id: id,
      username: "",
    };
    const read = (value: object) => userInfoRow.read(JSON.stringify(value), refuse);
    const info = await read(user);
    assert.deepEqual([info.credentials.passwordSalt, info.status, info.username], [
      undefined,
      "Locked",
      "",
    ]);
    for (const name of ["username", "user_database_id", "credentials", "created_at", "status"]) {
      await assert.rejects(read({ ...user, [name]: undefined }), hasCode("InvalidRow"), name);
    }
    await assert.rejects(read({ ...user, status: "active" }), hasCode("InvalidRow"));
    await assert.rejects(read({ ...user, created_at: 1.5 }), hasCode("InvalidRow"));
  });

  it("08#8,#27 a new database is tracked under its ID and mapped to null", () =>
    withAda(async ({ ada }) => {
      const db = await ada.createDatabase({ name: "x" });
      const rows = await (await ada.database.getStoreViewer(DocStore, "keys")).getAll();
      const [text] = [...rows.values()];
      assert.deepEqual(JSON.parse(text as string).database_sigkeys, { [`${db.rootId}`]: null });
      const tracked = await (await ada.database.getStoreViewer(DocStore, "databases")).getAll();
      assert.deepEqual([...tracked.keys()], [`${db.rootId}`]);
      const records = await (await ada.database.getStoreViewer(KeysTable, "keys"))
        .search(() => true);
      assert.equal(records.length, 1);
    }));
});

describe("access that was asked for", () => {
  it("08#41,#42 is pending until it is granted, then tracked, keeping the settings there were", () =>
    withAda(async ({ instance, ada }) => {
      const owner = await Instance.createBackend(memoryStorage(), NewUser.passwordless("bob"));
      const theirs = await owner.user.createDatabase({ name: "theirs" });
      const [key, root] = [ada.defaultKey(), theirs.rootId];
      const pending = new EideticaError(
        "sync",
        "BootstrapPending",
        "Cannot open the database yet: wait",
      );
      await assert.rejects(
        ada.recordDatabaseAccess(root, PublicKey.random(), pending),
        hasCode("KeyNotFound"),
      );
      await assert.rejects(ada.recordDatabaseAccess(root, key, pending), (error) => {
        return error === pending;
      });
      assert.ok(ada.keyMapping(key, root)!.equals(SigKey.fromPubkey(key)));
      await assert.rejects(ada.trackedDatabase(root), hasCode("DatabaseNotTracked"));
      await assert.rejects(ada.openDatabase(root), hasCode("DatabaseAccessPending"));
      await theirs.withTransaction((tx) =>
        tx.getSettings().setAuthKey(key, AuthKey.active("ada", Permission.write(1)))
      );
      await instance.putRemoteEntries(root, await theirs.getAllEntries());
      await ada.recordDatabaseAccess(root, key);
      assert.equal(await ada.isSyncEnabled(root), false);
      await commit(await ada.openDatabase(root), "by ada");
      await ada.enableSync(root);
      await ada.recordDatabaseAccess(root, key, null);
      assert.equal(await ada.isSyncEnabled(root), true);
      await owner.instance.close();
    }));

  it("08 §8.6 any other error is thrown again, and nothing is noted", () =>
    withAda(async ({ ada }) => {
      const db = await ada.createDatabase({ name: "x" });
      const other = await ada.addPrivateKey();
      const failure = new EideticaError("sync", "NetworkError", "Cannot reach the peer: no answer");
      await assert.rejects(ada.recordDatabaseAccess(db.rootId, other, failure), /no answer/);
      assert.equal(ada.keyMapping(other, db.rootId), undefined);
    }));
});

describe("tracking", () => {
  it("08#34 a held key without rights is refused, and the old row stays", () =>
    withAda(async ({ ada }) => {
      const db = await ada.createDatabase({ name: "x" });
      const before = await ada.trackedDatabase(db.rootId);
      const other = await ada.addPrivateKey("without rights");
      await assert.rejects(ada.trackDatabase(db.rootId, other), hasCode("NoSigKeyFound"));
      const after = await ada.trackedDatabase(db.rootId);
      assert.ok(after.keyId.equals(before.keyId));
      assert.equal(ada.keyMapping(other, db.rootId), undefined);
    }));
});
