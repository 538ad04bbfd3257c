import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { MessagePortTransport } from "../../src/sync/mod.ts";
import { until } from "./cluster_bed.ts";
import { arrives, get, joinedLive, madeBy, Nodes, put, withNodes } from "./live_bed.ts";

/** Two transports that lead to each other, and a call that ends their ports. */
function transports(): [MessagePortTransport, MessagePortTransport, () => void] {
  const { port1, port2 } = new MessageChannel();
  const [one, other] = [new MessagePortTransport(port1), new MessagePortTransport(port2)];
  return [one, other, () => (port1.close(), port2.close())];
}

describe("instances over message ports", () => {
  it("two in one process are live, in both directions, over one session", () =>
    withNodes(async (nodes) => {
      const [one, other, close] = transports();
      try {
        const home = await nodes.node({ transports: { port: one } });
        const away = await nodes.node({ transports: { port: other } });
        await home.sync.acceptConnections();
        const db = await madeBy(home);
        await put(db, "early", "1");
        const copy = await joinedLive(home, away, db);
        assert.equal(await get(copy, "early"), "1");
        await put(db, "there", "2");
        await arrives(copy, "there", "2");
        await put(copy, "back", "3");
        await arrives(db, "back", "3");
        assert.equal(home.sync.native.admissions.open, 1);
        await home.sync.stopServer();
        await until(() => home.sync.native.admissions.open === 0);
      } finally {
        close();
      }
    }));

  it("where one forces v0 everything arrives as well", () =>
    withNodes(async (nodes) => {
      const [one, other, close] = transports();
      try {
        const home = await nodes.node({ transports: { port: one }, native: false });
        const away = await nodes.node({ transports: { port: other } });
        await home.sync.acceptConnections();
        const db = await madeBy(home);
        const copy = await away.user.join(await home.user.share(db));
        await put(copy, "k", "away");
        await away.sync.flush();
        assert.equal(await get(db, "k"), "away");
      } finally {
        close();
      }
    }));

  it("a worker with an instance of its own is live with the one that has begun it", async () => {
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL("./port_worker.ts", import.meta.url), {
      workerData: { port: port2 },
      transferList: [port2 as never],
    });
    const nodes = new Nodes();
    try {
      const ticket = await new Promise<string>((resolve, reject) => {
        worker.once("message", resolve).once("error", reject);
      });
      const away = await nodes.node({ transports: { port: new MessagePortTransport(port1) } });
      const copy = await away.user.join(ticket);
      assert.equal(await get(copy, "early"), "1");
      await put(copy, "asked", "2");
      await arrives(copy, "answered", "3");
    } finally {
      await nodes.close();
      port1.close();
      await worker.terminate();
    }
  });
});
