import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Permission, PrivateKey, type PublicKey, Snapshot } from "../../mod.ts";
import { proveRequest, type RequestProof } from "../../src/sync/access/request_proof.ts";
import { encodeRequest } from "../../src/sync/v0/json_out.ts";
import { PROTOCOL_VERSION, type SyncTreeRequest } from "../../src/sync/v0/messages.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { ask, open, pretend, put, withCluster } from "./cluster_bed.ts";
import { treeRequest } from "./wire_bed.ts";

/** Says who somebody is. */
async function introduce(cluster: Cluster, key: PublicKey): Promise<void> {
  const at = (address: string) => ({ transportType: "sim", address });
  const answer = await ask(cluster.network, "sim-peer-0", {
    type: "Handshake",
    body: {
      deviceId: key,
      publicKey: key,
      displayName: "stranger",
      protocolVersion: PROTOCOL_VERSION,
      challenge: new Uint8Array(32),
      listenAddresses: [at("home"), at("office")],
    },
  });
  assert.equal(answer.type, "Handshake");
}

/** What is answered to a request for a tree: the kind of answer, with the words of a refusal. */
async function answerTo(
  cluster: Cluster,
  { treeId, ...changes }: Pick<SyncTreeRequest, "treeId"> & Partial<SyncTreeRequest>,
): Promise<string> {
  const answer = await ask(cluster.network, "sim-peer-0", treeRequest(treeId, changes));
  return answer.type === "Error" ? answer.body : answer.type;
}

describe("who introduces itself", () => {
  it("09#8 is noted with its name, two addresses of its own, and where it was seen", () =>
    withCluster(async (cluster) => {
      const { sync } = cluster.peers[0]!;
      const { publicKey } = PrivateKey.generate();
      await introduce(cluster, publicKey);
      assert.equal((await sync.getPeerInfo(publicKey))?.displayName, "stranger");
      const addresses = (await sync.getPeerAddresses(publicKey)).map(({ address }) => address);
      assert.deepEqual(addresses, ["home", "office", "sim-asker"]);
    }));

  it("09#11 and signs another challenge is not believed, and not noted", () =>
    withCluster(async ({ network, peers: [, b] }) => {
      const replayer = pretend(network, async (asked) => {
        if (asked.type !== "Handshake") return assert.fail(asked.type);
        const body = { ...asked.body, challenge: new Uint8Array(32) };
        return await network.send(
          "pretender",
          "sim-peer-0",
          encodeRequest({ type: "Handshake", body }),
        );
      });
      await assert.rejects(b!.sync.connectToPeer(replayer), { code: "HandshakeFailed" });
      assert.deepEqual(await b!.sync.listPeers(), []);
    }));
});

describe("who asks for a tree", () => {
  it("09#21 spends the nonce of a valid request only, whatever it may do", () => {
    const clock = new FixedClock();
    return withCluster(async (cluster) => {
      const [a] = cluster.peers;
      const db = await a!.user.createDatabase({ name: "private" });
      await cluster.serve(0, db.rootId);
      const request = { treeId: db.rootId, ourTips: Snapshot.of([db.rootId]) };
      const proven = { server: a!.instance.id, tree: db.rootId, tips: request.ourTips };
      const random = (byte: number) => ({ bytes: (n: number) => new Uint8Array(n).fill(byte) });
      const reader = a!.user.signingKey(a!.user.defaultKey());
      const answer = (auth: RequestProof) => answerTo(cluster, { ...request, auth });

      const late = new FixedClock(clock.get() - 600_000);
      const stale = proveRequest(reader, proven, { clock: late, random: random(1) });
      assert.match(await answer(stale), /freshness/);
      const fresh = proveRequest(reader, proven, { clock, random: random(1) });
      const broken = { ...fresh, signature: fresh.signature.map((byte) => byte ^ 1) };
      assert.match(await answer(broken), /invalid request signature/);
      assert.equal(await answer(fresh), "Incremental");
      assert.match(await answer(fresh), /nonce already spent/);

      const stranger = proveRequest(PrivateKey.generate(), proven, { clock, random: random(1) });
      assert.match(await answer(stranger), /^Permission denied/);
      assert.match(await answer(stranger), /nonce already spent/);
    }, { clock });
  });

  it("09#39 waits until it is granted; opening says so; the same request is served then", () =>
    withCluster(async (cluster) => {
      const [a, b] = cluster.peers;
      const db = await a!.user.createDatabase({ name: "private" });
      await cluster.serve(0, db.rootId);
      const ticket = a!.sync.createTicket(db);
      const asking = { permission: Permission.read };
      await assert.rejects(b!.user.requestDatabaseAccess(ticket, asking), {
        code: "BootstrapPending",
      });
      await assert.rejects(b!.user.openDatabase(db.rootId), { code: "DatabaseAccessPending" });
      const [[id]] = await a!.user.pendingBootstrapRequests() as [[string, unknown]];
      await a!.user.approveBootstrapRequest(id);
      await b!.user.requestDatabaseAccess(ticket, asking);
      const copy = await b!.user.openDatabase(db.rootId);
      assert.deepEqual((await copy.snapshot()).toJSON(), (await db.snapshot()).toJSON());
    }));

  it("09#46 is followed if it says who it is and is known, whole or beyond some tips", () =>
    withCluster(async (cluster) => {
      const { sync } = cluster.peers[0]!;
      const db = await open(cluster);
      await put(db, "k", "v");
      const whole = { treeId: db.rootId };
      const beyond = { ...whole, ourTips: Snapshot.of([db.rootId]) };
      for (const [request, kind] of [[whole, "Bootstrap"], [beyond, "Incremental"]] as const) {
        const peerPubkey = PrivateKey.generate().publicKey;
        const before = (await sync.getTreePeers(db.rootId)).map(String);
        assert.equal(await answerTo(cluster, request), kind);
        assert.equal(await answerTo(cluster, { ...request, peerPubkey }), kind);
        assert.deepEqual((await sync.getTreePeers(db.rootId)).map(String), before);
        await introduce(cluster, peerPubkey);
        assert.equal(await answerTo(cluster, request), kind);
        assert.deepEqual((await sync.getTreePeers(db.rootId)).map(String), before);
        assert.equal(await answerTo(cluster, { ...request, peerPubkey }), kind);
        assert.ok(await sync.isTreeSyncedWithPeer(db.rootId, peerPubkey));
      }
    }));
});
