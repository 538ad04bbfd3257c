/** Who may do what on databases that are really held (02 §8, §11). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  Database,
  DatabaseKey,
  DelegatedTreeRef,
  Doc,
  DocStore,
  type Entry,
  type ID,
  Permission,
  PrivateKey,
  type PublicKey,
  SigKey,
  type User,
} from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { WriteCoordinator } from "../../src/instance/write_coordinator.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { hasCode, peerWith, withDb } from "./bed.ts";
import { shuffled } from "./replay.ts";

const { read, write, admin } = Permission;
const grant = (permission: Permission): AuthKey => AuthKey.active(undefined, permission);

async function allow(db: Database, key: PublicKey, permission: Permission): Promise<Entry> {
  const tx = await db.newTransaction();
  await tx.getSettings().setAuthKey(key, grant(permission));
  return await db.getEntry(await tx.commit());
}

/** Lets the keys of `team` act on `db`, from the team's tips on. */
async function delegate(db: Database, team: Database, max: Permission): Promise<void> {
  const tree = { root: team.rootId, tips: (await team.snapshot()).tips };
  const reference = new DelegatedTreeRef({ max, min: undefined }, tree);
  await db.withTransaction((tx) => tx.getSettings().addDelegatedTree(reference));
}

/** The identity of a key that is reached through databases, as of their tips now. */
async function through(key: PublicKey, ...databases: Database[]): Promise<SigKey> {
  const steps = [];
  for (const db of databases) steps.push({ tree: db.rootId, tips: (await db.snapshot()).tips });
  return SigKey.delegation(steps, { pubkey: key });
}

/** A company delegates to a team of its own, and a shared database to the company. */
async function company(user: User, shared: Database) {
  const member = PrivateKey.generate();
  const team = await user.createDatabase({ name: "team" });
  await allow(team, member.publicKey, admin(3));
  const firm = await user.createDatabase({ name: "company" });
  await delegate(firm, team, write(5));
  await delegate(shared, firm, write(8));
  return { member, team, firm };
}

describe("keys of a database", () => {
  it("02#16 each change of a key is written alone, and both are there afterwards", () =>
    withDb(async ({ db }) => {
      const [one, two] = [PrivateKey.generate().publicKey, PrivateKey.generate().publicKey];
      const entries = [await allow(db, one, write(1)), await allow(db, two, write(2))];
      const listed = entries.map((
        entry,
      ) => [...Doc.parseBytes(entry.data("_settings")).getDoc("auth.keys")!.keys()]);
      assert.deepEqual(listed, [[`${one}`], [`${two}`]]);
      const auth = await (await db.getSettings()).authSnapshot();
      assert.deepEqual(
        [auth.getKeyByPubkey(one), auth.getKeyByPubkey(two)].map((key) => `${key.permissions}`),
        ["write:1", "write:2"],
      );
    }));

  it("02#18 a new database has its creator as Admin(0) without a name, and no other rules", () =>
    withDb(async ({ instance }) => {
      const key = PrivateKey.generate();
      const preset = Doc.from({ auth: { keys: {} } });
      await assert.rejects(
        Database.create(instance, key, preset),
        hasCode("InvalidAuthConfiguration"),
      );
      const db = await Database.create(instance, key, Doc.from({ name: "n" }));
      const all = (await (await db.getSettings()).authSnapshot()).getAllKeys();
      assert.deepEqual(all.map(([owner, grant]) => [`${owner}`, grant.toJSON()]), [
        [`${key.publicKey}`, { permissions: { Admin: 0 }, status: "Active" }],
      ]);
    }));

  it("02#29 a root is verified from its own settings by a node that knows nothing else", () =>
    withDb(async ({ db }) => {
      const peer = await peerWith([await db.getRoot()]);
      assert.equal(await peer.backend.getVerificationStatus(db.rootId), "Verified");
      const copy = await Database.open(peer, db.rootId);
      assert.equal(await copy.verifyEntrySignature(db.rootId), true);
      await peer.close();
    }));

  it("02#42 access is the whole order of permissions; strangers have what everybody has", () =>
    withDb(async ({ instance, db }) => {
      const [holder, stranger] = [PrivateKey.generate().publicKey, PrivateKey.generate().publicKey];
      await allow(db, holder, write(10));
      const can = async (key: PublicKey) => {
        const wanted = [read, write(10), write(5), admin(2 ** 32 - 1)];
        return await Promise.all(
          wanted.map((permission) => Database.canAccess(instance, db.rootId, key, permission)),
        );
      };
      assert.deepEqual(await can(holder), [true, true, false, false]);
      assert.deepEqual(await can(stranger), [false, false, false, false]);
      await db.withTransaction((tx) => tx.getSettings().setGlobalAuthKey(grant(read)));
      assert.deepEqual(await can(stranger), [true, false, false, false]);
      await db.withTransaction((tx) => tx.getSettings().revokeAuthKey(holder));
      assert.deepEqual(await can(holder), [true, false, false, false], "as everybody");
    }));

  it("02#27 a key that is revoked and granted again may write again; in between it may not", () =>
    withDb(async ({ instance, db }) => {
      const key = PrivateKey.generate();
      await allow(db, key.publicKey, write(1));
      const own = (await Database.open(instance, db.rootId)).withKey(key);
      const commit = () =>
        own.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("k", "v"));
      await commit();
      await db.withTransaction((tx) => tx.getSettings().revokeAuthKey(key.publicKey));
      await assert.rejects(commit(), hasCode("EntryValidationFailed"));
      await assert.rejects(own.currentPermission(), hasCode("KeyNotFound"));
      await allow(db, key.publicKey, write(2));
      await commit();
      assert.equal(`${await own.currentPermission()}`, "write:2");
      const peer = await peerWith(await db.getAllEntries());
      assert.equal((await peer.backend.getEntriesByVerificationStatus("Failed")).length, 0);
      await peer.close();
    }));

  it("02 §8 a key that takes another's place goes on where that stopped", () =>
    withDb(async ({ instance, db }) => {
      const [old, next] = [PrivateKey.generate(), PrivateKey.generate()];
      await allow(db, old.publicKey, admin(1));
      const asOld = (await Database.open(instance, db.rootId)).withKey(old);
      await asOld.withTransaction(async (tx) => {
        await tx.getSettings().setAuthKey(next.publicKey, grant(admin(1)));
        await tx.getSettings().revokeAuthKey(old.publicKey);
      });
      await assert.rejects(allow(asOld, old.publicKey, admin(1)), hasCode("EntryValidationFailed"));
      const asNext = (await Database.open(instance, db.rootId)).withKey(next);
      await allow(asNext, PrivateKey.generate().publicKey, read);
      const found = async (key: PrivateKey) =>
        (await Database.findSigkeys(instance, db.rootId, key.publicKey)).map(([, has]) => `${has}`);
      assert.deepEqual([await found(old), await found(next)], [[], ["admin:1"]]);
    }));
});

describe("keys of other databases", () => {
  it("02#41 identities are found one database away, not two; the strongest comes first", () =>
    withDb(async ({ instance, user, db }) => {
      const { member, firm } = await company(user, db);
      const found = async (root: ID, key: PublicKey) =>
        (await Database.findSigkeys(instance, root, key)).map(([sigKey, permission]) =>
          `${sigKey.path?.length ?? 0} ${sigKey.isGlobal} ${permission}`
        );
      assert.deepEqual(await found(firm.rootId, member.publicKey), ["1 false write:5"]);
      assert.deepEqual(await found(db.rootId, member.publicKey), []);
      await allow(firm, member.publicKey, read);
      await db.withTransaction((tx) => tx.getSettings().setGlobalAuthKey(grant(write(7))));
      assert.deepEqual(await found(db.rootId, member.publicKey), [
        "0 true write:7",
        "1 false read",
      ]);
      await allow(db, member.publicKey, write(7));
      const all = await found(db.rootId, member.publicKey);
      assert.deepEqual(all, ["0 false write:7", "0 true write:7", "1 false read"]);
    }));

  it("02#41 identities are found through a database of more tips than may be claimed", () =>
    withDb(async ({ instance, user, db }) => {
      const { member, firm } = await company(user, db);
      await allow(firm, member.publicKey, write(9));
      const at = await firm.snapshot();
      for (let branch = 0; branch < 70; branch++) {
        const tx = await firm.newTransaction({ at });
        await (await tx.getStore(DocStore, "s")).set(`k${branch}`, "v");
        await tx.commit();
      }
      assert.ok((await firm.snapshot()).tips.length > 64);
      const [best] = await Database.findSigkeys(instance, db.rootId, member.publicKey);
      const [identity, permission] = best!;
      assert.equal(`${permission}`, "write:9");
      assert.ok(identity.path![0]!.tips.length <= 2);
      const key = DatabaseKey.withIdentity(member, identity);
      const own = (await Database.open(instance, db.rootId)).withKey(key);
      await own.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set("k", "v"));
    }));

  it("02#31,#46 a key two databases away writes, and every order of arrival finds it valid", () =>
    withDb(async ({ instance, user, db }) => {
      const { member, team, firm } = await company(user, db);
      const identity = await through(member.publicKey, firm, team);
      const own = (await Database.open(instance, db.rootId)).withKey(
        DatabaseKey.withIdentity(member, identity),
      );
      assert.equal(`${await own.currentPermission()}`, "write:8");
      for (const key of ["a", "b"]) {
        await own.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set(key, "v"));
      }
      await assert.rejects(
        allow(own, member.publicKey, admin(0)),
        hasCode("EntryValidationFailed"),
      );
      const all: (readonly [ID, Entry])[] = [];
      for (const one of [db, firm, team]) {
        for (const entry of await one.getAllEntries()) all.push([one.rootId, entry]);
      }
      for (let seed = 1; seed <= 12; seed++) {
        const backend = new LocalBackend(memoryStorage());
        const writes = new WriteCoordinator(backend);
        for (const [root, entry] of shuffled(all, seed)) {
          await writes.putRemoteEntries(root, [entry]);
        }
        for (const [, { id }] of all) {
          assert.equal(await backend.getVerificationStatus(id), "Verified", `seed ${seed}`);
        }
        await writes.close();
        await backend.close();
      }
    }));
});
