import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Doc, Instance, NewUser, Permission, PrivateKey, SyncSettings } from "../../mod.ts";
import { Backoff, FIRST_PAUSE_MS, LONGEST_PAUSE_MS } from "../../src/sync/worker/backoff.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { RandomSource } from "../../src/util/random.ts";
import {
  eventsOf,
  get,
  HandTimers,
  NEVER,
  open,
  put,
  shared,
  until,
  withCluster,
} from "./cluster_bed.ts";

/** Longest pause that the spread makes of the longest one. */
const MOST_PAUSE_MS = 1.5 * LONGEST_PAUSE_MS;

/** Memory that a later start finds again. */
class LastingStorage extends MemoryStorage {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A random source that gives one byte only. */
const always = (byte: number): RandomSource => ({ bytes: (n) => new Uint8Array(n).fill(byte) });

/** Pauses of so many failures in a row. */
function pauses(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.failed());
}

describe("synchronisation goes on", () => {
  it("10#10 enabled later, it has the settings of what users tracked before", () =>
    withCluster(async ({ network, peers: [peer] }) => {
      const storage = new MemoryStorage();
      const made = await Instance.createBackend(storage, NewUser.passwordless("early"));
      try {
        const [kept, hidden] = [
          await made.user.createDatabase({ name: "kept" }),
          await made.user.createDatabase({ name: "hidden" }),
        ];
        const key = made.user.defaultKey();
        for (const db of [kept, hidden]) await db.grant("everyone", "read");
        await made.user.trackDatabase(kept.rootId, key, SyncSettings.enabled());
        await made.user.trackDatabase(hidden.rootId, key, SyncSettings.disabled());
        const transport = network.transport();
        const sync = await made.instance.enableSync({ transports: { sim: transport } });
        await sync.acceptConnections();
        const address = { transportType: transport.type, address: transport.serverAddress() };
        await peer!.sync.syncWithPeer(address, kept.rootId);
        assert.ok(await peer!.instance.hasDatabase(kept.rootId));
        await assert.rejects(peer!.sync.syncWithPeer(address, hidden.rootId), {
          code: "TreeNotFound",
        });
      } finally {
        await made.instance.close();
      }
    }, { peers: 1 }));

  it("10#15 after another login every commit is sent as before", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await cluster.autoSync(0, 1, tree);
      const again = await cluster.peers[0]!.instance.loginUser("peer0");
      await put(await again.openDatabase(tree), "k", "v");
      await cluster.flush(0);
      assert.equal(await get(at[1]!, "k"), "v");
    }));

  it("10#16 ours: no queue; what waits is one place for each peer, however much was written", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const { sync } = cluster.peers[0]!;
      for (const other of [1, 2]) await cluster.autoSync(0, other, tree);
      await cluster.flushAll();
      for (const other of ["sim-peer-1", "sim-peer-2"]) {
        cluster.network.partition("sim-peer-0", other);
      }
      for (const key of ["a", "b", "c"]) await put(at[0]!, key, "v");
      await assert.rejects(cluster.flush(0), { code: "Network" });
      const waiting = sync.waiting().map(({ peer, trees }) => [`${peer}`, trees.map(String)]);
      const others = [1, 2].map((it) => [`${cluster.peers[it]!.instance.id}`, [`${tree}`]]);
      assert.deepEqual(waiting.sort(), others.sort());
      cluster.network.healAll();
      await cluster.flush(0);
      assert.deepEqual(sync.waiting(), []);
      for (const db of at) assert.equal(await get(db, "c"), "v");
    }, { peers: 3 }));

  it("10#17 ours: pauses double up to the longest, are spread, and begin anew after a success", () => {
    const middle = new Backoff(always(0x80));
    const exact = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];
    for (const [at, pause] of pauses(middle, exact.length).entries()) {
      assert.ok(Math.abs(pause / exact[at]! - 1) < 0.01, `${at}: ${pause}`);
    }
    assert.equal(middle.failures, exact.length);
    middle.succeeded();
    assert.equal(middle.failures, 0);
    assert.ok(middle.failed() < 1.01 * FIRST_PAUSE_MS);
    const [short, long] = [
      pauses(new Backoff(always(0)), 12),
      pauses(new Backoff(always(255)), 12),
    ];
    assert.deepEqual(short.slice(0, 3), [90, 180, 200]);
    assert.equal(short[11], LONGEST_PAUSE_MS / 2);
    assert.ok(
      long[0]! <= 110 && long[2]! > 590 && long[11]! > 44_900 && long[11]! <= MOST_PAUSE_MS,
    );
  });

  it("10#17 ours: what fails is tried again for ever, and arrives", async () => {
    const timers = new HandTimers();
    await withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await cluster.autoSync(0, 1, tree);
      await cluster.flushAll();
      const { sync } = cluster.peers[0]!;
      const [retry, synced] = [eventsOf(sync, "retry"), eventsOf(sync, "synced")];
      cluster.network.partition("sim-peer-0", "sim-peer-1");
      await put(at[0]!, "k", "v");
      let { inMs } = await retry();
      assert.ok(inMs <= 1.1 * FIRST_PAUSE_MS);
      for (let attempt = 0; attempt < 20; attempt++) {
        timers.fire(MOST_PAUSE_MS);
        inMs = (await retry()).inMs;
      }
      assert.ok(inMs >= LONGEST_PAUSE_MS / 2 && inMs <= MOST_PAUSE_MS);
      cluster.network.healAll();
      timers.fire(MOST_PAUSE_MS);
      await synced();
      assert.equal(await get(at[1]!, "k"), "v");
      cluster.network.partition("sim-peer-0", "sim-peer-1");
      await put(at[0]!, "k", "w");
      assert.ok((await retry()).inMs <= 1.1 * FIRST_PAUSE_MS);
    }, { sync: { timers } });
  });

  it("10#24 what a transport wants to keep is handed back at the next start, by name", async () => {
    const storage = new LastingStorage();
    const given: Doc[] = [];
    const start = () =>
      withCluster(async ({ network, peers: [peer] }) => {
        for (const name of ["one", "two"]) {
          await peer!.sync.registerTransport(name, {
            build: (stored) => {
              given.push(stored);
              const state = stored.get("identity") === undefined ? new Doc() : undefined;
              state?.set("identity", `of ${name}`);
              return Promise.resolve({ transport: network.transport(), state });
            },
          });
        }
      }, { peers: 1, storage: () => storage, sync: { timers: NEVER } });
    await start();
    await start();
    const identities = given.map((doc) => doc.toObject());
    assert.deepEqual(identities, [{}, {}, { identity: "of one" }, { identity: "of two" }]);
  });

  it("10#50 another interval holds at once; 0 seconds are as few as there may be", async () => {
    const timers = new HandTimers();
    await withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const every = (seconds: number) =>
        cluster.serve(0, tree, SyncSettings.withInterval(SyncSettings.enabled(), seconds));
      await until(() => timers.pauses.includes(300_000));
      await every(7);
      await until(() => timers.pauses.includes(7000));
      await every(0);
      await until(() => timers.pauses.includes(1000) && !timers.pauses.includes(7000));
      const { sync } = cluster.peers[0]!;
      const peer = cluster.peers[1]!;
      await sync.addPeerAddress(peer.instance.id, peer.address);
      for (const value of ["first", "second"]) {
        const synced = eventsOf(sync, "synced");
        await put(at[1]!, "k", value);
        await until(() => timers.pauses.includes(1000));
        timers.fire(1000);
        await synced();
        assert.equal(await get(at[0]!, "k"), value);
      }
    }, { sync: { timers } });
  });
});

describe("many at once", () => {
  it("10#40 who bootstraps at the same time gets everything", () =>
    withCluster(async (cluster) => {
      const db = await open(cluster);
      for (let n = 0; n < 20; n++) await put(db, `k${n}`, "v");
      const [owner, ...others] = cluster.peers;
      await Promise.all(others.map(({ sync }) => sync.syncWithPeer(owner!.address, db.rootId)));
      assert.ok(await cluster.converged(db.rootId));
      await cluster.assertNoLostEntries(db.rootId);
      await cluster.assertAllVerified(db.rootId);
    }, { peers: 5 }));

  it("10#40 who asks for access at the same time is heard, each of them", () =>
    withCluster(async (cluster) => {
      const [owner, ...others] = cluster.peers;
      const db = await owner!.user.createDatabase({ name: "private" });
      await cluster.serve(0, db.rootId);
      const asked = await Promise.allSettled(others.map(({ sync, user }) => {
        const key = user.signingKey(user.defaultKey());
        return sync.syncWithPeerForBootstrapWithKey(
          owner!.address,
          db.rootId,
          key,
          user.username,
          Permission.read,
        );
      }));
      const codes = asked.map((it) => it.status === "rejected" && it.reason.code);
      assert.deepEqual(codes, others.map(() => "BootstrapPending"));
      const rows = await owner!.sync.pendingBootstrapRequests();
      const names = rows.map(([, { requestingKeyName }]) => requestingKeyName);
      assert.deepEqual(names.sort(), others.map(({ user }) => user.username));
    }, { peers: 5 }));
});

describe("a peer that is registered with a database", () => {
  it("10#42 is known with addresses and database at once; the handle tells and adds", () =>
    withCluster(async (cluster) => {
      const [a, b] = cluster.peers;
      const db = await open(cluster);
      const peer = a!.instance.id;
      const elsewhere = { transportType: "sim", address: "nowhere" };
      const before = (await b!.sync.syncTree.snapshot()).toJSON();
      const handle = await b!.sync.registerSyncPeer({
        peer,
        tree: db.rootId,
        addresses: [elsewhere],
        displayName: "ada's",
      });
      const [entry] = await b!.sync.syncTree.getEntries(
        (await b!.sync.syncTree.snapshot()).tips,
      );
      assert.deepEqual(entry!.parents.map(String), before);
      assert.equal((await b!.sync.getPeerInfo(peer))?.displayName, "ada's");
      assert.ok(await b!.sync.isTreeSyncedWithPeer(db.rootId, peer));
      assert.deepEqual(await handle.status(), {
        hasLocalData: false,
        lastSync: undefined,
        lastError: undefined,
      });
      await handle.addAddress(a!.address);
      assert.deepEqual(await b!.sync.getPeerAddresses(peer), [elsewhere, a!.address]);
      assert.equal(await b!.instance.hasDatabase(db.rootId), false);
      await handle.waitForInitialSync();
      await until(async () => (await handle.status()).lastSync !== undefined);
      assert.ok((await b!.sync.getSyncStatus(db.rootId, peer)).hasLocalData);
      await handle.waitForInitialSync();
    }, { sync: {} }));

  it("10#42 ours: a wait ends in time, when it is aborted, and with synchronisation", () =>
    withCluster(async (cluster) => {
      const { sync } = cluster.peers[1]!;
      const db = await open(cluster);
      const peer = PrivateKey.generate().publicKey;
      const handle = await sync.registerSyncPeer({ peer, tree: db.rootId });
      await assert.rejects(handle.waitForInitialSync({ timeoutMs: 1 }), { code: "Timeout" });
      await until(async () => (await handle.status()).lastError !== undefined);
      assert.match((await handle.status()).lastError!, /no address/);
      await assert.rejects(handle.waitForInitialSync({ timeoutMs: -1 }), {
        code: "InvalidArgument",
      });
      const [reason, abort] = [new Error("enough"), new AbortController()];
      const aborted = handle.waitForInitialSync({ signal: abort.signal });
      abort.abort(reason);
      await assert.rejects(aborted, { code: "Aborted", cause: reason });
      await assert.rejects(handle.waitForInitialSync({ signal: abort.signal }), {
        code: "Aborted",
        cause: reason,
      });
      const ended = handle.waitForInitialSync();
      await sync.close();
      await assert.rejects(ended, { code: "InstanceDropped" });
    }, { sync: {} }));

  it("10#42 ours: what is no peer, and one who is blocked, is refused and nothing is noted", () =>
    withCluster(async (cluster) => {
      const { sync } = cluster.peers[1]!;
      const { rootId: tree } = await open(cluster);
      const peer = cluster.peers[0]!.instance.id;
      const wrong = { peer: `${peer}`, tree } as unknown as {
        peer: typeof peer;
        tree: typeof tree;
      };
      await assert.rejects(sync.registerSyncPeer(wrong), { code: "InvalidArgument" });
      await sync.registerPeer(peer);
      await sync.removePeer(peer);
      await assert.rejects(sync.registerSyncPeer({ peer, tree }), { code: "PeerNotFound" });
      assert.deepEqual(await sync.getTreePeers(tree), []);
    }));
});
