import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { type Database, DocStore, type ID, Instance, type WriteEvent } from "../../mod.ts";
import { serveSocket } from "../../src/service/edge/serve_socket.ts";
import { shared, withCluster } from "../sync/cluster_bed.ts";

const skip = process.platform === "win32" ? "Unix sockets" : false;

async function set(db: Database, name: string): Promise<ID> {
  const transaction = await db.newTransaction();
  await (await transaction.getStore(DocStore, "s")).set(name, 1);
  return await transaction.commit();
}

/** The next write of which a database tells. */
async function nextWrite(db: Database): Promise<{ next: Promise<WriteEvent> }> {
  let heard: (event: WriteEvent) => void;
  const next = new Promise<WriteEvent>((resolve) => heard = resolve);
  await db.onWrite((event) => heard(event));
  return { next };
}

/** The daemon is the first of two peers that send each other every commit; a client works on it. */
async function withClient(
  test: (client: Database, other: Database) => Promise<void>,
): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "svc-"));
  await withCluster(async (cluster) => {
    const { tree, at } = await shared(cluster);
    await cluster.autoSync(0, 1, tree);
    await cluster.flushAll();
    const daemon = cluster.peers[0]!;
    const service = await serveSocket(daemon.instance, { path: path.join(folder, "d.sock") });
    const client = await Instance.connect(`unix://${service.path}`);
    try {
      const user = await client.loginUser(daemon.user.username);
      await test(await user.openDatabase(tree), at[1]!);
    } finally {
      await client.close();
      await service.close();
    }
  });
  fs.rmSync(folder, { recursive: true, force: true });
}

describe("a daemon that synchronises", { skip }, () => {
  it("sends what its clients commit to the other nodes, on commit", async () => {
    await withClient(async (client, other) => {
      const { next } = await nextWrite(other);
      const id = await set(client, "by the client");
      assert.deepEqual((await next).entries.map((entry) => `${entry.id}`), [`${id}`]);
    });
  });

  it("tells its clients what comes from other nodes", async () => {
    await withClient(async (client, other) => {
      const { next } = await nextWrite(client);
      const id = await set(other, "by the other");
      const event = await next;
      assert.deepEqual(event.entries.map((entry) => `${entry.id}`), [`${id}`]);
      assert.equal(event.source, "remote");
      assert.equal(await (await client.getStoreViewer(DocStore, "s")).get("by the other"), 1);
    });
  });
});
