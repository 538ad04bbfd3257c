import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, DocStore, type Entry, Instance, NewUser, type Snapshot } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { peerWith, withDb } from "./bed.ts";
import { shuffled } from "./replay.ts";
import { newUrl } from "../helpers/storages.ts";

async function commit(db: Database, key: string, at?: Snapshot): Promise<Entry> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await (await tx.getStore(DocStore, "s")).set(key, "v");
  return await db.getEntry(await tx.commit());
}

/** The address of a storage that several instances share. */
async function withUrl(test: (url: string) => Promise<void>): Promise<void> {
  await test(await newUrl());
}

describe("judging on the way of a read", () => {
  it("06#40 what is stored while a read judges is judged by the next read", () =>
    withDb(async ({ db }) => {
      const fork = await db.snapshot();
      const good = await commit(db, "good", fork);
      const tx = await db.newTransaction({ at: fork });
      await tx.getSettings().setName("renamed");
      await tx.commit();
      const ahead = await commit(db, "ahead", fork);
      for (let lag = 0; lag < 40; lag++) {
        // `ahead` pins what is not there, so every read after a write has something to judge.
        const peer = await peerWith([await db.getRoot(), ahead]);
        const copy = await Database.open(peer, db.rootId);
        const reading = copy.snapshot();
        for (let tick = 0; tick < lag; tick++) await undefined;
        await peer.putEntry(db.rootId, good, { verification: "Unverified", source: "remote" });
        await reading;
        assert.deepEqual((await copy.snapshot()).toJSON(), [`${good.id}`], `lag ${lag}`);
        assert.equal(await peer.backend.getVerificationStatus(ahead.id), "Unverified");
        await peer.close();
      }
    }));

  it("06#40 a storage that cannot be written is read as it was judged last", () =>
    withUrl(async (url) => {
      const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
      const db = await user!.createDatabase({ name: "kept" });
      const [before, after] = [await commit(db, "a"), await commit(db, "b")];
      await (instance.backend as LocalBackend).demoteToUnverified(db.rootId, after.id);
      await instance.close();
      const reader = await Instance.connect(url, { readOnly: true });
      const open = await Database.open(reader, db.rootId);
      assert.deepEqual((await open.snapshot()).toJSON(), [`${before.id}`]);
      assert.equal(await open.getName(), "kept");
      assert.deepEqual((await open.allowUnverified().snapshot()).toJSON(), [`${after.id}`]);
      await reader.close();
    }));

  it("06#40,#44 a pass sees what another process has stored", () =>
    withUrl(async (url) => {
      const first = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
      const db = await first.user!.createDatabase({ name: "shared" });
      const second = await Instance.connect(url);
      const theirs = await Database.open(second, db.rootId);
      assert.deepEqual((await theirs.snapshot()).toJSON(), [`${db.rootId}`]);
      const entry = await commit(db, "a");
      await (first.instance.backend as LocalBackend).demoteToUnverified(db.rootId, entry.id);
      assert.deepEqual(await theirs.verify(), { verified: 1, failed: 0, stillUnverified: 0 });
      assert.deepEqual((await db.snapshot()).toJSON(), [`${entry.id}`]);
      await second.close();
      await first.instance.close();
    }));

  it("06#46,#49 a root verifies itself after it was saved and read again", () =>
    withUrl(async (url) => {
      const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
      const db = await user!.createDatabase({ name: "root" });
      await (instance.backend as LocalBackend).demoteToUnverified(db.rootId, db.rootId);
      await instance.close();
      const again = await Instance.connect(url);
      const open = await Database.open(again, db.rootId);
      assert.equal(await open.verifyEntrySignature(db.rootId), true);
      assert.deepEqual((await open.snapshot()).toJSON(), [`${db.rootId}`]);
      assert.equal(await again.backend.getVerificationStatus(db.rootId), "Verified");
      await again.close();
    }));

  it("06#40,#48 several demoted tips come back at once; demotion reaches every descendant", () =>
    withDb(async ({ instance, db }) => {
      const base = await commit(db, "base");
      const at = await db.snapshot();
      const arms = [];
      for (const key of ["x", "y", "z"]) arms.push(await commit(db, key, at));
      const backend = instance.backend as LocalBackend;
      await backend.demoteToUnverified(db.rootId, base.id);
      for (const entry of [base, ...arms]) {
        assert.equal(await backend.getVerificationStatus(entry.id), "Unverified");
      }
      assert.deepEqual((await backend.verifiedSnapshot(db.rootId)).toJSON(), [`${db.rootId}`]);
      assert.equal((await db.snapshot()).length, 3);
      assert.deepEqual(await db.verify(), { verified: 0, failed: 0, stillUnverified: 0 });
    }));

  it("06#48 whatever arrives in whatever order, Verified entries stand on Verified ones", () =>
    withDb(async ({ db }) => {
      for (let round = 0; round < 4; round++) {
        const at = await db.snapshot();
        for (const key of ["x", "y"]) await commit(db, `${round} ${key}`, at);
        if (round === 1) await db.withTransaction((tx) => tx.getSettings().setName("renamed"));
      }
      const all = await db.getAllEntries();
      for (let seed = 1; seed <= 15; seed++) {
        const peer = await peerWith([]);
        for (const entry of shuffled(all, seed)) {
          await peer.putRemoteEntries(db.rootId, [entry]);
          await assertClosed(await Database.open(peer, db.rootId).catch(() => undefined), peer);
        }
        const copy = await Database.open(peer, db.rootId);
        assert.ok((await copy.snapshot()).equals(await db.snapshot()), `seed ${seed}`);
        await peer.close();
      }
    }));
});

async function assertClosed(db: Database | undefined, peer: Instance): Promise<void> {
  if (db === undefined) return;
  const verified = new Set<string>();
  for (const entry of await db.getAllEntries()) {
    if (await peer.backend.getVerificationStatus(entry.id) !== "Verified") continue;
    verified.add(`${entry.id}`);
    for (const parent of entry.parents) assert.ok(verified.has(`${parent}`), `${entry.id}`);
  }
  for (const tip of (await db.snapshot()).tips) assert.ok(verified.has(`${tip}`));
}
