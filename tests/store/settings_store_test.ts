import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  DelegatedTreeRef,
  Doc,
  type DocStore,
  ID,
  isAuthenticationError,
  Permission,
  PrivateKey,
} from "../../mod.ts";
import { hasCode, withDb } from "../database/bed.ts";

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

  it("a key that is revoked in one branch and renamed in another is both, in any order", () =>
    withDb(async ({ db }) => {
      for (let round = 0; round < 4; round++) {
        const key = PrivateKey.generate().publicKey;
        await db.grant(key, "write", { name: "before" });
        const [renames, revokes] = [await db.newTransaction(), await db.newTransaction()];
        await renames.getSettings().renameAuthKey(key, "after");
        await revokes.getSettings().revokeAuthKey(key);
        await renames.commit();
        await revokes.commit();
        const both = await (await db.getSettings()).getAuthKey(key);
        assert.deepEqual([both.name, both.status], ["after", "Revoked"]);
        assert.ok(both.permissions.equals(Permission.write(10)));
      }
    }));

  it("04#36 name and height strategy", () =>
    withDb(async ({ db, user }) => {
      assert.equal(await db.getName(), "test");
      await db.withTransaction(async (tx) => {
        await tx.getSettings().setName("renamed");
        await tx.getSettings().setHeightStrategy("timestamp");
        assert.equal(await tx.getSettings().getName(), "renamed");
      });
      const settings = await db.getSettings();
      assert.equal(await settings.getName(), "renamed");
      assert.equal(await settings.getHeightStrategy(), "timestamp");
      assert.equal(await settings.getString("height_strategy"), '"timestamp"');
      assert.equal(await settings.asDocStore().getString("name"), "renamed");
      const unnamed = await user.createDatabase({});
      await assert.rejects(unnamed.getName(), hasCode("KeyNotFound"));
    }));

  it("04#38 keys that are not listed, and the global one", () =>
    withDb(async ({ db }) => {
      const key = PrivateKey.generate().publicKey;
      await db.withTransaction(async (tx) => {
        const settings = tx.getSettings();
        await assert.rejects(settings.getAuthKey(key), hasCode("KeyNotFound"));
        await assert.rejects(settings.renameAuthKey(key, "x"), hasCode("KeyNotFound"));
        await assert.rejects(settings.getGlobalAuthKey(), hasCode("KeyNotFound"));
        await settings.setGlobalAuthKey(AuthKey.active("all", Permission.read));
        assert.equal((await settings.getGlobalAuthKey()).permissions.level, "Read");
        const snapshot = await settings.authSnapshot();
        await settings.setAuthKey(key, AuthKey.active("late", Permission.write(3)));
        assert.throws(() => snapshot.getKeyByPubkey(key), hasCode("KeyNotFound"));
      });
      const settings = await db.getSettings();
      assert.equal((await settings.getGlobalAuthKey()).name, "all");
      assert.equal((await settings.getAuthKey(key)).permissions.priority, 3);
    }));

  it("04#39 a change after which `auth` is no document is refused, and harms nothing", () =>
    withDb(async ({ db }) => {
      const tips = await db.snapshot();
      for (
        const damage of [
          (store: DocStore) => store.set("auth", "text"),
          (store: DocStore) => store.set("auth", [1]),
          (store: DocStore) => store.delete("auth"),
          (store: DocStore) => store.set("auth", null),
        ]
      ) {
        const tx = await db.newTransaction();
        await damage(tx.getSettings().asDocStore());
        await assert.rejects(tx.commit(), (error) => {
          return hasCode("CorruptedAuthConfiguration")(error) && isAuthenticationError(error);
        });
      }
      assert.ok((await db.snapshot()).equals(tips));
      await db.withTransaction((tx) => tx.getSettings().set("note", "still works"));
      assert.equal(await (await db.getSettings()).getString("note"), "still works");
    }));

  it("04#40 the stored form of keys and delegations", () =>
    withDb(async ({ db }) => {
      const key = PrivateKey.generate().publicKey;
      const tips = Array.from({ length: 12 }, (_, at) => ID.ofRaw(Uint8Array.of(at)));
      const root = ID.ofRaw(Uint8Array.of(99));
      const bounds = { max: Permission.admin(2), min: Permission.read };
      await db.withTransaction(async (tx) => {
        const settings = tx.getSettings();
        await settings.setAuthKey(key, AuthKey.active("laptop", Permission.write(5)));
        await settings.addDelegatedTree(new DelegatedTreeRef(bounds, { root, tips }));
      });
      const [entry] = await db.getTipEntries();
      const auth = JSON.parse(new TextDecoder().decode(entry!.data("_settings"))).children.auth;
      const text = (value: unknown) => ({ Text: String(value) });
      const doc = (children: object, atomic = false) => ({
        Doc: { ...(atomic ? { _a: true } : {}), children },
      });
      const tipDocs = Object.fromEntries(tips.map((tip, at) => [String(at), text(tip)]));
      assert.deepEqual(
        auth,
        doc({
          keys: doc({
            [String(key)]: doc({
              name: text("laptop"),
              permissions: doc({ type: text("Write"), priority: { Int: 5 } }),
              status: text("Active"),
            }, true),
          }),
          delegations: doc({
            [String(root)]: doc({
              permission_bounds: doc({
                max: doc({ type: text("Admin"), priority: { Int: 2 } }),
                min: doc({ type: text("Read") }),
              }),
              tree: doc({ root: text(root), tips: doc(tipDocs) }),
            }, true),
          }),
        }),
      );
      const settings = await (await db.getSettings()).getAll();
      const back = DelegatedTreeRef.fromDoc(settings.getDoc(["auth", "delegations", `${root}`])!);
      assert.deepEqual(back.tree.tips.map(String), tips.map(String));
      assert.equal(AuthKey.active(undefined, Permission.read).toDoc().has("name"), false);
    }));

  it("04#40 what is missing or unknown is told", () => {
    const refuses = (change: (doc: Doc) => void, code: string) => {
      const doc = AuthKey.active("k", Permission.write(1)).toDoc();
      change(doc);
      assert.throws(() => AuthKey.fromDoc(doc), hasCode(code));
    };
    refuses((doc) => void doc.remove("permissions"), "ElementNotFound");
    refuses((doc) => void doc.remove("status"), "ElementNotFound");
    refuses((doc) => void doc.set("permissions", "Write"), "ElementNotFound");
    refuses((doc) => void doc.set("permissions.type", "Owner"), "DeserializationFailed");
    refuses((doc) => void doc.set("status", "active"), "DeserializationFailed");
  });
});
