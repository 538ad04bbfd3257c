import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Instance, NewUser } from "../../mod.ts";
import { get, put, shared, withCluster } from "./cluster_bed.ts";

describe("a database that goes over two transports", () => {
  it("10#41 what was pulled over one is served over the other, and what comes back goes all the way", () =>
    withCluster(async (cluster) => {
      const { tree, at: [first, middle] } = await shared(cluster);
      await put(first!, "from", "the first");
      await cluster.exchange(1, 0, tree);
      const relay = cluster.peers[1]!;
      await relay.sync.serve();
      // The last one has HTTP alone, so the first one, in the simulated network, is out of its reach.
      const { instance, user } = await Instance.connectOrCreate(
        "memory://",
        NewUser.passwordless("cy"),
      );
      await instance.enableSync();
      const ticket = await relay.user.share(middle!);
      assert.deepEqual(ticket.addresses.map(({ transportType }) => transportType).sort(), [
        "http",
        "sim",
      ]);
      const last = await user!.join(ticket);
      assert.equal(await get(last, "from"), "the first");
      await put(last, "back", "the last");
      await instance.flushSync();
      await cluster.exchange(1, 0, tree);
      assert.equal(await get(first!, "back"), "the last");
      const ids = async (instance: Instance) =>
        (await instance.backend.snapshot(tree)).tips.map(String).sort();
      assert.deepEqual(await ids(instance), await ids(cluster.peers[0]!.instance));
      await instance.close();
    }));
});
