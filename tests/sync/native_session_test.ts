import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { open, put, withCluster } from "./cluster_bed.ts";
import { exchange } from "./native_run.ts";

describe("a session of the native protocol", () => {
  it("brings a new peer everything", () =>
    withCluster(async (cluster) => {
      const db = await open(cluster);
      for (let n = 0; n < 5; n++) await put(db, `k${n}`, "v");
      const { channel } = await exchange(cluster, db.rootId);
      assert.ok(await cluster.converged(db.rootId));
      assert.equal(channel.counts.received, channel.counts.verified);
      assert.ok(channel.counts.received >= 6);
    }));
});
