/** What a peer does not take, who is told of it, and that only so much is under way. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SyncSettings } from "../../mod.ts";
import { MAX_STRAY_ENTRIES } from "../../src/sync/access/limits.ts";
import { Slots } from "../../src/sync/worker/slots.ts";
import { get, put, shared, withCluster } from "./cluster_bed.ts";

describe("entries that a peer does not take", () => {
  it("are told by `flush`, and sent when it takes them again", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const [a, b] = cluster.peers;
      await a!.sync.addPeerAddress(b!.instance.id, b!.address);
      await a!.sync.addTreeSync(b!.instance.id, tree);
      await b!.sync.removeTreeSync(a!.instance.id, tree);
      await cluster.serve(1, tree, SyncSettings.disabled());
      for (let n = 0; n <= MAX_STRAY_ENTRIES; n++) await put(at[0]!, `k${n}`, "v");
      a!.sync.queueEntryForSync(b!.instance.id, tree, tree);
      await assert.rejects(a!.sync.flush(), /lacks .*Tree not found/);
      assert.equal(await get(at[1]!, "k0"), undefined);
      await put(at[0]!, "one", "more");
      await assert.rejects(a!.sync.flush(), /lacks .*Tree not found/);
      await cluster.serve(1, tree);
      await a!.sync.flush();
      assert.equal(await get(at[1]!, "one"), "more");
      assert.ok(await cluster.converged(tree));
    }));
});

describe("a round in one direction", () => {
  it("sends what the other side lacks and takes nothing, or the other way round", () =>
    withCluster(async (cluster) => {
      const { at } = await shared(cluster);
      const { sync } = cluster.peers[0]!;
      const peer = cluster.peers[1]!.instance.id;
      await sync.addPeerAddress(peer, cluster.peers[1]!.address);
      await put(at[0]!, "own", "v");
      await put(at[1]!, "their", "v");
      const sent = await sync.syncNow(at[0]!, { peer, pull: false });
      assert.deepEqual([sent.sent > 0, sent.received, sent.complete], [true, 0, true]);
      assert.equal(await get(at[1]!, "own"), "v");
      assert.equal(await get(at[0]!, "their"), undefined);
      await put(at[0]!, "more", "v");
      const taken = await sync.syncNow(at[0]!, { peer, push: false });
      assert.deepEqual([taken.sent, taken.verified], [0, 1]);
      assert.equal(await get(at[0]!, "their"), "v");
      assert.equal(await get(at[1]!, "more"), undefined);
    }));
});

describe("slots", () => {
  it("are never more than there are, also when one is free at the moment that another asks", async () => {
    const slots = new Slots(2);
    let [busy, most] = [0, 0];
    const work = async (): Promise<void> => {
      most = Math.max(most, ++busy);
      for (let n = 0; n < 5; n++) await Promise.resolve();
      busy--;
    };
    const begun: Promise<void>[] = [];
    for (let n = 0; n < 50; n++) {
      begun.push(slots.use(work));
      if (n % 3 === 0) await Promise.resolve();
    }
    await Promise.all(begun);
    assert.equal(most, 2);
    await assert.rejects(slots.use(() => Promise.reject(new Error("failed"))), /failed/);
    await Promise.all([slots.use(work), slots.use(work)]);
  });

  it("go to those who wait longest", async () => {
    const slots = new Slots(1);
    const order: number[] = [];
    await Promise.all(
      [0, 1, 2, 3].map((n) => slots.use(() => Promise.resolve(void order.push(n)))),
    );
    assert.deepEqual(order, [0, 1, 2, 3]);
  });
});
