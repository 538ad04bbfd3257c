import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, Entry, type ID, PrivateKey, SigInfo, SigKey, Snapshot } from "../../mod.ts";
import { ArrivalLog } from "../../src/backend/log/arrival_log.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { streamResponse } from "../../src/sync/v0/json_out.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { ask, get, open, pretend, put, shared, withCluster } from "./cluster_bed.ts";
import { treeRequest } from "./wire_bed.ts";

/** A chain of entries at the first of two peers; the second has what was there before. */
async function ahead(
  cluster: Cluster,
  length: number,
): Promise<{ at: Database[]; chain: Entry[] }> {
  const { at } = await shared(cluster);
  const ids: ID[] = [];
  for (let n = 0; n < length; n++) {
    await put(at[0]!, `k${n}`, "v");
    ids.push(...(await at[0]!.snapshot()).tips);
  }
  return { at, chain: await at[0]!.getEntries(ids) };
}

/** What the first peer sends to somebody who has these tips. */
async function sentTo(cluster: Cluster, tree: ID, ourTips: Snapshot): Promise<string[]> {
  const answer = await ask(cluster.network, "sim-peer-0", treeRequest(tree, { ourTips }));
  assert.equal(answer.type, "Incremental");
  return answer.type === "Incremental" ? answer.body.missingEntries.map(({ id }) => `${id}`) : [];
}

/** An entry on top of another one, signed by somebody who may not write. */
function forged(parent: Entry): Entry {
  const key = PrivateKey.generate();
  return Entry.builder(parent.root ?? parent.id).setParents([parent.id])
    .setHeight(parent.height + 1)
    .setMetadata(new EntryMetadata(Snapshot.of([parent.root ?? parent.id])).encode())
    .setSubtreeData("s", utf8('{"children":{}}'))
    .setSig(new SigInfo(SigKey.fromPubkey(key.publicKey))).build().sign(key);
}

describe("entries that come", () => {
  it("10#28 the whole of another tree is refused, and nothing of it kept", () =>
    withCluster(async (cluster) => {
      const [wanted, other] = [await open(cluster), await open(cluster)];
      const [root] = await other.getEntries([other.rootId]);
      const liar = pretend(cluster.network, async ({ type }, bytes) => {
        if (type !== "SyncTree") {
          return await cluster.network.send("pretender", "sim-peer-0", bytes);
        }
        return streamResponse({
          type: "Bootstrap",
          body: {
            treeId: wanted.rootId,
            rootEntry: root!,
            allEntries: [],
            keyApproved: false,
            grantedPermission: undefined,
          },
        });
      });
      const { sync, instance } = cluster.peers[1]!;
      await assert.rejects(sync.syncWithPeer(liar, wanted.rootId), { code: "InvalidEntry" });
      assert.equal(await instance.hasEntry(root!.id), false);
      assert.deepEqual((await instance.backend.snapshot(wanted.rootId)).tips, []);
      assert.deepEqual(await sync.getTreePeers(wanted.rootId), []);
    }));

  it("10#29 ours: with an unknown parent they wait; with it in the batch any order will do", () =>
    withCluster(async (cluster) => {
      const { at, chain } = await ahead(cluster, 4);
      const { instance } = cluster.peers[1]!;
      const tree = at[0]!.rootId;
      const early = await instance.putRemoteEntries(tree, [chain[3]!]);
      assert.deepEqual([early.verified, early.rejected.length], [0, 0]);
      assert.equal(await get(at[1]!, "k3"), undefined);
      const rest = await instance.putRemoteEntries(tree, [chain[2]!, chain[0]!, chain[1]!]);
      assert.equal(rest.verified, 4);
      assert.equal(await get(at[1]!, "k3"), "v");
    }));

  it("10#32 are Unverified until they are judged; forged ones are never seen; a second time changes nothing", () =>
    withCluster(async (cluster) => {
      const { user } = cluster.peers[0]!;
      const { instance } = cluster.peers[1]!;
      const db = await user.createDatabase({ name: "private" });
      await put(db, "k", "v");
      const [tip] = await db.getEntries((await db.snapshot()).tips);
      const all = await cluster.entries(0, db.rootId);
      const status = (entry: Entry) => instance.backend.getVerificationStatus(entry.id);
      await instance.putRemoteEntries(db.rootId, [tip!]);
      assert.equal(await status(tip!), "Unverified");
      const bad = forged(tip!);
      await instance.putRemoteEntries(db.rootId, [...all, bad]);
      await instance.putRemoteEntries(db.rootId, [bad, tip!]);
      assert.equal(await status(tip!), "Verified");
      assert.equal(await status(bad), "Failed");
      const copy = await Database.open(instance, db.rootId);
      assert.deepEqual((await copy.snapshot()).toJSON(), [`${tip!.id}`]);
      assert.equal(await get(copy, "k"), "v");
    }));

  it("10#33 a child is not seen before its parent is there; then it is the only tip", () =>
    withCluster(async (cluster) => {
      const { at, chain: [parent, child] } = await ahead(cluster, 2);
      const { instance } = cluster.peers[1]!;
      const before = (await at[1]!.snapshot()).toJSON();
      await instance.putRemoteEntries(at[0]!.rootId, [child!]);
      assert.deepEqual((await at[1]!.snapshot()).toJSON(), before);
      await instance.putRemoteEntries(at[0]!.rootId, [parent!]);
      assert.deepEqual((await at[1]!.snapshot()).toJSON(), [`${child!.id}`]);
      assert.deepEqual([await get(at[1]!, "k0"), await get(at[1]!, "k1")], ["v", "v"]);
    }));
});

describe("entries that go", () => {
  it("10#30 none to whom has the tip; of a chain and a diamond each one once", () =>
    withCluster(async (cluster) => {
      const { at, chain } = await ahead(cluster, 3);
      const [a, b] = cluster.peers;
      const tree = at[0]!.rootId;
      assert.deepEqual(await sentTo(cluster, tree, await at[0]!.snapshot()), []);
      const old = await at[1]!.snapshot();
      assert.deepEqual(await sentTo(cluster, tree, old), chain.map(({ id }) => `${id}`));
      await put(at[1]!, "apart", "v");
      await cluster.exchange(0, 1, tree);
      await put(at[0]!, "joined", "v");
      const diamond = await sentTo(cluster, tree, old);
      assert.equal(new Set(diamond).size, diamond.length);
      assert.equal(diamond.length, chain.length + 2);
      assert.equal((await a!.sync.syncTreeWithPeer(b!.instance.id, tree)).sent, 1);
      assert.equal((await a!.sync.syncTreeWithPeer(b!.instance.id, tree)).sent, 0);
    }));

  it("10#31 tips that are unknown here are told, those that are known are not", () =>
    withCluster(async (cluster) => {
      const { at, chain } = await ahead(cluster, 2);
      const tree = at[0]!.rootId;
      const unknownTo = async (peer: number) => {
        const log = ArrivalLog.of(cluster.peers[peer]!.instance.host.backend);
        return (await log.difference(tree, chain.map(({ id }) => id))).unknown.map(String);
      };
      assert.deepEqual(await unknownTo(0), []);
      assert.deepEqual(await unknownTo(1), chain.map(({ id }) => `${id}`));
    }));
});
