import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Database,
  DocStore,
  ID,
  Instance,
  type InstanceAdmin,
  NewUser,
  type User,
} from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { asFarAsAvailable, newInstance } from "../helpers/instances.ts";
import { failing, hasCode } from "../instance/places.ts";

interface Bed {
  readonly instance: Instance;
  readonly ada: User;
  readonly admin: InstanceAdmin;
}

async function withAdmin(test: (bed: Bed) => Promise<void>): Promise<void> {
  const { instance, user } = await newInstance(NewUser.passwordless("ada"));
  try {
    const admin = await user.admin();
    await admin.createUser(NewUser.passwordless("bob"));
    await asFarAsAvailable(() => test({ instance, ada: user, admin }));
  } finally {
    await instance.close();
  }
}

describe("administration of users", () => {
  it("tells the public key by which a user is granted rights", () =>
    withAdmin(async ({ instance, ada, admin }) => {
      const bob = await instance.loginUser("bob");
      assert.ok((await admin.publicKeyOf("bob")).equals(bob.defaultKey()));
      await assert.rejects(admin.publicKeyOf("nobody"), hasCode("UserNotFound"));
      const db = await ada.createDatabase({ name: "shared" });
      await db.grant(await admin.publicKeyOf("bob"), "write", { name: "bob" });
      const his = await bob.openDatabase(db.rootId);
      await his.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("a", 1));
    }));

  it("keeps users from logging in, and lets them again", () =>
    withAdmin(async ({ instance, admin }) => {
      await admin.disableUser("bob");
      await assert.rejects(instance.loginUser("bob"), hasCode("UserDisabled"));
      assert.deepEqual((await admin.listUsers()).sort(), ["ada", "bob"]);
      await admin.disableUser("bob");
      await admin.enableUser("bob");
      await admin.enableUser("bob");
      await instance.loginUser("bob");
    }));

  it("removes users; their names are free, their databases stay", () =>
    withAdmin(async ({ instance, admin }) => {
      const bob = await instance.loginUser("bob");
      const db = await bob.createDatabase({ name: "his" });
      await admin.removeUser("bob");
      await assert.rejects(instance.loginUser("bob"), hasCode("UserNotFound"));
      await assert.rejects(admin.removeUser("bob"), hasCode("UserNotFound"));
      assert.deepEqual(await admin.listUsers(), ["ada"]);
      assert.equal(await instance.hasDatabase(db.rootId), true);
      await admin.createUser(NewUser.passwordless("bob"));
      assert.deepEqual(await (await instance.loginUser("bob")).databases(), []);
    }));

  it("takes an administrator's rights with the account, also those of open sessions", () =>
    withAdmin(async ({ instance, admin }) => {
      const bob = await instance.loginUser("bob");
      await admin.grantInstanceAdmin(bob.defaultKey());
      const his = await bob.admin();
      await admin.disableUser("bob");
      assert.equal(await bob.isAdmin(), false);
      await assert.rejects(
        his.createUser(NewUser.passwordless("eve")),
        hasCode("EntryValidationFailed"),
      );
      await admin.enableUser("bob");
      assert.equal(await (await instance.loginUser("bob")).isAdmin(), false);
      await admin.grantInstanceAdmin(bob.defaultKey());
      await admin.revokeInstanceAdmin(bob.defaultKey());
      assert.equal(await bob.isAdmin(), false);
      await admin.revokeInstanceAdmin(bob.defaultKey());
    }));

  it("never removes the last one who can administer, also of several at the same time", () =>
    withAdmin(async ({ instance, ada, admin }) => {
      for (
        const attempt of [
          () => admin.disableUser("ada"),
          () => admin.removeUser("ada"),
          () => admin.revokeInstanceAdmin(ada.defaultKey()),
        ]
      ) await assert.rejects(attempt(), hasCode("LastAdmin"));
      const bob = await instance.loginUser("bob");
      await admin.grantInstanceAdmin(bob.defaultKey());
      const his = await bob.admin();
      const results = await Promise.allSettled([
        admin.revokeInstanceAdmin(bob.defaultKey()),
        his.revokeInstanceAdmin(ada.defaultKey()),
      ]);
      assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
      assert.notEqual(await ada.isAdmin(), await bob.isAdmin());
    }));

  for (const [what, verb] of [["removed", "removeUser"], ["disabled", "disableUser"]] as const) {
    for (const how of ["themselves", "each other", "one by its key"]) {
      it(`one of two who have ${how} ${what} at the same time keeps all rights`, () =>
        withAdmin(async ({ instance, ada, admin }) => {
          const bob = await instance.loginUser("bob");
          await admin.grantInstanceAdmin(bob.defaultKey());
          const his = await bob.admin();
          const [one, other] = how === "each other" ? [his, admin] : [admin, his];
          const results = await Promise.allSettled([
            one[verb]("ada"),
            how === "one by its key"
              ? other.revokeInstanceAdmin(bob.defaultKey())
              : other[verb]("bob"),
          ]);
          assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
          const [left] = results[0].status === "fulfilled" ? [bob] : [ada];
          const { users_db, databases_db } = (await instance.backend.getInstanceMetadata())!;
          for (const root of [users_db, databases_db]) {
            const database = await Database.open(instance, ID.parse(root));
            const { status } = await (await database.getSettings()).getAuthKey(left.defaultKey());
            assert.equal(status, "Active", root);
          }
          await (await left.admin()).createUser(NewUser.passwordless("eve"));
        }));
    }
  }

  it("an administrator may leave when there is another", () =>
    withAdmin(async ({ instance, admin }) => {
      const bob = await instance.loginUser("bob");
      await admin.grantInstanceAdmin(bob.defaultKey());
      await admin.removeUser("ada");
      await assert.rejects(instance.loginUser("ada"), hasCode("UserNotFound"));
      await (await bob.admin()).createUser(NewUser.passwordless("eve"));
    }));
});

describe("administration that breaks off", () => {
  // Two commits, on the two system databases.
  for (const failAt of [1, 2]) {
    it(`at its commit ${failAt} takes all rights of a removed user when it is done again`, async () => {
      const storage = memoryStorage();
      const { user } = await Instance.createBackend(
        failing(storage, 0),
        NewUser.passwordless("ada"),
      );
      const first = await user.admin();
      await first.createUser(NewUser.passwordless("bob"));
      const key = await first.publicKeyOf("bob");
      await first.grantInstanceAdmin(key);

      const broken = failing(storage, failAt);
      const instance = await Instance.openBackend(broken);
      const admin = await (await instance.loginUser("ada")).admin();
      broken.commits = 0;
      await assert.rejects(admin.removeUser("bob"), hasCode("DiskFull"));
      await admin.removeUser("bob");
      assert.deepEqual(await admin.listUsers(), ["ada"]);
      const { users_db, databases_db } = (await instance.backend.getInstanceMetadata())!;
      for (const root of [users_db, databases_db]) {
        const database = await Database.open(instance, ID.parse(root));
        const { status } = await (await database.getSettings()).getAuthKey(key);
        assert.equal(status, "Revoked");
      }
      await instance.close();
    });
  }
});
