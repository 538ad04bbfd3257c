import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Database,
  DocStore,
  EideticaError,
  Instance,
  NewUser,
  Permission,
  type User,
} from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { asFarAsAvailable, IS_CONNECTED, newInstance, secretsOf } from "../helpers/instances.ts";
import { newStorage } from "../helpers/storages.ts";
import { KeysTable, UsersTable } from "../../src/user/system_databases.ts";
import { UserKeyManager } from "../../src/user/key_manager.ts";
import { systemRandom } from "../../src/util/random.ts";

const hasCode = (code: string) => (error: unknown) =>
  error instanceof EideticaError && error.code === code;

async function withAda(
  test: (bed: { instance: Instance; ada: User }) => Promise<void>,
): Promise<void> {
  const { instance, user } = await newInstance(NewUser.passwordless("ada"));
  try {
    await asFarAsAvailable(() => test({ instance, ada: user }));
  } finally {
    await instance.close();
  }
}

/** System databases of an instance, acting as its device. */
async function system(instance: Instance): Promise<{ users: Database; databases: Database }> {
  const backend = instance.backend as LocalBackend;
  const metadata = (await backend.getInstanceMetadata())!;
  const { PrivateKey, ID } = await import("../../mod.ts");
  const key = PrivateKey.parse((await secretsOf(instance)).signing_key);
  const open = async (root: string) => (await Database.open(instance, ID.parse(root))).withKey(key);
  return { users: await open(metadata.users_db), databases: await open(metadata.databases_db) };
}

const grantsOf = async (db: Database) =>
  (await (await db.getSettings()).authSnapshot()).getAllKeys();

describe("accounts", () => {
  it("08#1,#4 the first user administers the instance", () =>
    withAda(async ({ instance, ada }) => {
      const { users, databases } = await system(instance);
      for (const db of [users, databases]) {
        const grants = new Map((await grantsOf(db)).map(([key, grant]) => [`${key}`, grant]));
        const admin = grants.get(`${ada.defaultKey()}`)!;
        assert.deepEqual([admin.name, admin.permissions.display(), admin.status], [
          "admin",
          "Admin(0)",
          "Active",
        ]);
        const device = grants.get(`${instance.id}`)!;
        assert.deepEqual([device.name, device.permissions.display()], [undefined, "Admin(0)"]);
      }
      for (
        const [db, name, type] of [
          [users, "_users", "system"],
          [databases, "_databases", "system"],
          [ada.database, "_user_ada", "user"],
        ] as const
      ) {
        const settings = await db.getSettings();
        assert.deepEqual([await settings.getString("name"), await settings.getString("type")], [
          name,
          type,
        ]);
      }
      assert.equal(await ada.isAdmin(), true);
    }));

  it("08#2,#3 others do not, until they are promoted", () =>
    withAda(async ({ instance, ada }) => {
      const admin = await ada.admin();
      await admin.createUser(NewUser.passwordless("bob"));
      const bob = await instance.loginUser("bob");
      assert.equal(await bob.isAdmin(), false);
      await assert.rejects(bob.admin(), hasCode("InsufficientPermissions"));
      for (let time = 0; time < 2; time++) await admin.grantInstanceAdmin(bob.defaultKey());
      const asBob = await bob.admin();
      await asBob.createUser(NewUser.passwordless("charlie"));
      const charlie = await instance.loginUser("charlie");
      await asBob.grantInstanceAdmin(charlie.defaultKey());
      assert.equal(await charlie.isAdmin(), true);
      assert.deepEqual((await asBob.listUsers()).sort(), ["ada", "bob", "charlie"]);
    }));

  it("08#5,#15 names are unique and compared exactly", () =>
    withAda(async ({ instance, ada }) => {
      const admin = await ada.admin();
      await assert.rejects(
        admin.createUser(NewUser.passwordless("ada")),
        hasCode("UsernameAlreadyExists"),
      );
      await admin.createUser(NewUser.passwordless("Ada"));
      await assert.rejects(instance.loginUser("nobody"), hasCode("UserNotFound"));
      await assert.rejects(instance.loginUser("ADA"), hasCode("UserNotFound"));
    }));

  it("08#6,#7,#8 rows have the exact form of the specification", () =>
    withAda(async ({ instance, ada }) => {
      await (await ada.admin()).createUser(NewUser.withPassword("bob", "secret"));
      await ada.createDatabase({ name: "x" });
      const { users } = await system(instance);
      const raw = await (await users.getStoreViewer(DocStore, "users")).getAll();
      const rows = [...raw.entries()].map(([key, text]) =>
        [key, JSON.parse(text as string)] as const
      );
      const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
      assert.ok(rows.every(([key]) => uuid.test(key)));
      const info = Object.fromEntries(rows.map(([, row]) => [row.username, row]));
      assert.deepEqual(Object.keys(info.ada), [
        "username",
        "user_database_id",
        "credentials",
        "created_at",
        "status",
      ]);
      assert.deepEqual([info.ada.credentials.password_salt, info.ada.credentials.root_key.type], [
        null,
        "unencrypted",
      ]);
      const { root_key: sealed, password_salt: salt } = info.bob.credentials;
      assert.deepEqual([salt.length, sealed.type, sealed.algorithm], [
        22,
        "encrypted",
        "aes-256-gcm",
      ]);
      assert.deepEqual([sealed.ciphertext.length, sealed.nonce.length], [68, 12]);
      const [key] = [
        ...(await (await ada.database.getStoreViewer(DocStore, "keys")).getAll()).values(),
      ];
      const names = [
        "key_id",
        "storage",
        "display_name",
        "created_at",
        "last_used",
        "is_default",
        "database_sigkeys",
      ];
      assert.deepEqual(Object.keys(JSON.parse(key as string)), names);
      const [[root, tracked]] = [
        ...(await (await ada.database.getStoreViewer(DocStore, "databases")).getAll()).entries(),
      ] as [[string, string]];
      assert.equal(JSON.parse(tracked).database_id, root);
      assert.deepEqual(JSON.parse(tracked).sync_settings, {
        sync_enabled: false,
        sync_on_commit: false,
        interval_seconds: null,
        properties: {},
      });
    }));
});

describe("login", () => {
  it("08#12,#13,#14 passwords of all kinds", () =>
    withAda(async ({ instance, ada }) => {
      const admin = await ada.admin();
      const long = "x".repeat(1000);
      for (
        const [name, password] of [["empty", ""], ["unicode", "pä§§wörd 🔑"], [
          "long",
          long,
        ]] as const
      ) {
        await admin.createUser(NewUser.withPassword(name, password));
        assert.equal((await instance.loginUser(name, password)).username, name);
      }
      await assert.rejects(
        instance.loginUser("unicode", "PÄ§§WÖRD 🔑"),
        hasCode("DecryptionFailed"),
      );
      // A daemon's clients tell it so (11 §4.1).
      const missing = IS_CONNECTED ? "InvalidPassword" : "PasswordRequired";
      await assert.rejects(instance.loginUser("empty"), hasCode(missing));
      await assert.rejects(instance.loginUser("ada", ""), hasCode("InvalidPassword"));
    }));

  it("08#15,#16,#17 users that may not log in, and the time of a login", () =>
    withAda(async ({ instance, ada }) => {
      const { users } = await system(instance);
      const change = (
        edit: (table: Awaited<ReturnType<typeof UsersTable.load>>) => Promise<unknown>,
      ) =>
        users.withTransaction(async (tx) =>
          void await edit(await tx.getStore(UsersTable, "users"))
        );
      await (await ada.admin()).createUser(NewUser.passwordless("bob"));
      const [[uuid, bob]] = await (await users.getStoreViewer(UsersTable, "users")).search((row) =>
        row.username === "bob"
      ) as [[string, never]];
      for (const status of ["Disabled", "Locked"] as const) {
        await change((table) => table.set(uuid, { ...(bob as object), status } as never));
        await assert.rejects(instance.loginUser("bob"), hasCode("UserDisabled"));
      }
      await change((table) => table.set(uuid, bob));
      await instance.loginUser("bob");
      const logins = await (await users.getStoreViewer(DocStore, "last_login")).getAll();
      assert.match(logins.get(uuid) as string, /^\d{10}$/);
      await change((table) => table.insert(bob));
      await assert.rejects(
        instance.loginUser("bob"),
        (error) =>
          hasCode("DuplicateUsersDetected")(error) && (error as EideticaError).fields.count === 2,
      );
    }));

  it("08#18,#19 the first login writes the root key and the device's grant, once", () =>
    withAda(async ({ instance, ada }) => {
      await (await ada.admin()).createUser(NewUser.passwordless("bob"));
      const { users } = await system(instance);
      const rows = await (await users.getStoreViewer(UsersTable, "users"))
        .search((row) => row.username === "bob");
      const info = rows[0]![1];
      const entries = async () => (await instance.backend.getTree(info.userDatabaseId)).length;
      assert.equal(await entries(), 1);
      const bob = await instance.loginUser("bob");
      assert.equal(await entries(), 2);
      await instance.loginUser("bob");
      assert.equal(await entries(), 2);
      const grants = new Map(
        (await grantsOf(bob.database)).map(([key, grant]) => [`${key}`, grant]),
      );
      const device = grants.get(`${instance.id}`)!;
      assert.deepEqual([device.name, device.permissions.equals(Permission.read)], ["device", true]);
      await bob.database.withTransaction(async (tx) => {
        const table = await tx.getStore(KeysTable, "keys");
        for (const [key] of await table.search(() => true)) await table.delete(key);
      });
      const again = await instance.loginUser("bob");
      assert.ok(again.defaultKey().equals(bob.defaultKey()));
      assert.equal(await (await again.database.getStoreViewer(KeysTable, "keys")).count(), 1);
    }));

  it("08#20,#21 keys that cannot be opened fail the login", () =>
    withAda(async ({ instance, ada }) => {
      const insert = (algorithm: string) =>
        ada.database.withTransaction(async (tx) => {
          const table = await tx.getStore(KeysTable, "keys");
          const [[, root]] = await table.search(() => true) as [
            [string, Parameters<typeof table.insert>[0]],
          ];
          const storage = {
            type: "encrypted",
            algorithm,
            ciphertext: new Uint8Array(68),
            nonce: new Uint8Array(12),
          } as const;
          return await table.insert({ ...root, storage });
        });
      const first = await insert("aes-128-gcm");
      await assert.rejects(
        instance.loginUser("ada"),
        (error) =>
          hasCode("DecryptionFailed")(error) &&
          (error as Error).message.includes("Unsupported encryption algorithm"),
      );
      await ada.database.withTransaction(async (tx) =>
        void await (await tx.getStore(KeysTable, "keys")).delete(first)
      );
      await insert("aes-256-gcm");
      await assert.rejects(instance.loginUser("ada"), hasCode("PasswordRequired"));
    }));

  it("08#22,#45,#46 sessions are apart, and end", () =>
    withAda(async ({ instance, ada }) => {
      await (await ada.admin()).createUser(NewUser.withPassword("bob", "b"));
      const one = await instance.loginUser("bob", "b");
      const two = await instance.loginUser("bob", "b");
      const key = await one.addPrivateKey("laptop");
      assert.throws(() => two.signingKey(key), hasCode("KeyNotFound"));
      const later = await instance.loginUser("bob", "b");
      assert.ok(later.signingKey(key).publicKey.equals(key));
      assert.throws(() => ada.signingKey(key), hasCode("KeyNotFound"));
      one.logout();
      assert.throws(() => one.signingKey(key), hasCode("KeyNotFound"));
      assert.throws(() => one.defaultKey(), hasCode("AuthenticationRequired"));
      assert.equal(two.listKeys().length, 1);
    }));
});

describe("keys", () => {
  it("08#23,#25 keys come in the order they were made, the root key is the default", () =>
    withAda(async ({ ada }) => {
      const root = ada.defaultKey();
      const made = [
        await ada.addPrivateKey("a"),
        await ada.addPrivateKey("b"),
        await ada.addPrivateKey("a"),
        await ada.addPrivateKey(),
      ];
      assert.equal(ada.listKeys().length, 5);
      assert.ok(ada.defaultKey().equals(root));
      assert.equal(ada.keyDisplayName(root), "Root Key");
      assert.deepEqual(
        ada.findKeysByDisplayName("a").map(String).sort(),
        [made[0], made[2]].map(String).sort(),
      );
      assert.deepEqual(ada.findKeysByDisplayName("none"), []);
      assert.equal(ada.keyDisplayName(made[3]!), undefined);
    }));

  it("08#10,#24 records are sealed anew each time they are written, and open again", () =>
    withAda(async ({ ada }) => {
      const { PrivateKey } = await import("../../mod.ts");
      const [[, row]] = await (await ada.database.getStoreViewer(KeysTable, "keys")).search(() =>
        true
      ) as [[string, Parameters<UserKeyManager["addKey"]>[0]]];
      const salt = "AAAAAAAAAAAAAAAAAAAAAA";
      const sealing = await UserKeyManager.open("password", salt, [], systemRandom);
      const keys = [PrivateKey.generate(), PrivateKey.generate()];
      for (const key of keys) {
        await sealing.addKey({
          ...row,
          keyId: key.publicKey,
          storage: await sealing.storeKey(key),
        });
      }
      const [one, two] = [await sealing.serializeKeys(), await sealing.serializeKeys()];
      assert.deepEqual(
        one.map(({ keyId }) => `${keyId}`),
        keys.map((key) => `${key.publicKey}`).sort(),
      );
      assert.notDeepEqual(one[0]!.storage, two[0]!.storage);
      const opened = await UserKeyManager.open("password", salt, two, systemRandom);
      for (const key of keys) {
        assert.equal(opened.getSigningKey(key.publicKey)!.reveal(), key.reveal());
      }
      opened.clear();
      assert.deepEqual(opened.listKeyIds(), []);
      assert.equal(opened.getDefaultKeyId(), undefined);
    }));

  it("08#44 users, databases and passwords survive a snapshot", async () => {
    const storage = await newStorage("memory");
    const { instance, user } = await Instance.createBackend(
      storage,
      NewUser.withPassword("ada", "pw"),
    );
    await user.createDatabase({ name: "kept" });
    const { loadSnapshot } = await import("../../src/backend/snapshot_load.ts");
    const copy = await newStorage("memory");
    await loadSnapshot(new LocalBackend(copy), await instance.snapshotText());
    await instance.close();
    const again = await Instance.openBackend(copy);
    const [db] = await (await again.loginUser("ada", "pw")).findDatabase("kept");
    assert.equal(await db!.getName(), "kept");
    await again.close();
  });
});
