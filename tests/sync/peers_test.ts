import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, PrivateKey, type PublicKey } from "../../mod.ts";
import { MAX_PEER_ADDRESSES, MAX_PEERS } from "../../src/sync/access/limits.ts";
import { PeerStore } from "../../src/sync/peers/peer_store.ts";
import { successRate } from "../../src/sync/peers/sync_state.ts";
import { httpConfig, irohConfig } from "../../src/sync/peers/transports.ts";
import { SyncDatabase } from "../../src/sync/sync_database.ts";
import { SyncRecords } from "../../src/sync/sync_records.ts";
import { anyId, withRecords } from "./bed.ts";

const key = (): PublicKey => PrivateKey.generate().publicKey;
const http = (address: string) => ({ transportType: "http", address });
const texts = (items: readonly unknown[]): string[] => items.map(String).sort();

describe("peers", () => {
  it("10#3 are registered once, with and without a name; what is unknown is not found", () =>
    withRecords(async ({ records }) => {
      const [named, nameless] = [key(), key()];
      await records.registerPeer(named, "laptop");
      await records.registerPeer(nameless);
      assert.equal((await records.getPeerInfo(named))?.displayName, "laptop");
      assert.equal((await records.getPeerInfo(nameless))?.displayName, undefined);
      assert.equal((await records.listPeers()).length, 2);
      await assert.rejects(records.registerPeer(named), { code: "PeerAlreadyExists" });
      await assert.rejects(records.updatePeerStatus(key(), "Inactive"), { code: "PeerNotFound" });
      await assert.rejects(records.updatePeerConnectionState(key(), "Connected"), {
        code: "PeerNotFound",
      });
      await records.updatePeerConnectionState(named, { failed: "no: route" });
      assert.deepEqual((await records.getPeerInfo(named))?.connectionState, {
        failed: "no: route",
      });
    }));

  it("10#4 that are removed are absent everywhere until their status is changed", () =>
    withRecords(async ({ records }) => {
      const [peer, tree] = [key(), anyId("t")];
      await records.registerPeer(peer);
      await records.addPeerAddress(peer, http("a:1"));
      await records.addTreeSync(peer, tree);
      await records.removePeer(peer);
      assert.equal(await records.getPeerInfo(peer), undefined);
      assert.deepEqual(await records.listPeers(), []);
      assert.deepEqual(await records.getPeerAddresses(peer), []);
      assert.deepEqual(await records.getTreePeers(tree), []);
      await assert.rejects(records.registerPeer(peer), { code: "PeerAlreadyExists" });
      await records.updatePeerStatus(peer, "Active");
      assert.deepEqual(await records.getPeerAddresses(peer), [http("a:1")]);
      await records.removePeer(key());
    }));

  it("that come by are noted up to MAX_PEERS, with MAX_PEER_ADDRESSES; users add more", () =>
    withRecords(async ({ user, host }) => {
      const db = await user.createDatabase({ name: "peers" });
      await db.withTransaction(async (tx) => {
        const store = await tx.getStore(DocStore, "peers");
        const peers = new PeerStore(store, host.host.clock);
        const [known, late] = [key(), key()];
        const addresses = Array.from({ length: MAX_PEER_ADDRESSES + 1 }, (_, n) => http(`a:${n}`));
        await peers.noteStranger(known, "laptop", addresses);
        await peers.noteStranger(known, "laptop", [http("b:1")]);
        assert.deepEqual(await peers.addresses(known), addresses.slice(0, -1));
        await peers.addAddress(known, http("b:2"));
        assert.equal((await peers.addresses(known)).length, MAX_PEER_ADDRESSES + 1);
        for (let n = 1; n < MAX_PEERS; n++) {
          await store.set([`stranger ${n}`], { status: "active" });
        }
        await peers.noteStranger(late, "phone", [http("c:1")]);
        assert.equal(await peers.record(late), undefined);
        await peers.noteStranger(known, "laptop", []);
        await peers.register(late, "phone");
        assert.equal((await peers.get(late))?.displayName, "phone");
      });
    }));

  it("10#5 belong to trees once; a tree ends with its last peer", () =>
    withRecords(async ({ records }) => {
      const [one, two, tree] = [key(), key(), anyId("t")];
      for (const peer of [one, two]) await records.registerPeer(peer);
      for (const peer of [one, one, two]) await records.addTreeSync(peer, tree);
      assert.deepEqual((await records.getTreePeers(tree)).map(String), [`${one}`, `${two}`]);
      assert.ok(await records.isTreeSyncedWithPeer(tree, one));
      await records.removeTreeSync(one, tree);
      await records.removeTreeSync(one, tree);
      assert.deepEqual((await records.getTreePeers(tree)).map(String), [`${two}`]);
      assert.deepEqual((await records.getPeerTrees(two)).map(String), [`${tree}`]);
      await records.removeTreeSync(two, tree);
      assert.deepEqual(await records.getTreePeers(tree), []);
      await assert.rejects(records.addTreeSync(key(), tree), { code: "PeerNotFound" });
    }));

  it("10#6 have addresses in the order in which they came, each once", () =>
    withRecords(async ({ records }) => {
      const peer = key();
      const iroh = { transportType: "iroh", address: "a:1" };
      await records.registerPeer(peer);
      for (const it of [http("a:1"), iroh, http("a:1"), http("b:2")]) {
        await records.addPeerAddress(peer, it);
      }
      assert.deepEqual(await records.getPeerAddresses(peer), [http("a:1"), iroh, http("b:2")]);
      assert.deepEqual(await records.getPeerAddresses(peer, "iroh"), [iroh]);
      assert.equal(await records.removePeerAddress(peer, iroh), true);
      assert.equal(await records.removePeerAddress(peer, iroh), false);
      await assert.rejects(records.addPeerAddress(key(), iroh), { code: "PeerNotFound" });
    }));

  it("10 better 8: lists that are changed by many at once lose nothing", () =>
    withRecords(async ({ records, host }) => {
      const tree = anyId("t");
      const peers = Array.from({ length: 12 }, key);
      await Promise.all(peers.map((peer) => records.registerPeer(peer)));
      // As another process does: a second handle on the same database.
      const other = new SyncRecords(await SyncDatabase.of(host), host);
      await Promise.all(peers.map((peer, at) => {
        return (at % 2 === 0 ? records : other).addTreeSync(peer, tree);
      }));
      const first = peers[0]!;
      await Promise.all(peers.map((_, at) => records.addPeerAddress(first, http(`a:${at}`))));
      assert.deepEqual(texts(await records.getTreePeers(tree)), texts(peers));
      assert.equal((await records.getPeerAddresses(first)).length, peers.length);
    }));
});

describe("settings of synchronisation", () => {
  it("10#2 are set, overwritten, missing, and kept", () =>
    withRecords(async ({ records, host }) => {
      await records.setSetting("node", "one");
      await records.setSetting("node", "two");
      await records.setSetting("other.dotted", "x");
      const again = new SyncRecords(await SyncDatabase.of(host), host);
      assert.equal(`${again.syncTreeRootId}`, `${records.syncTreeRootId}`);
      assert.equal(await again.getSetting("node"), "two");
      assert.equal(await again.getSetting("other.dotted"), "x");
      assert.equal(await again.getSetting("absent"), undefined);
    }));

  it("10#25 of transports have a default and a type", () =>
    withRecords(async ({ records }) => {
      assert.deepEqual(await records.loadTransportConfig("web", httpConfig), {});
      assert.deepEqual(await records.loadTransportConfig("p2p", irohConfig), {
        relayMode: "Default",
      });
      const config = { bindAddress: "127.0.0.1:8080" };
      await records.saveTransportConfig("web", httpConfig, config);
      assert.deepEqual(await records.loadTransportConfig("web", httpConfig), config);
      await assert.rejects(records.loadTransportConfig("web", irohConfig), {
        code: "TransportTypeMismatch",
      });
    }));
});

describe("records of progress", () => {
  it("10#52 add up, average, and are cleaned up", () =>
    withRecords(async ({ host }) => {
      const clock = host.host.clock;
      const database = await SyncDatabase.of(host);
      const [peer, tree] = [key(), anyId("t")];
      const random = host.host.random;
      await database.change(async (stores) => {
        const state = await stores.state();
        await state.advance(peer, tree, anyId("1"), 3);
        assert.equal((await state.advance(peer, tree, anyId("2"), 4)).total_synced_count, 7);
        const outcome = { entries_count: 5, bytes_transferred: 100, error_message: null };
        const at = ["2020-01-01T00:00:00+00:00", clock.nowRfc3339(), "2031-01-01T00:00:00+00:00"];
        const round = (start: string, success: boolean, duration_ms: number) =>
          state.record(peer, tree, start, { ...outcome, success, duration_ms }, random);
        await round(at[0]!, true, 10);
        await round(at[2]!, true, 20);
        await round(at[1]!, false, 1000);
      });
      await database.change(async (stores) => {
        const state = await stores.state();
        const total = await state.metadata(peer);
        assert.equal(total.average_sync_duration_ms, 15);
        assert.equal(total.total_entries_synced, 10);
        assert.equal(successRate(total), 2 / 3);
        const years = (await state.history(peer)).map((round) => round.started_at.slice(0, 4));
        assert.deepEqual([years[0], years[2]], ["2031", "2020"]);
        assert.equal((await state.history(peer, 1)).length, 1);
        assert.equal(await state.cleanUp(365), 1);
        assert.equal(await state.cleanUp(365), 0);
      });
      assert.equal((await (await database.view().state()).history(peer)).length, 2);
      assert.equal(successRate(await (await database.view().state()).metadata(key())), 0);
    }));
});
