import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Database,
  DocStore,
  Entry,
  type ID,
  Instance,
  NewUser,
  Snapshot,
  type WriteEvent,
} from "../../mod.ts";
import { OWN_SOURCE } from "../helpers/instances.ts";
import { newStorage } from "../helpers/storages.ts";
import { peerWith, withDb } from "./bed.ts";
import { shuffled } from "./replay.ts";

async function commit(db: Database, key: string, at?: Snapshot): Promise<ID> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await (await tx.getStore(DocStore, "s")).set(key, "v");
  return await tx.commit();
}

const idsOf = (event: WriteEvent): string[] => event.entries.map((entry) => `${entry.id}`);

async function recorder(db: Database, at?: Snapshot): Promise<WriteEvent[]> {
  const events: WriteEvent[] = [];
  (await db.onWrite((event) => void events.push(event), at === undefined ? {} : { at })).detach();
  return events;
}

describe("write events", () => {
  it("06#53, 07#33,#34 two commits are two events whose brackets join", () =>
    withDb(async ({ db }) => {
      const events = await recorder(db);
      const ids = [await commit(db, "a"), await commit(db, "b")];
      assert.deepEqual(events.map(idsOf), ids.map((id) => [`${id}`]));
      assert.deepEqual(
        events.map((event) => event.source),
        [OWN_SOURCE, OWN_SOURCE],
      );
      assert.ok(events[1]!.previousTips.contains(ids[0]!));
      assert.ok(events[0]!.postTips.equals(events[1]!.previousTips));
      for (const event of events) {
        const added = await db.idsAdded(event.previousTips, event.postTips);
        assert.deepEqual(added.map(String), idsOf(event));
      }
    }));

  it("06#54,#55,#62, 07#38,#39 a batch is one remote event with what became Verified", () =>
    withDb(async ({ db }) => {
      for (const key of ["a", "b"]) await commit(db, key);
      const all = await db.getAllEntries();
      const peer = await peerWith([all[0]!]);
      const copy = await (await import("../../mod.ts")).Database.open(peer, db.rootId);
      const events = await recorder(copy);
      assert.deepEqual(await peer.putRemoteEntries(db.rootId, []), {
        stored: 0,
        verified: 0,
        failed: 0,
        unverified: 0,
        rejected: [],
      });
      assert.equal(events.length, 0);
      await peer.putRemoteEntries(db.rootId, [all[2]!, all[1]!]);
      assert.deepEqual(events.map((event) => event.source), ["remote"]);
      assert.deepEqual(idsOf(events[0]!), [`${all[1]!.id}`, `${all[2]!.id}`]);
      await peer.putRemoteEntries(db.rootId, all);
      assert.equal(events.length, 1, "what is verified already is no event");
      await peer.close();
    }));

  it("06#51,#63, 07#40 what is stored Unverified is silent until it is promoted", () =>
    withDb(async ({ db }) => {
      const id = await commit(db, "a");
      const all = await db.getAllEntries();
      const peer = await peerWith([all[0]!]);
      const copy = await (await import("../../mod.ts")).Database.open(peer, db.rootId);
      const events = await recorder(copy);
      await peer.putEntry(db.rootId, all[1]!, { verification: "Unverified", source: "remote" });
      assert.equal(events.length, 0);
      assert.equal((await copy.verify()).verified, 1);
      assert.deepEqual(events.map(idsOf), [[`${id}`]]);
      await peer.close();
    }));

  it("06#56, 07#35 each callback has its own cursor", () =>
    withDb(async ({ db }) => {
      const start = await db.snapshot();
      const first = await commit(db, "a");
      const early = await recorder(db, start);
      const late = await recorder(db);
      const whole = await recorder(db, Snapshot.EMPTY);
      const second = await commit(db, "b");
      assert.deepEqual(idsOf(early[0]!), [`${first}`, `${second}`]);
      assert.ok(early[0]!.previousTips.equals(start));
      assert.deepEqual(idsOf(late[0]!), [`${second}`]);
      assert.deepEqual(idsOf(whole[0]!), [`${db.rootId}`, `${first}`, `${second}`]);
    }));

  it("06#58,#59, 07#36,#37 failing and released callbacks harm nobody", () =>
    withDb(async ({ db }) => {
      const seen: string[] = [];
      await db.onWrite(() => {
        throw new Error("thrown");
      });
      await db.onWrite(() => Promise.reject(new Error("rejected")));
      const released = await db.onWrite(() => void seen.push("released"));
      const kept = await db.onWrite(() => void seen.push("kept"));
      kept.detach();
      kept[Symbol.dispose]();
      released[Symbol.dispose]();
      await commit(db, "a");
      assert.deepEqual(seen, ["kept"]);
    }));

  it("06#60 synchronous parts run in write order; commit waits for the rest", () =>
    withDb(async ({ db }) => {
      const order: string[] = [];
      await db.onWrite(async (event) => {
        order.push(`start ${event.entries.length}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push("end");
      });
      await commit(db, "a");
      assert.deepEqual(order, ["start 1", "end"]);
    }));

  it("06#61, 07#42 a callback may verify, read, and commit to its own tree", () =>
    withDb(async ({ db }) => {
      let depth = 0;
      await db.onWrite(async (_event, database) => {
        await database.verify();
        await database.snapshot();
        if (depth++ < 3) await commit(db, `from callback ${depth}`);
      });
      await commit(db, "a");
      assert.equal((await db.getAllEntries()).length, 5);
    }));

  it("07#43 trees are independent; a callback that is removed while an event runs harms nobody", () =>
    withDb(async ({ user, db }) => {
      const other = await user.createDatabase({ name: "other" });
      const events = await recorder(db);
      await commit(other, "x");
      assert.equal(events.length, 0);
      let called = 0;
      const self = await db.onWrite(() => {
        called++;
        self[Symbol.dispose]();
      });
      await commit(db, "a");
      await commit(db, "b");
      assert.equal(called, 1);
    }));

  it("06#57, 07#41 of two concurrent commits one bracket holds the other, 50 times", () =>
    withDb(async ({ db }) => {
      for (let round = 0; round < 50; round++) {
        const events = await recorder(db);
        const ids = await Promise.all([commit(db, `a${round}`), commit(db, `b${round}`)]);
        assert.equal(events.length, 2);
        assert.deepEqual(events.flatMap(idsOf).sort(), ids.map(String).sort());
        assert.ok(events[1]!.previousTips.contains(events[0]!.entries[0]!.id));
      }
    }));

  it("00 §C1 the bracket law: joined brackets, every entry exactly once, whatever the order", async () => {
    for (let seed = 1; seed <= 12; seed++) await bracketLaw(seed);
  });
});

/** Random writers at home, random batches at a peer that writes, too. */
async function bracketLaw(seed: number): Promise<void> {
  const home = await Instance.createBackend(await newStorage(), NewUser.passwordless("ada"));
  const db = await home.user.createDatabase({ name: "law" });
  await Promise.all(Array.from({ length: 6 }, async (_, writer) => {
    for (let at = 0; at < 4; at++) {
      await commit(db, `w${writer} ${at}`, at % 2 === 0 ? undefined : await db.snapshot());
    }
  }));
  const entries = (await db.getAllEntries()).map((entry) => Entry.decode(entry.bytes));
  const { instance: peer } = await Instance.createBackend(
    await newStorage(),
    NewUser.passwordless("bob"),
  );
  await peer.putRemoteEntries(db.rootId, [entries[0]!]);
  const key = home.user.signingKey(home.user.defaultKey());
  const { Database } = await import("../../mod.ts");
  const copy = (await Database.open(peer, db.rootId)).withKey(key);
  const start = await copy.snapshot();
  const recorders = [await recorder(copy), await recorder(copy, Snapshot.EMPTY)];
  const jobs = [];
  for (let at = 0, rest = shuffled(entries, seed); at < rest.length; at += seed % 4 + 1) {
    jobs.push(peer.putRemoteEntries(db.rootId, rest.slice(at, at + seed % 4 + 1)));
    if (at % 3 === 0) jobs.push(commit(copy, `local ${at}`));
  }
  await Promise.all(jobs);
  const final = await copy.snapshot();
  const verified = (await peer.backend.getTree(db.rootId)).map((entry) => `${entry.id}`);
  for (const [at, events] of recorders.entries()) {
    const cursor = at === 0 ? start : Snapshot.EMPTY;
    const last = events.reduce((before, event) => {
      assert.ok(event.previousTips.equals(before), `seed ${seed}: brackets join`);
      return event.postTips;
    }, cursor);
    assert.ok(last.equals(final));
    const wanted = verified.filter((id) => at === 1 || id !== `${db.rootId}`);
    assert.deepEqual(
      events.flatMap(idsOf).sort(),
      wanted.sort(),
      `seed ${seed}: each exactly once`,
    );
  }
  await peer.close();
  await home.instance.close();
}
