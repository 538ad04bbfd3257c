import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, type Instance, Instance as Instances, NewUser, type User } from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { KeysTable } from "../../src/user/system_databases.ts";
import { newStorage } from "../helpers/storages.ts";
import { failing, hasCode } from "../instance/places.ts";

async function withAda(
  test: (instance: Instance, ada: User) => Promise<void>,
  password: string | null = "old",
): Promise<void> {
  const initial = password === null
    ? NewUser.passwordless("ada")
    : NewUser.withPassword("ada", password);
  const { instance, user } = await Instances.createBackend(await newStorage(), initial);
  try {
    await test(instance, user);
  } finally {
    await instance.close();
  }
}

const storagesOf = async (user: User) =>
  (await (await user.database.getStoreViewer(KeysTable, "keys")).search(() => true))
    .map(([, { storage }]) => JSON.stringify({ ...storage })); // itself it shows nothing

describe("a change of the password", () => {
  it("seals all keys anew; the new one logs in, the old one does not", () =>
    withAda(async (instance, ada) => {
      const second = await ada.addPrivateKey("second");
      const db = await ada.createDatabase({ name: "x" }, { key: second });
      const before = await storagesOf(ada);
      await ada.changePassword("old", "new");
      for (const storage of await storagesOf(ada)) assert.ok(!before.includes(storage));
      await assert.rejects(instance.loginUser("ada", "old"), {
        code: "DecryptionFailed",
        message: 'Cannot log in as "ada": wrong password, or the sealed key was changed',
      });
      await assert.rejects(instance.loginUser("ada"), {
        code: "PasswordRequired",
        message: 'Cannot log in as "ada": the user has a password, and none was given',
      });
      const again = await instance.loginUser("ada", "new");
      assert.deepEqual(again.listKeys().map(String), ada.listKeys().map(String));
      const opened = await again.openDatabase(db.rootId);
      await opened.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("a", 1));
      // The session that has changed it goes on, and stores keys that the next login opens.
      const third = await ada.addPrivateKey("third");
      assert.ok((await instance.loginUser("ada", "new")).signingKey(third));
      await ada.changePassword("new", "newest");
      assert.equal((await instance.loginUser("ada", "newest")).listKeys().length, 3);
    }));

  it("needs the current password, and a new one that is a text; nothing changes otherwise", () =>
    withAda(async (instance, ada) => {
      await assert.rejects(ada.changePassword("wrong", "new"), {
        code: "DecryptionFailed",
        message: "Cannot change the password: wrong password, or the sealed key was changed",
      });
      await assert.rejects(ada.changePassword(undefined, "new"), hasCode("PasswordRequired"));
      for (const wrong of [undefined, null, 5, "\ud800"] as unknown as string[]) {
        await assert.rejects(ada.changePassword("old", wrong), hasCode("InvalidArgument"));
        if (wrong === undefined) continue;
        await assert.rejects(ada.changePassword(wrong, "new"), hasCode("InvalidArgument"));
      }
      assert.equal((await instance.loginUser("ada", "old")).listKeys().length, 1);
      ada.logout();
      await assert.rejects(ada.changePassword("old", "new"), hasCode("AuthenticationRequired"));
    }));

  it("gives a passwordless user one, and leaves no key in the open", () =>
    withAda(async (instance, ada) => {
      await ada.addPrivateKey("second");
      await assert.rejects(ada.changePassword("", "new"), hasCode("InvalidPassword"));
      await ada.changePassword(undefined, "");
      assert.ok((await storagesOf(ada)).every((storage) => storage.includes("encrypted")));
      assert.equal(ada.userInfo.credentials.rootKey.type, "encrypted");
      await assert.rejects(instance.loginUser("ada"), hasCode("PasswordRequired"));
      assert.equal((await instance.loginUser("ada", "")).listKeys().length, 2);
    }, null));

  it("of another session makes this one log in again before it stores a key", () =>
    withAda(async (instance, ada) => {
      const other = await instance.loginUser("ada", "old");
      const db = await other.createDatabase({ name: "before" });
      await ada.changePassword("old", "new");
      const made = await ada.addPrivateKey("made since");
      await assert.rejects(other.addPrivateKey("lost"), hasCode("PasswordChanged"));
      await assert.rejects(other.changePassword("new", "other"), hasCode("PasswordChanged"));
      await assert.rejects(other.changePassword("old", "other"), hasCode("PasswordChanged"));
      // It still works with what it has, and passes over keys that it cannot open.
      await other.createDatabase({ name: "after" });
      assert.equal((await other.openDatabase(db.rootId)).rootId, db.rootId);
      const again = await instance.loginUser("ada", "new");
      assert.ok(again.signingKey(made));
      assert.equal((await again.findDatabase("after")).length, 1);
    }));

  it("that is made twice at the same time is made once", () =>
    withAda(async (instance, ada) => {
      const other = await instance.loginUser("ada", "old");
      await ada.addPrivateKey("second");
      const results = await Promise.allSettled([
        ada.changePassword("old", "one"),
        other.changePassword("old", "two"),
      ]);
      const refused = results.filter((result) => result.status === "rejected");
      assert.equal(refused.length, 1);
      assert.ok(hasCode("PasswordChanged")(refused[0]!.reason));
      const winner = results[0]!.status === "fulfilled" ? "one" : "two";
      assert.equal((await instance.loginUser("ada", winner)).listKeys().length, 2);
    }));

  it("seals keys that are made meanwhile, too", async () => {
    const storage = memoryStorage();
    const initial = NewUser.withPassword("ada", "old");
    const { instance, user: ada } = await Instances.createBackend(storage, initial);
    // A key is begun after each commit, also between that of the new password and that of the keys.
    const made: Promise<unknown>[] = [];
    const commit = storage.commit.bind(storage);
    storage.commit = async (batch) => {
      const done = await commit(batch);
      if (made.length < 3) made.push(ada.addPrivateKey());
      return done;
    };
    await ada.changePassword("old", "new");
    await Promise.all(made);
    assert.equal((await instance.loginUser("ada", "new")).listKeys().length, 1 + 3);
    await instance.close();
  });

  it("has succeeded once the old password is dead, whatever ends the session then", async () => {
    const storage = memoryStorage();
    const initial = NewUser.withPassword("ada", "old");
    const { instance, user: ada } = await Instances.createBackend(storage, initial);
    await ada.addPrivateKey("second");
    const commit = storage.commit.bind(storage);
    let commits = 0;
    storage.commit = async (batch) => {
      const done = await commit(batch);
      if (++commits === 2) ada.logout();
      return done;
    };
    await ada.changePassword("old", "new");
    await assert.rejects(instance.loginUser("ada", "old"), hasCode("DecryptionFailed"));
    assert.equal((await instance.loginUser("ada", "new")).listKeys().length, 2);
    await instance.close();
  });

  it("is not undone by a change of the user's status at the same time, nor undoes it", () =>
    withAda(async (instance, ada) => {
      const admin = await ada.admin();
      await admin.createUser(NewUser.withPassword("bob", "old"));
      const bob = await instance.loginUser("bob", "old");
      await Promise.all([bob.changePassword("old", "new"), admin.disableUser("bob")]);
      await assert.rejects(instance.loginUser("bob", "new"), hasCode("UserDisabled"));
      await admin.enableUser("bob");
      await instance.loginUser("bob", "new");
    }));
});

/** Ada with two keys on a new storage, which is then closed to its instance. */
async function preparedStorage(): Promise<StorageDriver> {
  const storage = memoryStorage();
  const initial = NewUser.withPassword("ada", "old");
  const { user } = await Instances.createBackend(failing(storage, 0), initial);
  await user.addPrivateKey("second");
  return storage;
}

describe("a change of the password that breaks off", () => {
  // Three commits: the note, the directory, the keys.
  for (
    const [step, dead, alive] of [[1, "new", "old"], [2, "new", "old"], [3, "old", "new"]] as const
  ) {
    it(`at its commit ${step} leaves all keys and one password`, async () => {
      const storage = await preparedStorage();
      const view = failing(storage, 1000 + step);
      const broken = await Instances.openBackend(view);
      const session = await broken.loginUser("ada", "old");
      const outdated = await broken.loginUser("ada", "old");
      view.commits = 1000;
      await session.changePassword("old", "new").catch(() => undefined);
      assert.ok(view.commits >= 1000 + step);
      // What another session stores now must not get lost either.
      const late = await outdated.addPrivateKey("late");

      const instance = await Instances.openBackend(storage);
      await assert.rejects(instance.loginUser("ada", dead), hasCode("DecryptionFailed"));
      const again = await instance.loginUser("ada", alive);
      assert.equal(again.listKeys().length, 3);
      assert.ok(again.signingKey(late));
      if (alive === "new") {
        await assert.rejects(outdated.addPrivateKey("too late"), hasCode("PasswordChanged"));
      }
      await again.changePassword(alive, "newest");
      assert.equal((await instance.loginUser("ada", "newest")).listKeys().length, 3);
      await instance.close();
    });
  }
});
