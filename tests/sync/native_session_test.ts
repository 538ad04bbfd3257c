import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database, ID } from "../../mod.ts";
import { ArrivalLog } from "../../src/backend/log/arrival_log.ts";
import { allOf, prefixRange } from "../../src/backend/records/keys.ts";
import { PeerCursors } from "../../src/sync/native/host/cursors.ts";
import { NativeHost } from "../../src/sync/native/host/native_host.ts";
import { COMPARISONS } from "../../src/sync/native/limits.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { NEVER, open, put, shared, until, withCluster } from "./cluster_bed.ts";
import { exchange, join, Recorder } from "./native_run.ts";

/** Commits so many entries, one after the other. */
async function commits(db: Database, count: number, size = 8): Promise<void> {
  for (let n = 0; n < count; n++) await put(db, `k${n}`, "v".repeat(size));
}

/** Makes peers forget up to where they have each other's logs. */
async function dropCursors(cluster: Cluster): Promise<void> {
  for (const { instance, sync } of cluster.peers) {
    await sync.native.cursors.flush();
    const { driver } = instance.host.backend;
    const range = prefixRange(allOf("peerCursor"));
    for await (const page of driver.list(range)) {
      await driver.commit({ delete: page.map(({ key }) => key) });
    }
  }
}

describe("a session of the native protocol", () => {
  it("brings a new peer everything, in one round", () =>
    withCluster(async (cluster) => {
      const db = await open(cluster);
      await commits(db, 5);
      const recorder = new Recorder();
      const { channel } = await exchange(cluster, db.rootId, recorder);
      assert.ok(await cluster.converged(db.rootId));
      await cluster.assertAllVerified(db.rootId);
      assert.equal(channel.counts.received, channel.counts.verified);
      assert.deepEqual(recorder.types(), [
        "client open",
        "server state",
        "server entries",
        "server mark",
        "client stored",
        "client credit",
        "client mark",
        "server stored",
      ]);
    }));

  it("in sync costs one round and at most 100 bytes a tree", () =>
    withCluster(async (cluster) => {
      const { tree } = await shared(cluster);
      await exchange(cluster, tree);
      for (const live of [true, false]) {
        const recorder = new Recorder();
        await exchange(cluster, tree, { ...recorder, follow: { live } });
        assert.deepEqual(recorder.types(), ["client open", "server state"]);
        assert.ok(recorder.bytes("open", "state") <= 100, `${recorder.bytes("open", "state")}`);
      }
    }));

  it("many trees in sync are one round", () =>
    withCluster(async (cluster) => {
      const trees = [];
      for (let n = 0; n < 12; n++) {
        const { rootId } = await open(cluster);
        trees.push(rootId);
        await exchange(cluster, rootId);
      }
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      const channels = trees.map((tree) => client.follow(tree));
      await Promise.all(channels.map((channel) => channel.settled()));
      await client.close();
      assert.equal(recorder.of("open").length, 12);
      assert.equal(recorder.of().length, 24);
    }));

  it("whoever is behind, or ahead, is brought up in one round with nothing twice", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 7);
      const behind = new Recorder();
      await exchange(cluster, tree, behind);
      assert.equal(behind.entries, 7);
      await commits(at[1]!, 9);
      const ahead = new Recorder();
      await exchange(cluster, tree, ahead);
      assert.equal(ahead.entries, 9);
      assert.ok(await cluster.converged(tree));
      for (const recorder of [behind, ahead]) assert.equal(recorder.of("ranges").length, 0);
    }));

  it("a fork is found by ranges in at most five messages, and nothing is sent twice", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 40);
      await cluster.exchange(0, 1, tree);
      await commits(at[0]!, 60);
      await commits(at[1]!, 50);
      const recorder = new Recorder();
      const { channel } = await exchange(cluster, tree, recorder);
      assert.ok(await cluster.converged(tree));
      assert.equal(recorder.entries, 110);
      assert.ok(recorder.of("ranges").length <= 5, recorder.types().join());
      assert.ok(recorder.bytes("ranges") <= 16 * 110, `${recorder.bytes("ranges")}`);
      assert.ok(channel.counts.rounds <= 1);
      await cluster.assertAllVerified(tree);
    }));

  it("a peer that is too far behind to be told by its tips is found by ranges", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 50);
      const server = cluster.peers[0]!.sync.native;
      const few = new NativeHost(server.serving, { timers: NEVER, mostMet: 10 });
      for (const run of ["serverRun", "clientRun"] as const) {
        const recorder = new Recorder();
        const client = run === "serverRun" ? 1 : 0;
        const host = { ...recorder, client, server: 1 - client, [run]: { host: few } };
        await exchange(cluster, tree, host);
        assert.ok(await cluster.converged(tree));
        assert.ok(recorder.of("ranges").length > 0);
        assert.equal(recorder.entries, 50);
        await commits(at[0]!, 50);
        await dropCursors(cluster);
      }
      await few.close();
    }));

  it("more forks than are compared at a time wait for each other", () =>
    withCluster(async (cluster) => {
      const trees = [];
      for (let n = 0; n < COMPARISONS + 2; n++) {
        const { tree, at } = await shared(cluster);
        await commits(at[0]!, 3);
        await commits(at[1]!, 2);
        trees.push(tree);
      }
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      await Promise.all(trees.map((tree) => client.follow(tree).settled()));
      for (const tree of trees) assert.ok(await cluster.converged(tree));
      assert.equal(recorder.of("deny").length, 0);
      assert.equal(recorder.entries, 5 * trees.length);
      await client.close();
    }));

  it("forks that both sides begin to compare at once are compared, and none is refused", () =>
    withCluster(async (cluster) => {
      const trees: ID[] = [];
      for (let n = 0; n < 2 * COMPARISONS; n++) {
        const { tree, at } = await shared(cluster);
        await commits(at[0]!, 3);
        await commits(at[1]!, 2);
        trees.push(tree);
      }
      const recorder = new Recorder();
      const { client, server } = join(cluster, recorder);
      const settled = trees.map((tree, at) => {
        return (at < COMPARISONS ? client : server).follow(tree).settled();
      });
      await Promise.all(settled);
      for (const tree of trees) assert.ok(await cluster.converged(tree));
      assert.equal(recorder.of("deny").length, 0);
      await client.close();
    }));

  it("a fork since the last time is told by cursors, without ranges", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 20);
      await exchange(cluster, tree);
      await commits(at[0]!, 30);
      await commits(at[1]!, 25);
      const recorder = new Recorder();
      await exchange(cluster, tree, recorder);
      assert.ok(await cluster.converged(tree));
      assert.equal(recorder.entries, 55);
      assert.equal(recorder.of("ranges").length, 0);
    }));

  it("what is committed while it is live comes at once, and is not sent back", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      const channel = client.follow(tree);
      await channel.settled();
      await commits(at[0]!, 3);
      await until(() => cluster.converged(tree));
      await commits(at[1]!, 4);
      await channel.settled();
      assert.ok(await cluster.converged(tree));
      assert.equal(recorder.entries, 7);
      assert.equal(recorder.of("tips").length, 0);
      await client.close();
    }));

  it("a relay passes on at once what it has got, to all others and not back", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const recorders = [new Recorder(), new Recorder()];
      const sessions = [1, 2].map((client, nth) => join(cluster, { client, ...recorders[nth]! }));
      const channels = sessions.map(({ client }) => client.follow(tree));
      for (const channel of channels) await channel.settled();
      await commits(at[1]!, 5);
      await until(() => cluster.converged(tree));
      assert.deepEqual(recorders.map(({ entries }) => entries), [5, 5]);
      for (const { client } of sessions) await client.close();
    }, { peers: 3 }));

  it("deflates blocks when both sides do", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 30, 200);
      const recorder = new Recorder();
      const run = { deflates: true };
      await exchange(cluster, tree, { ...recorder, clientRun: run, serverRun: run });
      assert.ok(await cluster.converged(tree));
      const blocks = recorder.of("entries").map(({ message }) => message);
      assert.ok(blocks.every((it) => it.type === "entries" && it.deflated));
      assert.ok(recorder.bytes("entries") < 30 * 400);
      await commits(at[0]!, 3, 2000);
      const plain = new Recorder();
      await exchange(cluster, tree, { ...plain, clientRun: run });
      assert.ok(
        plain.of("entries").every(({ message }) => message.type === "entries" && !message.deflated),
      );
      assert.ok(await cluster.converged(tree));
    }));

  it("entries that are larger than a frame are taken alone", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 2, 1_200_000);
      await commits(at[0]!, 2);
      await exchange(cluster, tree);
      assert.ok(await cluster.converged(tree));
    }));

  it("whoever wants no pushes is told the tips of what was committed", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const told: string[] = [];
      const recorder = new Recorder();
      const { client } = join(cluster, {
        ...recorder,
        clientRun: { pushes: false, onNotice: (notice) => void told.push(notice.do) },
      });
      const channel = client.follow(tree);
      await channel.settled();
      await commits(at[0]!, 2);
      await until(() => told.includes("lagging"));
      assert.equal(recorder.entries, 0);
      channel.close();
      const again = client.follow(tree);
      await again.settled();
      assert.ok(await cluster.converged(tree));
      await client.close();
    }));

  it("whoever wants no pushes gets all the same what was there before, in many blocks", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 9, 500);
      const { client } = join(cluster, { clientRun: { pushes: false, limits: { credit: 1500 } } });
      await client.follow(tree).settled();
      assert.ok(await cluster.converged(tree));
      await client.close();
    }));

  for (const most of [undefined, 1]) {
    it(`both sides opening the same tree at once leave one channel${most ? ", where no more is allowed" : ""}`, () =>
      withCluster(async (cluster) => {
        const { tree, at } = await shared(cluster);
        const limits = most === undefined ? {} : { channels: most, knownChannels: most };
        const { client, server } = join(cluster, { clientRun: { limits }, serverRun: { limits } });
        await Promise.all([client.established, server.established]);
        const channels = [client.follow(tree), server.follow(tree)];
        await channels[0]!.settled();
        await commits(at[0]!, 2);
        await commits(at[1]!, 2);
        await until(() => cluster.converged(tree));
        assert.deepEqual(channels.map(({ failure }) => (failure as { code?: string })?.code), [
          undefined,
          "Crossed",
        ]);
        await client.close();
      }));
  }

  it("a place in a log that is not this one any more is found out, and nothing is lost", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await exchange(cluster, tree);
      const [a, b] = cluster.peers;
      const wrong = { logId: new Uint8Array(8), position: 2, sum: 5n };
      b!.sync.native.cursors.move(tree, a!.instance.id, wrong);
      a!.sync.native.cursors.move(tree, b!.instance.id, wrong);
      await commits(at[0]!, 30);
      await commits(at[1]!, 30);
      await exchange(cluster, tree);
      assert.ok(await cluster.converged(tree));
    }));

  it("up to where the log of a peer is here survives a restart", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 3);
      await exchange(cluster, tree);
      const [a, b] = cluster.peers;
      const { driver } = b!.instance.host.backend;
      const known = await new PeerCursors(driver, NEVER).get(tree, a!.instance.id);
      assert.deepEqual(known, await ArrivalLog.of(a!.instance.host.backend).cursor(tree));
      await put(at[0]!, "more", "v");
    }));
});
