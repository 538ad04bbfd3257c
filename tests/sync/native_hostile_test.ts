import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { open, put, withCluster } from "./cluster_bed.ts";
import { join, Recorder } from "./native_run.ts";

describe("channels of one session", () => {
  it("that have much to send at once send no more than was granted, all together", () =>
    withCluster(async (cluster) => {
      const trees = [];
      for (let n = 0; n < 8; n++) {
        const db = await open(cluster);
        for (let k = 0; k < 4; k++) await put(db, `k${k}`, "x".repeat(60_000));
        trees.push(db.rootId);
      }
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      const channels = trees.map((tree) => client.follow(tree));
      await Promise.all(channels.map((channel) => channel.settled()));
      assert.equal(recorder.entries, 8 * 6);
      await client.close();
    }));

  it("wait in line where little is granted, also behind entries that are larger than all of it", () =>
    withCluster(async (cluster) => {
      const trees = [];
      for (let n = 0; n < 5; n++) {
        const db = await open(cluster);
        await put(db, "k", "x".repeat(30_000));
        trees.push(db.rootId);
      }
      const recorder = new Recorder();
      const { client } = join(cluster, { ...recorder, clientRun: { limits: { credit: 2000 } } });
      const channels = trees.map((tree) => client.follow(tree));
      await Promise.all(channels.map((channel) => channel.settled()));
      assert.equal(recorder.entries, 5 * 3);
      await client.close();
    }));
});
