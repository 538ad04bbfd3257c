import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, DocStore, Entry, ID, isNotFound, Snapshot } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { hasCode, peerWith, withDb } from "./bed.ts";

async function commit(db: Database, change: Record<string, unknown>, at?: Snapshot): Promise<ID> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  const store = await tx.getStore(DocStore, "s");
  for (const [key, value] of Object.entries(change)) await store.set(key, value as string);
  return await tx.commit();
}

const read = async (db: Database, at?: Snapshot) =>
  (await (await db.getStoreViewer(DocStore, "s", at === undefined ? {} : { at })).getAll())
    .toJsonString();

describe("state", () => {
  it("06#32 reads are the same again, and after the cache is gone", () =>
    withDb(async ({ instance, db }) => {
      for (let at = 0; at < 5; at++) await commit(db, { [`k${at}`]: at });
      const before = await read(db);
      assert.equal(await read(db), before);
      (instance.backend as LocalBackend).states.clear();
      assert.equal(await read(db), before);
    }));

  it("06#33,#34 diamonds and bypasses include every branch; the order of tips does not matter", () =>
    withDb(async ({ db }) => {
      const base = Snapshot.of([await commit(db, { base: 1 })]);
      const left = await commit(db, { left: 1 }, base);
      const right = await commit(db, { right: 1 }, base);
      const both = Snapshot.of([left, right]);
      assert.equal(await read(db, both), '{"base":1,"left":1,"right":1}');
      assert.equal(await read(db, Snapshot.of([right, left])), await read(db, both));
      const bypass = await commit(db, { bypass: 1 }, base);
      const merge = await commit(db, { merge: 1 }, Snapshot.of([left, bypass]));
      assert.equal(
        await read(db, Snapshot.of([merge, right])),
        '{"base":1,"bypass":1,"left":1,"merge":1,"right":1}',
      );
      assert.equal(
        await read(db, Snapshot.of([merge])),
        '{"base":1,"bypass":1,"left":1,"merge":1}',
      );
    }));

  it("06#35 arms of 150 commits merge, also inside an open transaction", () =>
    withDb(async ({ db }) => {
      let [left, right] = [await db.snapshot(), await db.snapshot()];
      for (let at = 0; at < 150; at++) {
        left = Snapshot.of([await commit(db, { [`l${at}`]: at, both: `l${at}` }, left)]);
        right = Snapshot.of([await commit(db, { [`r${at}`]: at, both: `r${at}` }, right)]);
      }
      const tx = await db.newTransaction();
      const store = await tx.getStore(DocStore, "s");
      assert.equal((await store.getAll()).len(), 301);
      await store.set("merged", true);
      await tx.commit();
      assert.equal((await db.snapshot()).length, 1);
      assert.match(await read(db), /"merged":true/);
    }));

  it("06#36 both arms write one key at one height: every copy picks the same", () =>
    withDb(async ({ db }) => {
      const base = await db.snapshot();
      for (const side of ["one", "two", "three"]) await commit(db, { key: side }, base);
      const wanted = await read(db);
      const entries = await db.getAllEntries();
      const winner = entries.slice(1).map((entry) => `${entry.id}`).sort().at(-1);
      assert.equal(
        JSON.parse(wanted).key,
        JSON.parse(await read(db, Snapshot.of([ID.parse(winner!)]))).key,
      );
      for (const order of [entries, [...entries].reverse()]) {
        const peer = await peerWith([order[0]!]);
        await peer.putRemoteEntries(db.rootId, order);
        const { Database } = await import("../../mod.ts");
        assert.equal(await read(await Database.open(peer, db.rootId)), wanted);
        await peer.close();
      }
    }));

  it("00 §B7 stores created concurrently merge from the empty state", () =>
    withDb(async ({ db }) => {
      const base = await db.snapshot();
      await commit(db, { one: 1 }, base);
      await commit(db, { two: 2 }, base);
      assert.equal(await read(db), '{"one":1,"two":2}');
      await commit(db, { three: 3 });
      assert.equal(await read(db), '{"one":1,"three":3,"two":2}');
    }));

  it("00 a value that was read never changes", () =>
    withDb(async ({ db }) => {
      await commit(db, { doc: { a: 1 } });
      const viewer = await db.getStoreViewer(DocStore, "s");
      const [all, doc] = [await viewer.getAll(), await viewer.getNode("doc")];
      doc.set("a", 2);
      all.set("doc.a", 3);
      await commit(db, { doc: { a: 4 } });
      assert.equal(await viewer.getInt("doc.a"), 1);
      assert.equal(all.get("doc.a"), 3);
      assert.equal(doc.get("a"), 2);
    }));
});

describe("idsAdded", () => {
  it("06#66,#67,#68 brackets forward, backward, whole, and with what is missing", () =>
    withDb(async ({ db }) => {
      const start = await db.snapshot();
      const ids = [];
      for (let at = 0; at < 3; at++) ids.push(await commit(db, { [`k${at}`]: at }));
      const end = await db.snapshot();
      const added = async (previous: Snapshot, post: Snapshot) =>
        (await db.idsAdded(previous, post)).map(String);
      assert.deepEqual(await added(end, end), []);
      assert.deepEqual(await added(Snapshot.of([ids[1]!]), end), [`${ids[2]}`]);
      assert.deepEqual(await added(start, end), ids.map(String));
      assert.deepEqual(await added(Snapshot.EMPTY, end), [`${db.rootId}`, ...ids.map(String)]);
      assert.deepEqual(await added(end, start), []);
      await assert.rejects(added(start, Snapshot.of([ID.ofRaw(utf8("x"))])), isNotFound);
    }));

  it("06 §9 ours: a branch from the past adds only what is new", () =>
    withDb(async ({ db }) => {
      const start = await db.snapshot();
      for (let at = 0; at < 5; at++) await commit(db, { [`k${at}`]: at });
      const before = await db.snapshot();
      const late = await commit(db, { late: 1 }, start);
      assert.deepEqual((await db.idsAdded(before, await db.snapshot())).map(String), [`${late}`]);
    }));

  it("06#69 ours: events hold Verified entries only", () =>
    withDb(async ({ db }) => {
      await commit(db, { a: 1 });
      const peer = await peerWith(await db.getAllEntries());
      const { Database } = await import("../../mod.ts");
      const copy = await Database.open(peer, db.rootId);
      const seen: Entry[] = [];
      (await copy.onWrite((event) => void seen.push(...event.entries))).detach();
      const [tip] = await copy.getTipEntries();
      const forged = Entry.builder(db.rootId).setParents([tip!.id]).setHeight(tip!.height + 1)
        .build();
      await peer.putRemoteEntries(db.rootId, [forged]);
      assert.deepEqual(seen, []);
      assert.ok((await copy.snapshot()).contains(tip!.id));
      await peer.close();
    }));
});

describe("a database that cannot be judged", () => {
  it("06#50 a root that is not Verified gives nothing to build on", () =>
    withDb(async ({ db }) => {
      const peer = await peerWith([]);
      const { Database } = await import("../../mod.ts");
      const root = Entry.rootBuilder().build();
      await peer.backend.put(root);
      await peer.backend.updateVerificationStatus(root.id, "Failed");
      const open = await Database.open(peer, root.id);
      await assert.rejects(open.newTransaction(), hasCode("EmptyTipsNotAllowed"));
      assert.equal((await db.snapshot()).length, 1);
      await peer.close();
    }));
});
