import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../mod.ts";
import { put, shared, withCluster } from "./cluster_bed.ts";
import { keptStorages } from "./kept_storage.ts";
import { exchange } from "./native_run.ts";

async function commits(db: Database, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await put(db, "k", `${n}`);
}

/** How many records each of two peers reads while so many new commits are exchanged, after a restart. */
async function recordsRead(history: number, fresh: number): Promise<number[]> {
  const read = [0, 0];
  let isCounting = false;
  const storage = keptStorages((peer, records) => {
    if (isCounting) read[peer]! += records;
  });
  await withCluster(async (cluster) => {
    const { tree, at } = await shared(cluster);
    await commits(at[0]!, history);
    await exchange(cluster, tree);
    await commits(at[0]!, fresh);
    for (const peer of [0, 1]) await cluster.restart(peer);
    isCounting = true;
    await exchange(cluster, tree);
    isCounting = false;
    assert.ok(await cluster.converged(tree));
  }, { storage });
  return read;
}

describe("what a session of the native protocol costs", () => {
  it("to serve a cursor is to read the difference, however long the history is", async () => {
    const short = await recordsRead(30, 5);
    const long = await recordsRead(600, 5);
    assert.ok(short.every((count) => count > 0), `${short}`);
    for (const peer of [0, 1]) assert.ok(long[peer]! <= short[peer]! + 8, `${long}, not ${short}`);
  });
});
