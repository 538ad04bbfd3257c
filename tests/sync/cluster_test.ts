import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, Permission, SyncSettings } from "../../mod.ts";
import { MAX_WORKERS } from "../../src/sync/worker/workers.ts";
import { get, put, shared, withCluster } from "./cluster_bed.ts";

describe("a cluster", () => {
  it("10#1 enabling twice is one; a restart finds the same `_sync`", () =>
    withCluster(async ({ peers: [peer] }) => {
      assert.equal(await peer!.instance.enableSync(), peer!.sync);
      const noted = (await peer!.instance.backend.getInstanceMetadata())!.sync_db;
      assert.equal(noted, `${peer!.sync.syncTreeRootId}`);
    }));

  it("10#11 a commit of what nobody follows waits for nobody", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await put(at[0]!, "k", "v");
      assert.deepEqual(cluster.peers[0]!.sync.waiting(), []);
      await cluster.serve(0, tree, SyncSettings.enabled());
      await put(at[0]!, "k", "w");
      assert.deepEqual(cluster.peers[0]!.sync.waiting(), []);
      assert.equal(await cluster.converged(tree), false);
    }));

  it("10#12,#14 commits of both sides are delivered; entries are the same", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await cluster.autoSync(0, 1, tree);
      await put(at[0]!, "a", "1");
      await put(at[1]!, "b", "2");
      await cluster.flushAll();
      assert.ok(await cluster.converged(tree));
      assert.deepEqual([await get(at[1]!, "a"), await get(at[0]!, "b")], ["1", "2"]);
      await cluster.assertNoLostEntries(tree);
      await cluster.assertAllVerified(tree);
    }));

  it("10#13 each entry goes only to the peers of its tree", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const other = await cluster.peers[0]!.user.createDatabase({ name: "other" });
      await cluster.autoSync(0, 1, tree);
      await cluster.serve(0, other.rootId, SyncSettings.onCommit());
      const third = cluster.peers[2]!.instance.id;
      await cluster.peers[0]!.sync.removeTreeSync(third, tree);
      await cluster.peers[0]!.sync.addTreeSync(third, other.rootId);
      await put(at[0]!, "k", "v");
      await put(other, "k", "v");
      await cluster.flush(0);
      assert.equal(await get(at[1]!, "k"), "v");
      assert.equal(await cluster.peers[1]!.instance.hasDatabase(other.rootId), false);
      assert.ok(await cluster.peers[2]!.instance.hasDatabase(other.rootId));
      assert.equal(await get(at[2]!, "k"), undefined);
    }, { peers: 3 }));

  it("10#18,#47 what cannot be delivered is named by flush, is kept, and arrives when the link is mended", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await cluster.autoSync(0, 1, tree);
      await cluster.flushAll();
      cluster.network.partition("sim-peer-0", "sim-peer-1");
      for (let n = 0; n < 12; n++) await put(at[0]!, `k${n}`, "v");
      for (let attempt = 0; attempt < 12; attempt++) {
        await assert.rejects(cluster.flush(0), (error: { code: string; lacking: unknown[] }) => {
          assert.equal(error.code, "Network");
          const peer = `${cluster.peers[1]!.instance.id}`;
          assert.deepEqual(error.lacking, [{ peer, tree: `${tree}`, code: "ConnectionFailed" }]);
          return true;
        });
      }
      assert.equal(cluster.peers[0]!.sync.waiting().length, 1);
      cluster.network.healAll();
      await cluster.flush(0);
      assert.equal(await get(at[1]!, "k11"), "v");
      assert.deepEqual(cluster.peers[0]!.sync.waiting(), []);
    }));

  it("10#19 flush without synchronisation succeeds; after its end it is an error", () =>
    withCluster(async ({ peers: [peer] }) => {
      await peer!.sync.close();
      await assert.rejects(peer!.sync.flush(), { code: "InstanceDropped" });
    }));

  it("10#20 without a transport, or one that leads there, nobody is reached", () =>
    withCluster(async (cluster) => {
      const { sync } = cluster.peers[0]!;
      await assert.rejects(sync.connectToPeer({ transportType: "pigeon", address: "x" }), {
        code: "NoTransportForAddress",
      });
    }));

  it("10#21,#22,#23 transports start and stop by name; one replaces another of its name", () =>
    withCluster(async (cluster) => {
      const { sync } = cluster.peers[0]!;
      const extra = cluster.network.transport();
      await sync.addTransport("extra", extra);
      await sync.acceptConnectionsOn("extra");
      assert.equal(sync.getAllServerAddresses().length, 2);
      await assert.rejects(sync.acceptConnectionsOn("extra"), { code: "ServerAlreadyRunning" });
      await sync.acceptConnections().catch(() => assert.rejects(Promise.reject(new Error("all"))));
      const next = cluster.network.transport();
      await sync.addTransport("extra", next);
      assert.equal(extra.isRunning, false);
      assert.throws(() => sync.getServerAddressFor("extra"), { code: "ServerNotRunning" });
      await assert.rejects(sync.acceptConnectionsOn("none"), { code: "TransportNotFound" });
      await sync.stopServer();
      assert.throws(() => sync.getServerAddress(), { code: "ServerNotRunning" });
    }).catch((error) => {
      if ((error as { code?: string }).code !== "MultipleTransportErrors") throw error;
    }));

  it("10#26 a tree that everybody may read is fetched whole, then only what is new", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await put(at[0]!, "k", "v");
      const [a, b] = cluster.peers;
      const first = await b!.sync.syncTreeWithPeer(a!.instance.id, tree);
      assert.equal(first.received, 1);
      assert.equal((await b!.sync.syncTreeWithPeer(a!.instance.id, tree)).received, 0);
      assert.ok(await b!.sync.isTreeSyncedWithPeer(tree, a!.instance.id));
      assert.ok(await a!.sync.isTreeSyncedWithPeer(tree, b!.instance.id));
    }));

  it("10#34 what arrives is told once a batch as remote, and goes on to others", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await cluster.autoSync(0, 1, tree);
      await cluster.autoSync(1, 2, tree);
      await cluster.flushAll();
      const seen: string[] = [];
      (await at[1]!.onWrite((event) => void seen.push(event.source))).detach();
      await put(at[0]!, "k", "v");
      await cluster.flush(0);
      assert.deepEqual(seen, ["remote"]);
      await cluster.flush(1);
      assert.equal(await get(at[2]!, "k"), "v");
    }, { peers: 3 }));

  it("10#35,#36 tickets have a hint for each server; one that answers is enough", () =>
    withCluster(async (cluster) => {
      const { tree } = await shared(cluster);
      const [a, b] = cluster.peers;
      const ticket = a!.sync.createTicket(tree);
      assert.deepEqual(ticket.addresses, [{ transportType: "sim", address: "sim-peer-0" }]);
      const wrong = { transportType: "sim", address: "nowhere" };
      const Ticket = ticket.constructor as typeof import("../../src/sync/ticket.ts").DatabaseTicket;
      await b!.sync.syncWithTicket(new Ticket(tree, [wrong, ...ticket.addresses]));
      await assert.rejects(b!.sync.syncWithTicket(new Ticket(tree, [wrong, wrong])), {
        code: "ConnectionFailed",
      });
      await assert.rejects(b!.sync.syncWithTicket(new Ticket(tree)), {
        code: "InvalidAddress",
        message: /no address hints/,
      });
      await a!.sync.stopServer();
      assert.deepEqual(a!.sync.createTicket(tree).addresses, []);
    }));

  it("10#38 an empty name of a key is refused before anything is sent", () =>
    withCluster(async (cluster) => {
      const [a, b] = cluster.peers;
      const { tree } = await shared(cluster);
      const key = b!.user.signingKey(b!.user.defaultKey());
      cluster.network.partition("sim-peer-0", "sim-peer-1");
      const { failed } = cluster.network;
      await assert.rejects(
        b!.sync.syncWithPeerForBootstrapWithKey(a!.address, tree, key, "", Permission.read),
        { code: "InvalidKeyName" },
      );
      assert.equal(cluster.network.failed, failed);
    }));

  it("10#43,#44 three peers write apart, and come to the same", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      for (const [peer, db] of at.entries()) {
        await put(db, `own${peer}`, "v");
        await put(db, "same", `of ${peer}`);
      }
      assert.ok(await cluster.converge(tree));
      await cluster.assertNoLostEntries(tree);
      await cluster.assertAllSigned(tree);
      await cluster.assertAllVerified(tree);
      const values = await Promise.all(at.map((db) => get(db, "same")));
      assert.ok(new Set(values).size === 1 && /^of [012]$/.test(String(values[0])));
      for (const db of at) {
        for (const peer of at.keys()) assert.equal(await get(db, `own${peer}`), "v");
      }
    }, { peers: 3 }));

  it("10#45,#46 pushes in reverse, twice, or lost: one exchange mends what is lost", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await cluster.autoSync(0, 1, tree);
      await cluster.flushAll();
      cluster.network.setManualDelivery(true);
      for (let n = 0; n < 4; n++) {
        await put(at[0]!, `k${n}`, "v");
        await cluster.flush(0);
      }
      const handles = cluster.network.pending();
      assert.equal(handles.length, 4);
      cluster.network.duplicate(handles[1]!);
      for (const handle of cluster.network.pending().reverse()) {
        await cluster.network.deliver(handle);
      }
      assert.ok(await cluster.converged(tree));
      await put(at[0]!, "lost", "v");
      await cluster.flush(0);
      cluster.network.dropAll();
      cluster.network.setManualDelivery(false);
      assert.equal(await cluster.converged(tree), false);
      await cluster.exchange(1, 0, tree);
      assert.ok(await cluster.converged(tree));
    }));

  it("10#49 a store that two peers create apart can be read with what both have written", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      for (const [peer, db] of at.entries()) {
        await db.withTransaction(async (tx) => {
          await (await tx.getStore(DocStore, "new")).set(`of ${peer}`, "v");
        });
      }
      assert.ok(await cluster.converge(tree));
      for (const db of at) {
        const doc = await (await db.getStoreViewer(DocStore, "new")).getAll();
        assert.deepEqual(doc.toObject(), { "of 0": "v", "of 1": "v" });
      }
    }));

  it("10#51 a peer that hangs delays nobody, however many of them there are", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await cluster.autoSync(0, 1, tree);
      const { sync } = cluster.peers[0]!;
      const silent = {
        type: "hang",
        canHandle: ({ transportType }: { transportType: string }) => transportType === "hang",
        exchange: (_to: unknown, _bytes: unknown, options?: { signal?: AbortSignal | undefined }) =>
          new Promise<never>((_, reject) =>
            options?.signal?.addEventListener("abort", () => reject(options.signal!.reason))
          ),
        start: () => Promise.resolve(),
        stop: () => Promise.resolve(),
        isRunning: false,
        serverAddress: () => "",
      };
      await sync.addTransport("hang", silent);
      const { PrivateKey } = await import("../../mod.ts");
      for (let n = 0; n < MAX_WORKERS - 1; n++) {
        const peer = PrivateKey.generate().publicKey;
        await sync.registerPeer(peer);
        await sync.addPeerAddress(peer, { transportType: "hang", address: `${n}` });
        await sync.addTreeSync(peer, tree);
      }
      const arrived = Promise.withResolvers<void>();
      (await at[1]!.onWrite(() => arrived.resolve())).detach();
      await put(at[0]!, "k", "v");
      await arrived.promise;
      assert.equal(await get(at[1]!, "k"), "v");
    }));

  it("a refused request is told and not tried blindly", () =>
    withCluster(async (cluster) => {
      const [a, b] = cluster.peers;
      const secret = await a!.user.createDatabase({ name: "secret" });
      await cluster.serve(0, secret.rootId, SyncSettings.enabled());
      await b!.sync.connectToPeer(a!.address);
      await assert.rejects(b!.sync.syncTreeWithPeer(a!.instance.id, secret.rootId), {
        code: "PermissionDenied",
      });
      assert.equal(await b!.instance.hasDatabase(secret.rootId), false);
    }));
});
