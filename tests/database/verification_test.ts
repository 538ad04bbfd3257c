import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  Database,
  DocStore,
  Entry,
  type EntryBuilder,
  ID,
  type Instance,
  Permission,
  PrivateKey,
  SigInfo,
  SigKey,
  Snapshot,
} from "../../mod.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { hasCode, peerWith, withDb } from "./bed.ts";

const write =
  (key: string, store = "s") => async (tx: Awaited<ReturnType<Database["newTransaction"]>>) => {
    await (await tx.getStore(DocStore, store)).set(key, "v");
  };

async function chain(db: Database, length: number): Promise<Entry[]> {
  const ids: ID[] = [];
  for (let at = 0; at < length; at++) {
    const tx = await db.newTransaction();
    await write(`k${at}`)(tx);
    ids.push(await tx.commit());
  }
  return await db.getEntries(ids);
}

const statusOf = (instance: Instance, entry: Entry) =>
  instance.backend.getVerificationStatus(entry.id);
const demote = (instance: Instance, entry: Entry) =>
  (instance.backend as LocalBackend).demoteToUnverified(entry.root ?? entry.id, entry.id);

/** An entry on top of `parent`, made by hand. */
function forge(
  parent: Entry,
  key: PrivateKey | undefined,
  pin: readonly ID[],
  change?: (builder: EntryBuilder) => void,
): Entry {
  const builder = Entry.builder(parent.root ?? parent.id).setParents([parent.id]).setHeight(
    parent.height + 1,
  );
  builder.setMetadata(new EntryMetadata(Snapshot.of(pin)).encode());
  builder.setSubtreeData("s", utf8('{"children":{}}'));
  change?.(builder);
  if (key === undefined) return builder.build();
  return builder.setSig(new SigInfo(SigKey.fromPubkey(key.publicKey))).build().sign(key);
}

/** An entry without metadata on top of `parent`. */
function bare(
  parent: Entry,
  key: PrivateKey | undefined,
  change?: (builder: EntryBuilder) => void,
): Entry {
  const builder = Entry.builder(parent.root ?? parent.id).setParents([parent.id])
    .setHeight(parent.height + 1).setSubtreeData("s", utf8('{"children":{}}'));
  change?.(builder);
  if (key === undefined) return builder.build();
  return builder.setSig(new SigInfo(SigKey.fromPubkey(key.publicKey))).build().sign(key);
}

describe("read scope", () => {
  it("06#37,#38,#39 what has failed hides what is built on it; the loose view does not", () =>
    withDb(async ({ instance, db }) => {
      const entries = await chain(db, 30);
      await instance.backend.updateVerificationStatus(entries[15]!.id, "Failed");
      assert.deepEqual((await db.snapshot()).toJSON(), [`${entries[14]!.id}`]);
      assert.deepEqual((await db.allowUnverified().snapshot()).toJSON(), [`${entries[29]!.id}`]);
      for (const entry of entries) {
        await instance.backend.updateVerificationStatus(entry.id, "Failed");
      }
      assert.deepEqual((await db.allowUnverified().snapshot()).toJSON(), []);
      assert.deepEqual((await db.snapshot()).toJSON(), [`${db.rootId}`]);
    }));

  it("06#40,#48 a demoted tip is promoted again by reading, and no Verified entry has another parent", () =>
    withDb(async ({ instance, db }) => {
      const [one, two] = await chain(db, 2) as [Entry, Entry];
      await demote(instance, one);
      assert.deepEqual([await statusOf(instance, one), await statusOf(instance, two)], [
        "Unverified",
        "Unverified",
      ]);
      assert.deepEqual((await db.snapshot()).toJSON(), [`${two.id}`]);
      for (const entry of await db.getAllEntries()) {
        assert.equal(await statusOf(instance, entry), "Verified");
      }
      assert.deepEqual(await db.verify(), { verified: 0, failed: 0, stillUnverified: 0 });
    }));

  it("06#47 a commit through the loose view on what is not judged stays Unverified", () =>
    withDb(async ({ user, db }) => {
      const [late] = await chain(db, 1) as [Entry];
      const stranger = PrivateKey.generate();
      const undecided = forge(late, stranger, [ID.ofRaw(utf8("not here yet"))]);
      const peer = await peerWith([...await db.getAllEntries(), undecided]);
      const open = await Database.open(peer, db.rootId);
      assert.equal(await statusOf(peer, undecided), "Unverified");
      assert.deepEqual((await open.snapshot()).toJSON(), [`${late.id}`]);
      const loose = open.allowUnverified().withKey(user.signingKey(user.defaultKey()));
      assert.deepEqual((await loose.snapshot()).toJSON(), [`${undecided.id}`]);
      const [mine] = await chain(loose, 1) as [Entry];
      assert.deepEqual(mine.parents.map(String), [`${undecided.id}`]);
      assert.equal(await statusOf(peer, mine), "Unverified");
      assert.deepEqual((await open.snapshot()).toJSON(), [`${late.id}`], "the default view is cut");
      await peer.close();
    }));
});

describe("verification", () => {
  it("06#41,#44 one pass settles a copied database, the next finds nothing", () =>
    withDb(async ({ db }) => {
      await chain(db, 4);
      const peer = await peerWith([]);
      for (const entry of (await db.getAllEntries()).reverse()) await peer.backend.put(entry);
      const copy = await Database.open(peer, db.rootId);
      assert.deepEqual(await copy.verify(), { verified: 5, failed: 0, stillUnverified: 0 });
      assert.deepEqual(await copy.verify(), { verified: 0, failed: 0, stillUnverified: 0 });
      assert.ok((await copy.snapshot()).equals(await db.snapshot()));
      await peer.close();
    }));

  it("06#42, 02#28 an entry whose pin is not held waits for it", () =>
    withDb(async ({ db }) => {
      const fork = await db.snapshot();
      const rename = await db.newTransaction({ at: fork });
      await rename.getSettings().setName("renamed");
      const settings = await db.getEntry(await rename.commit());
      const data = await db.newTransaction({ at: fork });
      await write("beside")(data);
      const entry = await db.getEntry(await data.commit());
      const peer = await peerWith([await db.getRoot(), entry]);
      assert.equal(await statusOf(peer, entry), "Unverified");
      assert.equal(
        await (await Database.open(peer, db.rootId)).verifyEntrySignature(entry.id),
        false,
      );
      await peer.putRemoteEntries(db.rootId, [settings]);
      assert.equal(await statusOf(peer, entry), "Verified");
      assert.equal(
        await (await Database.open(peer, db.rootId)).verifyEntrySignature(entry.id),
        true,
      );
      await peer.close();
    }));

  it("06#43,#44 what is built on a failed entry fails, by whomever; a good parent stays", () =>
    withDb(async ({ user, db }) => {
      const owner = user.signingKey(user.defaultKey());
      const [good] = await chain(db, 1) as [Entry];
      const bad = forge(await db.getRoot(), PrivateKey.generate(), [db.rootId]);
      // Right in everything but their parents.
      const child = forge(bad, owner, [db.rootId]);
      const merge = forge(good, owner, [db.rootId], (builder) => {
        builder.setParents([good.id, bad.id]);
      });
      const sound = forge(good, owner, [db.rootId]);
      const peer = await peerWith([]);
      for (const entry of [...await db.getAllEntries(), bad, child, merge, sound]) {
        await peer.backend.put(entry);
      }
      const open = await Database.open(peer, db.rootId);
      assert.deepEqual(await open.verify(), { verified: 3, failed: 3, stillUnverified: 0 });
      assert.deepEqual(await open.verify(), { verified: 0, failed: 0, stillUnverified: 0 });
      const found = [bad, child, merge, good, sound].map((entry) => statusOf(peer, entry));
      assert.deepEqual(await Promise.all(found), [
        "Failed",
        "Failed",
        "Failed",
        "Verified",
        "Verified",
      ]);
      assert.deepEqual((await open.snapshot()).toJSON(), [`${sound.id}`]);
      await peer.close();
    }));

  it("06#45,#49 a later revocation leaves older entries valid", () =>
    withDb(async ({ instance, db }) => {
      const writer = PrivateKey.generate();
      await db.withTransaction((tx) =>
        tx.getSettings().setAuthKey(writer.publicKey, AuthKey.active("w", Permission.write(1)))
      );
      const asWriter = (await Database.open(instance, db.rootId)).withKey(writer);
      const [entry] = await chain(asWriter, 1) as [Entry];
      await db.withTransaction((tx) => tx.getSettings().revokeAuthKey(writer.publicKey));
      await demote(instance, entry);
      assert.equal((await db.verify()).failed, 0);
      assert.equal(await statusOf(instance, entry), "Verified");
      await assert.rejects(db.verifyEntrySignature(ID.ofRaw(utf8("x"))), hasCode("EntryNotFound"));
    }));

  it("06#52a,#52b, 02#45 no choice of a pin makes a forged entry valid", () =>
    withDb(async ({ user, db }) => {
      const other = await user.createDatabase({ name: "other" });
      const [data] = await chain(db, 1) as [Entry];
      const attacker = PrivateKey.generate();
      const grant = (builder: EntryBuilder) => {
        const auth = AuthKey.active(undefined, Permission.admin(0)).toDoc().stringify();
        const keys = `{"children":{"${attacker.publicKey}":{"Doc":${auth}}}}`;
        const text = `{"children":{"auth":{"Doc":{"children":{"keys":{"Doc":${keys}}}}}}}`;
        builder.setSubtreeData("_settings", utf8(text));
      };
      const without = (builder: EntryBuilder) => builder.setMetadata(utf8("{"));
      const forged: [string, Entry][] = [
        ["unsigned, empty pin", forge(data, undefined, [])],
        ["unsigned, no metadata", bare(data, undefined)],
        ["signed, no metadata", bare(data, attacker)],
        ["signed by the owner, no metadata", bare(data, user.signingKey(user.defaultKey()))],
        ["unsigned, no metadata, grants", bare(data, undefined, grant)],
        ["signed, no metadata, grants itself", bare(data, attacker, grant)],
        ["unsigned, own pin", forge(data, undefined, [db.rootId])],
        ["unsigned, pin of another tree", forge(data, undefined, [other.rootId])],
        ["unsigned, pin that is no settings entry", forge(data, undefined, [data.id])],
        ["signed, empty pin, grants itself", forge(data, attacker, [], grant)],
        ["signed, grants itself on the real pin", forge(data, attacker, [db.rootId], grant)],
        ["signed, pin of another tree", forge(data, attacker, [other.rootId])],
        ["metadata that does not parse", forge(data, attacker, [db.rootId], without)],
      ];
      const peer = await peerWith(await other.getAllEntries());
      await peer.putRemoteEntries(db.rootId, [
        ...await db.getAllEntries(),
        ...forged.map(([, entry]) => entry),
      ]);
      for (const [name, entry] of forged) assert.equal(await statusOf(peer, entry), "Failed", name);
      assert.deepEqual((await (await Database.open(peer, db.rootId)).snapshot()).toJSON(), [
        `${data.id}`,
      ]);
      await peer.close();
    }));

  it("06#52c,#52d a settings payload that does not parse harms nobody else", () =>
    withDb(async ({ user, db }) => {
      const key = user.signingKey(user.defaultKey());
      const root = await db.getRoot();
      const broken = forge(root, key, [db.rootId], (builder) => {
        builder.setSubtreeData("_settings", utf8("not a document")).setSubtreeParents("_settings", [
          root.id,
        ]);
      });
      const peer = await peerWith([root, broken, ...await chain(db, 2)]);
      assert.equal(await statusOf(peer, broken), "Failed");
      const open = (await Database.open(peer, db.rootId)).withKey(key);
      assert.equal((await open.getAllEntries()).length, 4);
      const tx = await open.newTransaction();
      await tx.getSettings().setName("fine");
      const entry = await open.getEntry(await tx.commit());
      assert.deepEqual(entry.subtreeParents("_settings").map(String), [`${root.id}`]);
      assert.equal(await open.getName(), "fine");
      await peer.close();
    }));

  it("00 §B5 a height that does not exceed the parent's fails, whoever arrives first", () =>
    withDb(async ({ user, db }) => {
      const key = user.signingKey(user.defaultKey());
      const [one] = await chain(db, 1) as [Entry];
      const low = forge(one, key, [db.rootId], (builder) => builder.setHeight(one.height));
      const peer = await peerWith([await db.getRoot(), low]);
      assert.equal(await statusOf(peer, low), "Unverified");
      await peer.putRemoteEntries(db.rootId, [one]);
      assert.equal(await statusOf(peer, low), "Failed");
      const other = await peerWith([await db.getRoot(), one]);
      const report = await other.putRemoteEntries(db.rootId, [low]);
      assert.deepEqual([report.failed, report.rejected], [1, []]);
      assert.equal(await statusOf(other, low), "Failed");
      await peer.close();
      await other.close();
    }));

  it("02#38,#39,#46 delegation: keys of another database write here, within bounds, once it is held", () =>
    withDb(async ({ instance, user, db }) => {
      const { DelegatedTreeRef } = await import("../../mod.ts");
      const team = await user.createDatabase({ name: "team" });
      const member = PrivateKey.generate();
      await team.withTransaction((tx) =>
        tx.getSettings().setAuthKey(member.publicKey, AuthKey.active("m", Permission.admin(3)))
      );
      const tips = (await team.snapshot()).tips;
      const bounds = { max: Permission.write(10), min: undefined };
      await db.withTransaction((tx) =>
        tx.getSettings().addDelegatedTree(new DelegatedTreeRef(bounds, { root: team.rootId, tips }))
      );
      const [best] = await Database.findSigkeys(instance, db.rootId, member.publicKey);
      assert.equal(best![1].display(), "Write(10)");
      const { DatabaseKey } = await import("../../mod.ts");
      const asMember = (await Database.open(instance, db.rootId)).withKey(
        new DatabaseKey(member, best![0]),
      );
      assert.equal((await asMember.currentPermission()).display(), "Write(10)");
      const [entry] = await chain(asMember, 1) as [Entry];
      const refused = asMember.withTransaction((tx) => tx.getSettings().setName("mine"));
      await assert.rejects(refused, hasCode("EntryValidationFailed"));

      const peer = await peerWith(await db.getAllEntries());
      assert.equal(await statusOf(peer, entry), "Unverified", "the team's database is not held");
      await peer.putRemoteEntries(team.rootId, await team.getAllEntries());
      const copy = await Database.open(peer, db.rootId);
      assert.ok((await copy.snapshot()).contains(entry.id), "reading looks again");
      assert.equal(await statusOf(peer, entry), "Verified");
      await peer.close();
    }));
});
