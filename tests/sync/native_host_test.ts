import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ID, PrivateKey } from "../../mod.ts";
import { ArrivalLog } from "../../src/backend/log/arrival_log.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { PeerCursors } from "../../src/sync/native/host/cursors.ts";
import { RecentIds } from "../../src/sync/native/host/recent.ts";
import { RangeTables } from "../../src/sync/native/host/tables.ts";
import { RECENT_IDS } from "../../src/sync/native/limits.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { Admissions } from "../../src/sync/native/host/admissions.ts";
import { HandTimers, NEVER, open, put, withCluster } from "./cluster_bed.ts";

const id = (n: number): ID => ID.ofDagCbor(Uint8Array.of(n & 255, n >> 8));
const cursor = (n: number) => ({ logId: new Uint8Array(8).fill(n), position: n, sum: BigInt(n) });

/** A storage in memory of which one commit takes so many changes. */
function small(maxBatchChanges: number): MemoryStorage {
  const storage = new MemoryStorage();
  const capabilities = { ...storage.capabilities, maxBatchChanges };
  return Object.defineProperty(storage, "capabilities", { value: capabilities });
}

describe("up to where the logs of peers are here", () => {
  it("is written after a second, and at the end, however many there are", async () => {
    const [driver, timers] = [small(3), new HandTimers()];
    const peer = PrivateKey.generate().publicKey;
    const cursors = new PeerCursors(driver, timers);
    for (let n = 0; n < 10; n++) cursors.move(id(n), peer, cursor(n));
    assert.deepEqual(timers.pauses, [1000]);
    assert.equal(await new PeerCursors(driver, NEVER).get(id(7), peer), undefined);
    timers.fire(1000);
    await cursors.flush();
    for (let n = 0; n < 10; n++) {
      assert.deepEqual(await new PeerCursors(driver, NEVER).get(id(n), peer), cursor(n));
    }
    cursors.move(id(3), peer, cursor(30));
    await cursors.flush();
    assert.deepEqual(timers.pauses, []);
    assert.deepEqual(await new PeerCursors(driver, NEVER).get(id(3), peer), cursor(30));
    assert.equal(await cursors.get(id(3), PrivateKey.generate().publicKey), undefined);
  });

  it("is kept when it cannot be written, and written the next time", async () => {
    const storage = new MemoryStorage();
    let fails = true;
    const commit = storage.commit.bind(storage);
    storage.commit = (batch) => fails ? Promise.reject(new Error("full")) : commit(batch);
    const peer = PrivateKey.generate().publicKey;
    const cursors = new PeerCursors(storage, NEVER);
    cursors.move(id(1), peer, cursor(1));
    await cursors.flush();
    assert.deepEqual(await cursors.get(id(1), peer), cursor(1));
    fails = false;
    await cursors.flush();
    assert.deepEqual(await new PeerCursors(storage, NEVER).get(id(1), peer), cursor(1));
  });
});

describe("tables of trees", () => {
  it("hold what is Verified, once, however often the log lists it", () =>
    withCluster(async (cluster) => {
      const db = await open(cluster);
      for (let n = 0; n < 6; n++) await put(db, "k", `${n}`);
      const { backend } = cluster.peers[0]!.instance.host;
      const tables = new RangeTables(ArrivalLog.of(backend));
      assert.equal((await tables.of(db.rootId))!.table.size, 8);
      const { tips } = await db.snapshot();
      await backend.demoteToUnverified(db.rootId, tips[0]!);
      assert.equal((await tables.of(db.rootId))!.table.size, 7);
      await put(db, "k", "more");
      const { count, length } = (await ArrivalLog.of(backend).head(db.rootId))!;
      assert.deepEqual([count, length], [9, 10]);
      assert.equal((await tables.of(db.rootId))!.table.size, 9);
      assert.equal(await tables.of(id(1)), undefined);
    }, { peers: 1 }));

  it("are kept up to so many bytes, and made anew when the tree has grown", () =>
    withCluster(async (cluster) => {
      const dbs = [await open(cluster), await open(cluster), await open(cluster)];
      const { backend } = cluster.peers[0]!.instance.host;
      const tables = new RangeTables(ArrivalLog.of(backend), 130);
      const made = [];
      for (const { rootId } of dbs) made.push(await tables.of(rootId));
      assert.equal(tables.size, 2);
      assert.equal(await tables.of(dbs[2]!.rootId), made[2]);
      assert.notEqual(await tables.of(dbs[0]!.rootId), made[0]);
      await put(dbs[0]!, "k", "v");
      assert.equal((await tables.of(dbs[0]!.rootId))!.table.size, 3);
    }, { peers: 1 }));
});

describe("what is remembered of strangers", () => {
  it("are the IDs that came last", () => {
    const recent = new RecentIds();
    for (let n = 0; n <= RECENT_IDS; n++) recent.add(id(n));
    assert.deepEqual([0, 1, RECENT_IDS].map((n) => recent.has(id(n))), [false, true, true]);
  });

  it("are so many who were thrown out", () => {
    const admissions = new Admissions(new FixedClock(), { bans: 3 });
    const keys = Array.from({ length: 4 }, () => PrivateKey.generate().publicKey);
    for (const key of keys) admissions.ban(key, 10_000_000);
    admissions.requireWelcome(keys[0]!);
    assert.throws(() => admissions.requireWelcome(keys.at(-1)!), { code: "Banned" });
  });
});
