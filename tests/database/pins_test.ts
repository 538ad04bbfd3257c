import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  Database,
  DocStore,
  type Entry,
  type ID,
  Instance,
  NewUser,
  Permission,
  PrivateKey,
  Snapshot,
  type Transaction,
} from "../../mod.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { hasCode, peerWith, withDb } from "./bed.ts";
import { newUrl } from "../helpers/storages.ts";

type Change = (tx: Transaction) => Promise<unknown>;

const data = (key: string): Change => async (tx) => {
  await (await tx.getStore(DocStore, "s")).set(key, "v");
};
const rename = (name: string): Change => (tx) => tx.getSettings().setName(name);

async function commit(db: Database, change: Change, at?: Snapshot): Promise<Entry> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await change(tx);
  return await db.getEntry(await tx.commit());
}

const pinOf = (entry: Entry): string[] =>
  EntryMetadata.parse(entry.metadata!).settingsTips.tips.map(String);
const texts = (...ids: ID[]): string[] => Snapshot.of(ids).toJSON() as string[];

async function statusAtPeer(db: Database, entry: Entry): Promise<string> {
  const peer = await peerWith(await db.getAllEntries());
  const status = await peer.backend.getVerificationStatus(entry.id);
  await peer.close();
  return status;
}

describe("the settings that an entry pins", () => {
  it("06#26 a change pins what was before it, what follows pins the change", () =>
    withDb(async ({ db }) => {
      const before = await commit(db, data("a"));
      const change = await commit(db, rename("new"));
      const [after, later] = [await commit(db, data("b")), await commit(db, data("c"))];
      assert.deepEqual([before, change].map(pinOf), [texts(db.rootId), texts(db.rootId)]);
      assert.deepEqual([after, later].map(pinOf), [texts(change.id), texts(change.id)]);
    }));

  it("06#26 branches of settings are pinned together until one change joins them", () =>
    withDb(async ({ db }) => {
      const fork = await db.snapshot();
      const one = await commit(db, rename("one"), fork);
      const two = await commit(db, rename("two"), fork);
      const both = texts(one.id, two.id);
      const merge = await commit(db, data("merge"));
      assert.deepEqual(pinOf(merge), both);
      const joined = await commit(db, rename("joined"));
      assert.deepEqual(pinOf(joined), both);
      assert.deepEqual(joined.subtreeParents("_settings").map(String), both);
      assert.deepEqual(pinOf(await commit(db, data("after"))), texts(joined.id));
      assert.equal(await statusAtPeer(db, joined), "Verified");
    }));

  it("06#26 a branch of data pins the newest settings, though its parents are older", () =>
    withDb(async ({ db }) => {
      const fork = await db.snapshot();
      const change = await commit(db, rename("new"));
      const late = await commit(db, data("late"), fork);
      assert.deepEqual(pinOf(late), texts(change.id));
      const old = await commit(db, rename("other"), fork);
      assert.deepEqual(old.subtreeParents("_settings").map(String), texts(db.rootId));
      assert.deepEqual(pinOf(old), texts(change.id));
      for (const entry of [late, old]) assert.equal(await statusAtPeer(db, entry), "Verified");
    }));

  it("06#25 metadata has one form; entropy above 2^53 survives storing and sending", () =>
    withDb(async ({ db }) => {
      const entropy = 2n ** 64n - 1n;
      const text = fromUtf8(new EntryMetadata(Snapshot.of([db.rootId]), entropy).encode());
      assert.equal(text, `{"settings_tips":["${db.rootId}"],"entropy":18446744073709551615}`);
      assert.equal(EntryMetadata.parse(utf8(text)).entropy, entropy);
      const root = EntryMetadata.parse((await db.getRoot()).metadata!);
      const peer = await peerWith([await db.getRoot()]);
      const again = EntryMetadata.parse((await peer.backend.get(db.rootId)).metadata!);
      assert.equal(again.entropy, root.entropy);
      await peer.close();
    }));

  it("00 §B9 a key that was revoked while a transaction was open cannot commit it", () =>
    withDb(async ({ instance, db }) => {
      const writer = PrivateKey.generate();
      await commit(
        db,
        (tx) =>
          tx.getSettings().setAuthKey(writer.publicKey, AuthKey.active("w", Permission.write(1))),
      );
      const asWriter = (await Database.open(instance, db.rootId)).withKey(writer);
      const open = await asWriter.newTransaction();
      await data("late")(open);
      await commit(db, (tx) => tx.getSettings().revokeAuthKey(writer.publicKey));
      const held = (await db.getAllEntries()).length;
      await assert.rejects(open.commit(), hasCode("EntryValidationFailed"));
      assert.equal((await db.getAllEntries()).length, held);
    }));

  it("06#23 a grant counts for what comes after it, even beside it", () =>
    withDb(async ({ instance, db }) => {
      const fork = await db.snapshot();
      const writer = PrivateKey.generate();
      await commit(
        db,
        (tx) =>
          tx.getSettings().setAuthKey(writer.publicKey, AuthKey.active("w", Permission.write(1))),
      );
      const asWriter = (await Database.open(instance, db.rootId)).withKey(writer);
      const beside = await commit(asWriter, data("beside"), fork);
      assert.equal(await statusAtPeer(db, beside), "Verified");
    }));

  it("00 §C2 a commit on another process's tips pins what they pin", async () => {
    const url = await newUrl();
    const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
    const mine = await user!.createDatabase({ name: "shared" });
    const second = await Instance.connect(url);
    const theirs = await (await second.loginUser("ada")).openDatabase(mine.rootId);
    await theirs.snapshot();
    const change = await commit(mine, rename("new"));
    const tip = await commit(mine, data("a"));
    const nothing = () => Promise.resolve();
    for (const what of [nothing, data("b")]) {
      const entry = await commit(theirs, what, Snapshot.of([tip.id]));
      assert.deepEqual(pinOf(entry), texts(change.id));
      assert.equal(await statusAtPeer(mine, entry), "Verified");
    }
    await second.close();
    await instance.close();
  });

  it("06#52d settings that have failed, or wait, are never built on, with or without a read", () =>
    withDb(async ({ instance, db }) => {
      const fork = await db.snapshot();
      const bad = await commit(db, rename("bad"), fork);
      await instance.backend.updateVerificationStatus(bad.id, "Failed");
      for (const readFirst of [false, true]) {
        const entry = await commit(db, async (tx) => {
          if (readFirst) await tx.getSettings().getAll();
          await tx.getSettings().setName(`good ${readFirst}`);
        }, fork);
        assert.deepEqual(entry.subtreeParents("_settings").map(String), texts(db.rootId));
        assert.deepEqual(entry.parents.map(String), texts(db.rootId));
      }
      const next = await commit(db, rename("next"));
      assert.ok(!next.subtreeParents("_settings").some((id) => id.equals(bad.id)));
      assert.ok(!pinOf(next).includes(`${bad.id}`));
      assert.equal(await db.getName(), "next");
    }));
});
