import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Database,
  DatabaseKey,
  DocStore,
  type Grantable,
  type Grantee,
  Permission,
  PrivateKey,
} from "../../mod.ts";
import { hasCode, withDb } from "./bed.ts";

const write = (db: Database) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set("k", "v"));

const keysOf = async (db: Database) => (await (await db.getSettings()).authSnapshot()).getAllKeys();

describe("grants", () => {
  it("give a key what it may do, and take it", () =>
    withDb(async ({ instance, db }) => {
      const guest = PrivateKey.generate();
      const asGuest = (await Database.open(instance, db.rootId)).withKey(guest);
      await assert.rejects(write(asGuest), hasCode("EntryValidationFailed"));
      await db.grant(guest.publicKey, "write", { name: "guest" });
      assert.ok((await asGuest.currentPermission()).equals(Permission.write(10)));
      await write(asGuest);
      await db.grant(guest.publicKey, "admin:3");
      const key = await (await db.getSettings()).getAuthKey(guest.publicKey);
      assert.deepEqual([key.name, key.permissions.toString()], ["guest", "admin:3"]);
      await db.revoke(guest.publicKey);
      await assert.rejects(write(asGuest), hasCode("EntryValidationFailed"));
      assert.equal((await keysOf(db)).length, 2, "it stays listed");
      await db.grant(guest.publicKey, Permission.write(1));
      await write(asGuest);
    }));

  it("to everyone, and from everyone", () =>
    withDb(async ({ instance, db }) => {
      const key = PrivateKey.generate();
      const opened = await Database.open(instance, db.rootId);
      const stranger = opened.withKey(DatabaseKey.global(key));
      await assert.rejects(stranger.currentPermission(), hasCode("InvalidAuthConfiguration"));
      await db.grant("everyone", "write");
      assert.equal((await stranger.currentPermission()).level, "Write");
      await write(stranger);
      await assert.rejects(write(opened.withKey(key)), /DatabaseKey\.global\(key\)/);
      await db.revoke("everyone");
      await assert.rejects(write(stranger), hasCode("EntryValidationFailed"));
      await db.grant("everyone", "read");
      assert.equal((await stranger.currentPermission()).level, "Read");
    }));

  it("write nothing when nothing changes", () =>
    withDb(async ({ db }) => {
      const { publicKey } = PrivateKey.generate();
      await db.grant(publicKey, "read");
      await db.grant("everyone", "read");
      const before = (await db.getAllEntries()).length;
      await db.grant(publicKey, Permission.read);
      await db.grant("everyone", "read");
      assert.equal((await db.getAllEntries()).length, before);
      await db.revoke(publicKey);
      await db.revoke(publicKey);
      assert.equal((await db.getAllEntries()).length, before + 1);
    }));

  it("at the same time are all kept, on one branch", () =>
    withDb(async ({ db }) => {
      const keys = Array.from({ length: 8 }, () => PrivateKey.generate().publicKey);
      await Promise.all(keys.map((key) => db.grant(key, "write")));
      assert.equal((await keysOf(db)).length, 9);
      assert.equal((await db.snapshot()).tips.length, 1);
    }));

  it("are refused for what is no key, no permission, or not listed", () =>
    withDb(async ({ db, user }) => {
      const key = PrivateKey.generate().publicKey;
      const before = (await db.getAllEntries()).length;
      for (const wrong of [undefined, null, "bob", 5, {}] as unknown as Grantee[]) {
        await assert.rejects(db.grant(wrong, "write"), hasCode("InvalidArgument"));
        await assert.rejects(db.revoke(wrong), hasCode("InvalidArgument"));
      }
      for (const wrong of [undefined, null, 5, {}] as unknown as Grantable[]) {
        await assert.rejects(db.grant(key, wrong), hasCode("InvalidArgument"));
      }
      await assert.rejects(
        db.grant(key, "wirte" as Grantable),
        hasCode("InvalidPermissionString"),
      );
      await assert.rejects(
        db.grant(key, "write", { name: 5 as unknown as string }),
        hasCode("InvalidArgument"),
      );
      await assert.rejects(db.revoke(key), hasCode("KeyNotFound"));
      await assert.rejects(db.revoke("everyone"), hasCode("KeyNotFound"));
      await assert.rejects(
        db.revoke(user.defaultKey()).then(() => write(db)),
        hasCode("EntryValidationFailed"),
      );
      assert.equal((await db.getAllEntries()).length, before + 1);
    }));

  it("a refused commit names database, key, permission and what is needed", () =>
    withDb(async ({ instance, db }) => {
      const reader = PrivateKey.generate();
      await db.grant(reader.publicKey, "read");
      const asReader = (await Database.open(instance, db.rootId)).withKey(reader);
      await assert.rejects(write(asReader), (error: Error) => {
        for (const part of [`${db.rootId}`, `${reader.publicKey}`, "Read", "Write or Admin"]) {
          assert.ok(error.message.includes(part), error.message);
        }
        return true;
      });
    }));
});
