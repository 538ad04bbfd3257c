/** What is built on entries that are not judged yet, or are not valid (06 §4, §9). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  Database,
  DocStore,
  Entry,
  type EntryBuilder,
  ID,
  Permission,
  PrivateKey,
  SigInfo,
  SigKey,
  Snapshot,
  type Transaction,
} from "../../mod.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { hasCode, peerWith, withDb } from "./bed.ts";

type Change = (tx: Transaction) => Promise<unknown>;

const data = (key: string): Change => async (tx) => {
  await (await tx.getStore(DocStore, "s")).set(key, "v");
};
const rename = (name: string): Change => (tx) => tx.getSettings().setName(name);
const allow = (key: PrivateKey): Change => (tx) =>
  tx.getSettings().setAuthKey(key.publicKey, AuthKey.active(undefined, Permission.write(1)));

async function commit(db: Database, change: Change, at?: Snapshot): Promise<Entry> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await change(tx);
  return await db.getEntry(await tx.commit());
}

/** An entry on top of `parent`, made by hand. */
function forge(parent: Entry, key: PrivateKey, change: (builder: EntryBuilder) => void): Entry {
  const root = parent.root ?? parent.id;
  const builder = Entry.builder(root).setParents([parent.id]).setHeight(parent.height + 1)
    .setMetadata(new EntryMetadata(Snapshot.of([root])).encode())
    .setSubtreeData("s", utf8('{"children":{}}'));
  change(builder);
  return builder.setSig(new SigInfo(SigKey.fromPubkey(key.publicKey))).build().sign(key);
}

describe("commits beyond what is judged", () => {
  it("06#47 one on waiting settings pins them, waits with them, and is valid when they are", () =>
    withDb(async ({ instance, db }) => {
      const writer = PrivateKey.generate();
      const missing = await commit(db, rename("missing"));
      const granted = await commit(db, allow(writer));
      const tip = await commit(db, data("tip"));
      const peer = await peerWith([await db.getRoot(), granted, tip]);
      const status = (entry: Entry) => peer.backend.getVerificationStatus(entry.id);
      assert.deepEqual([await status(granted), await status(tip)], ["Unverified", "Unverified"]);
      const events: number[] = [];
      const open = await Database.open(peer, db.rootId);
      const watch = await open.onWrite(({ entries }) => void events.push(entries.length));
      const mine = await commit(open.allowUnverified().withKey(writer), data("mine"));
      assert.ok(mine.parents.some((id) => id.equals(tip.id)));
      const pin = EntryMetadata.parse(mine.metadata!).settingsTips;
      assert.ok(pin.tips.some((id) => id.equals(granted.id)), "the rules that it relies on");
      assert.equal(await status(mine), "Unverified");
      assert.deepEqual((await open.snapshot()).toJSON(), [`${db.rootId}`]);
      assert.deepEqual(events, []);
      await peer.putRemoteEntries(db.rootId, [missing]);
      assert.equal(await status(mine), "Verified");
      assert.deepEqual(events, [4]);
      await instance.putRemoteEntries(db.rootId, [mine]);
      assert.equal(await instance.backend.getVerificationStatus(mine.id), "Verified");
      watch[Symbol.dispose]();
      await peer.close();
    }));

  it("06 §9 one on what turns out invalid fails with it", () =>
    withDb(async ({ db }) => {
      const stranger = PrivateKey.generate();
      const key = PrivateKey.generate();
      await commit(db, allow(key));
      const late = await commit(db, data("late"));
      const bad = forge(late, stranger, () => {});
      const held = (await db.getAllEntries()).filter(({ id }) => !id.equals(late.id));
      const other = await peerWith([...held, bad]);
      const open = (await Database.open(other, db.rootId)).allowUnverified().withKey(key);
      const mine = await commit(open, data("mine"));
      assert.ok(mine.parents.some((id) => id.equals(bad.id)));
      await other.putRemoteEntries(db.rootId, [late]);
      for (const { id } of [bad, mine]) {
        assert.equal(await other.backend.getVerificationStatus(id), "Failed");
      }
      const at = Snapshot.of([bad.id]);
      await assert.rejects(commit(open, data("again"), at), hasCode("EntryValidationFailed"));
      await other.close();
    }));

  it("06#32 what is read while ancestors are missing is not remembered", () =>
    withDb(async ({ db }) => {
      const writer = PrivateKey.generate();
      const granted = await commit(db, allow(writer));
      const renamed = await commit(db, rename("renamed"));
      const stored = [await commit(db, data("a")), await commit(db, data("b"))];
      const late = [granted, stored[0]!];
      const peer = await peerWith([await db.getRoot(), renamed, stored[1]!]);
      const loose = (await Database.open(peer, db.rootId)).allowUnverified();
      const keys = async (from: Database) =>
        (await (await from.getSettings()).authSnapshot())
          .getAllKeys().length;
      assert.equal(await keys(loose), 1);
      assert.equal((await (await loose.getStoreViewer(DocStore, "s")).getAll()).len(), 1);
      await peer.putRemoteEntries(db.rootId, late);
      const open = await Database.open(peer, db.rootId);
      assert.equal(await keys(open), 2);
      assert.equal((await (await open.getStoreViewer(DocStore, "s")).getAll()).len(), 2);
      const mine = await commit(open.withKey(writer), data("mine"));
      assert.equal(await peer.backend.getVerificationStatus(mine.id), "Verified");
      await peer.close();
    }));
});

describe("entries that are handed in as judged", () => {
  it("00 §B5 heights count for them too", () =>
    withDb(async ({ instance, db }) => {
      const key = PrivateKey.generate();
      const parent = await commit(db, data("a"));
      const low = forge(parent, key, (builder) => builder.setHeight(parent.height));
      const put = instance.putEntry(db.rootId, low, { verification: "Verified", source: "remote" });
      await assert.rejects(put, hasCode("EntryValidationFailed"));
    }));

  it("06#48 one with store parents that are not Verified waits, and both frontiers agree", () =>
    withDb(async ({ user, db }) => {
      const key = user.signingKey(user.defaultKey());
      const root = await db.getRoot();
      const first = await commit(db, data("first"));
      const beside = forge(root, key, (builder) => builder.setSubtreeParents("s", [first.id]));
      const peer = await peerWith([root]);
      await peer.putEntry(db.rootId, beside, { verification: "Verified", source: "remote" });
      assert.equal(await peer.backend.getVerificationStatus(beside.id), "Unverified");
      await peer.putRemoteEntries(db.rootId, [first]);
      assert.equal(await peer.backend.getVerificationStatus(beside.id), "Verified");
      const { backend } = peer.host;
      const seen = await backend.verifiedStoreSnapshot(db.rootId, "s");
      assert.deepEqual(seen.toJSON(), [`${beside.id}`]);
      await peer.close();
    }));
});

describe("differences between frontiers", () => {
  it("06#66,#69 entries below their parents, which are never valid, are told apart all the same", () =>
    withDb(async ({ db }) => {
      const key = PrivateKey.generate();
      const [a, b] = [await commit(db, data("a")), await commit(db, data("b"))];
      const c = await commit(db, data("c"));
      // Heights rise from parents to children, except here; the entry comes before its parent.
      const low = forge(c, key, (builder) => builder.setHeight(1));
      const other = forge(a, key, () => {});
      const peer = await peerWith([await db.getRoot(), a, low, other]);
      await peer.putRemoteEntries(db.rootId, [b, c]);
      const { backend } = peer;
      assert.equal(await backend.getVerificationStatus(low.id), "Failed");
      const open = await Database.open(peer, db.rootId);
      const between = async (from: Entry[], to: Entry[]) => {
        const of = (list: Entry[]) => Snapshot.of(list.map(({ id }) => id));
        return (await open.idsAdded(of(from), of(to))).map(String).sort();
      };
      const texts = (...list: Entry[]) => list.map(({ id }) => `${id}`).sort();
      assert.deepEqual(await between([low], [c]), []);
      assert.deepEqual(await between([low], [c, other]), texts(other));
      assert.deepEqual(await between([other], [low]), texts(b, c, low));
      assert.deepEqual(await between([a], [c]), texts(b, c));
      await assert.rejects(
        open.idsAdded(Snapshot.of([low.id]), Snapshot.of([ID.ofRaw(utf8("not held")), c.id])),
        hasCode("EntryNotFound"),
      );
      await peer.close();
    }));
});
