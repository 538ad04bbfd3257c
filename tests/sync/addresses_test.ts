import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { freePort } from "../transport/bed.ts";
import { get, joined, madeBy, type Nodes, put, withNodes } from "./live_bed.ts";

/** Two instances with a database, one of which knows the other by these addresses and then the one that is right. */
async function knowing(nodes: Nodes, before: (nodes: Nodes) => Promise<string[]>) {
  const home = await nodes.server({ native: false });
  const away = await nodes.node({ native: false });
  const db = await madeBy(home);
  const copy = await joined(home, away, db);
  const peer = home.instance.id;
  const [right] = await away.sync.getPeerAddresses(peer);
  await away.sync.removePeerAddress(peer, right!);
  for (const address of await before(nodes)) {
    await away.sync.addPeerAddress(peer, { transportType: "http", address });
  }
  await away.sync.addPeerAddress(peer, right!);
  return { away, db, copy, peer, right: right! };
}

describe("a peer with several addresses", () => {
  it("is asked at the next one where nobody answers, or somebody else", () =>
    withNodes(async (nodes) => {
      const { away, db, copy, peer } = await knowing(nodes, async () => {
        return [`127.0.0.1:${await freePort()}`, (await nodes.server()).server.address];
      });
      await put(db, "k", "1");
      assert.equal((await away.sync.syncNow(copy)).complete, true);
      assert.equal(await get(copy, "k"), "1");
      await put(db, "k", "2");
      await away.sync.syncTreeWithPeer(peer, db.rootId);
      assert.equal(await get(copy, "k"), "2");
    }));

  it("is told to be out of reach where it answers at none", () =>
    withNodes(async (nodes) => {
      const { away, copy, peer, right } = await knowing(nodes, async () => [
        `127.0.0.1:${await freePort()}`,
        (await nodes.server()).server.address,
      ]);
      await away.sync.removePeerAddress(peer, right);
      await assert.rejects(away.sync.syncNow(copy), { code: "HandshakeFailed" });
    }));
});
