import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Database, Entry, type ID } from "../../mod.ts";
import { unpackBlock } from "../../src/sync/native/block.ts";
import { runSession } from "../../src/sync/native/native_session.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { cases } from "../helpers/thorough.ts";
import { put, shared, withCluster } from "./cluster_bed.ts";
import { keptStorages } from "./kept_storage.ts";
import { exchange, join, type JoinOptions, Recorder } from "./native_run.ts";

/** Follows a tree over a connection that may be cut; whatever comes of it. */
async function attempt(cluster: Cluster, tree: ID, options: JoinOptions): Promise<void> {
  const { client, server, pair } = join(cluster, options);
  const channel = client.follow(tree, { live: false });
  await channel.settled().catch(() => {});
  pair.cut();
  await Promise.all([client.closed, server.closed]);
}

async function commits(db: Database, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await put(db, `k${n}`, `${n}`);
}

/** Bytes of the entries that were sent to a peer who had them. */
function repeated(recorder: Recorder, held: ReadonlySet<string>): number {
  let bytes = 0;
  for (const { from, message } of recorder.sent) {
    if (from === 0 || message.type !== "entries") continue;
    for (const entry of unpackBlock(message)) {
      if (held.has(`${Entry.decode(entry).id}`)) bytes += entry.length;
    }
  }
  return bytes;
}

describe("a connection of the native protocol that is cut", () => {
  it("at any byte, in pieces of any length, loses nothing: the next one brings the rest", async () => {
    const position = fc.nat(12_000);
    await fc.assert(
      fc.asyncProperty(position, position, fc.integer({ min: 1, max: 900 }), async (a, b, size) => {
        await withCluster(async (cluster) => {
          const { tree, at } = await shared(cluster);
          await commits(at[0]!, 9);
          await commits(at[1]!, 7);
          await attempt(cluster, tree, { cutAfter: a, cutBackAfter: b, piece: () => size });
          await exchange(cluster, tree);
          assert.ok(await cluster.converged(tree));
          await cluster.assertAllVerified(tree);
          assert.equal((await cluster.entries(0, tree)).length, 18);
        });
      }),
      { numRuns: cases(12) },
    );
  });

  it("sends again no more than 1 MiB", async () => {
    for (const cutBackAfter of [700_000, 1_500_000, 2_300_001]) {
      await withCluster(async (cluster) => {
        const { tree, at } = await shared(cluster);
        for (let n = 0; n < 30; n++) await put(at[0]!, "k", `${n}`.repeat(50_000));
        await attempt(cluster, tree, { cutBackAfter });
        const held = new Set((await cluster.entries(1, tree)).map(({ id }) => `${id}`));
        const recorder = new Recorder();
        await exchange(cluster, tree, recorder);
        assert.ok(await cluster.converged(tree));
        const lost = cutBackAfter - held.size * 50_000;
        assert.ok(repeated(recorder, held) <= 1024 * 1024, `${repeated(recorder, held)}`);
        assert.ok(lost <= 1024 * 1024 + 250_000, `${lost} bytes came and were not kept`);
      });
    }
  });

  it("and ends of both that begin anew go on where they were", async () => {
    await withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 40);
      await attempt(cluster, tree, { cutBackAfter: 9000 });
      for (const peer of [0, 1]) await cluster.restart(peer);
      const recorder = new Recorder();
      await exchange(cluster, tree, recorder);
      assert.ok(await cluster.converged(tree));
      await exchange(cluster, tree, recorder);
      assert.equal((await cluster.entries(1, tree)).length, 42);
    }, { storage: keptStorages() });
  });

  it("between two addresses of a network ends the session; a new one goes on", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const [a, b] = cluster.peers;
      const follow = () => {
        const link = cluster.network.connect("sim-peer-1", a!.address.address);
        const binding = a!.address.address;
        return runSession(link, { host: b!.sync.native, role: "client", binding });
      };
      const first = follow();
      const channel = first.follow(tree);
      await channel.settled();
      cluster.network.partition("sim-peer-0", "sim-peer-1");
      assert.equal((await first.closed).code, "Network");
      await commits(at[0]!, 3);
      assert.throws(follow, { code: "ConnectionFailed" });
      cluster.network.healAll();
      const second = follow();
      await second.follow(tree).settled();
      assert.ok(await cluster.converged(tree));
      await a!.sync.close();
      assert.equal((await second.closed).code, "Closing");
    }));

  it("leaves no session open, whatever was under way", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await commits(at[0]!, 20);
      const { client, server, pair } = join(cluster);
      const channel = client.follow(tree);
      await client.established;
      pair.cut();
      assert.equal((await client.closed).code, "Network");
      assert.equal((await server.closed).code, "Network");
      await assert.rejects(channel.settled(), { code: "Network" });
      assert.throws(() => {
        throw channel.failure;
      }, { code: "Network" });
      await assert.rejects(client.follow(tree).opened);
    }));

  it("given up by its owner tells the other side", () =>
    withCluster(async (cluster) => {
      const { tree } = await shared(cluster);
      const abort = new AbortController();
      const { client, server } = join(cluster, { clientRun: { signal: abort.signal } });
      await client.follow(tree).settled();
      abort.abort();
      assert.equal((await client.closed).code, "Aborted");
      assert.equal((await server.closed).code, "Aborted");
      const late = join(cluster, { clientRun: { signal: abort.signal } });
      assert.equal((await late.client.closed).code, "Aborted");
      await late.server.closed;
    }));
});
