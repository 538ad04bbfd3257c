import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../mod.ts";
import { MAX_RELAY_TREES_AN_HOUR } from "../../src/sync/access/limits.ts";
import { Relay } from "../../src/sync/relay.ts";
import { DatabaseTicket } from "../../src/sync/ticket.ts";
import { arrives, live, madeBy, type Node, type Nodes, put, withNodes } from "./live_bed.ts";

/** A relay that listens. */
async function relayOf(nodes: Nodes) {
  const relay = await nodes.server();
  relay.sync.fetchHandler({ relay: true });
  return { ...relay, address: { transportType: "http", address: relay.server.address } };
}

/** Brings a database to a relay, and keeps it there live. */
async function bring(node: Node, db: Database, relay: Awaited<ReturnType<typeof relayOf>>) {
  const isLive = live(node.sync, db.rootId);
  await (await node.sync.follow(db, { peers: [relay.address] })).synced();
  await isLive;
}

/** The database at another instance, which knows the relay alone. */
async function joinedBy(node: Node, db: Database, relay: Awaited<ReturnType<typeof relayOf>>) {
  const isLive = live(node.sync, db.rootId);
  const copy = await node.user.join(new DatabaseTicket(db.rootId, [relay.address]));
  await isLive;
  return copy;
}

/** The database in which an instance keeps what it knows about peers. */
const ownOf = ({ sync }: Node) => sync.native.serving.records.database.rootId;

describe("a relay", () => {
  it("takes a database that is brought, and passes commits on live to all who may read it", () =>
    withNodes(async (nodes) => {
      const relay = await relayOf(nodes);
      const [ada, bob, eve] = [await nodes.node(), await nodes.node(), await nodes.node()];
      const db = await madeBy(ada);
      await put(db, "early", "1");
      await bring(ada, db, relay);
      const copies = [await joinedBy(bob, db, relay), await joinedBy(eve, db, relay)];
      for (const copy of copies) await arrives(copy, "early", "1");
      await put(db, "k", "from ada");
      for (const copy of copies) await arrives(copy, "k", "from ada");
      await put(copies[0]!, "k", "from bob");
      await arrives(db, "k", "from bob");
      await arrives(copies[1]!, "k", "from bob");
      assert.deepEqual(await relay.sync.listPeers(), []);
      assert.deepEqual(relay.sync.metrics(), []);
    }));

  it("gives nothing to whoever may not read, and nothing of its own", () =>
    withNodes(async (nodes) => {
      const relay = await relayOf(nodes);
      const [ada, eve] = [await nodes.node(), await nodes.node()];
      const db = await ada.user.createDatabase({ name: "private" });
      await ada.user.share(db);
      await ada.sync.follow(db, { peers: [relay.address] });
      await ada.sync.flush();
      assert.ok(await relay.instance.hasDatabase(db.rootId));
      const peer = await eve.sync.connectToPeer(relay.address);
      for (const tree of [db.rootId, ownOf(relay)]) {
        await assert.rejects(eve.sync.syncTreeWithPeer(peer, tree));
        assert.equal(await eve.instance.hasDatabase(tree), false);
      }
    }));

  it("takes so many new databases an hour, each with its root", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const other = await nodes.node();
      let now = 0;
      const clock = { nowMillis: () => now };
      const { backend } = home.sync.native.serving.host.host;
      const relay = new Relay({ backend, clock }, ownOf(home));
      const own = await home.user.createDatabase({ name: "own" });
      assert.equal(await relay.takes(own.rootId, []), true);
      const db = await other.user.createDatabase({ name: "new" });
      const entries = await db.getAllEntries();
      assert.equal(await relay.takes(db.rootId, []), false);
      for (let n = 0; n < MAX_RELAY_TREES_AN_HOUR; n++) {
        assert.equal(await relay.takes(db.rootId, entries), true);
      }
      assert.equal(await relay.takes(db.rootId, entries), false);
      now += 3_600_000;
      assert.equal(await relay.takes(db.rootId, entries), true);
    }));
});
