import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AuthKey, type Database, Permission, PrivateKey } from "../../mod.ts";
import type { NativeChannel } from "../../src/sync/native/native_channel.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { eventsOf, open, put, shared, until, withCluster } from "./cluster_bed.ts";
import { exchange, join, Recorder } from "./native_run.ts";
import { openOf, RawPeer } from "./raw_peer.ts";

/** A database of the first peer that only it may read, shared. */
async function closed(cluster: Cluster): Promise<Database> {
  const db = await cluster.peers[0]!.user.createDatabase({ name: "closed" });
  await put(db, "k", "v");
  await cluster.serve(0, db.rootId);
  return db;
}

async function grant(db: Database, key: AuthKeyOf, permission: Permission): Promise<void> {
  await db.withTransaction(async (tx) => {
    await tx.getSettings().setAuthKey(key, AuthKey.active("reader", permission));
  });
}

type AuthKeyOf = PrivateKey["publicKey"];

async function revoke(db: Database, key: AuthKeyOf): Promise<void> {
  await db.withTransaction(async (tx) => await tx.getSettings().revokeAuthKey(key));
}

const codeOf = (channel: NativeChannel): string | undefined =>
  (channel.failure as { code?: string } | undefined)?.code;

describe("access over the native protocol", () => {
  it("who may not read gets nothing, not even tips", () =>
    withCluster(async (cluster) => {
      const db = await closed(cluster);
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      await assert.rejects(client.follow(db.rootId).opened, { code: "PermissionDenied" });
      const [state] = recorder.of("state");
      assert.ok(state!.message.type === "state" && !state!.message.mayRead);
      assert.deepEqual(state!.message.type === "state" && state!.message.tips, []);
      assert.equal(recorder.entries, 0);
      await client.close();
    }));

  it("the device's own key, or one that vouches for it, opens what it may read", () =>
    withCluster(async (cluster) => {
      const db = await closed(cluster);
      const key = PrivateKey.generate();
      await grant(db, key.publicKey, Permission.read);
      await exchange(cluster, db.rootId, { follow: { keys: [key] } });
      assert.ok(await cluster.converged(db.rootId));
      await assert.rejects(exchange(cluster, db.rootId), { code: "PermissionDenied" });
      await grant(db, cluster.peers[1]!.instance.id, Permission.read);
      await exchange(cluster, db.rootId);
      assert.ok(await cluster.converged(db.rootId));
    }));

  it("a key signs once in a session, and vouches for each tree for which it is named", () =>
    withCluster(async (cluster) => {
      const key = PrivateKey.generate();
      const all: Database[] = [];
      for (let n = 0; n < 3; n++) all.push(await closed(cluster));
      for (const db of all) await grant(db, key.publicKey, Permission.read);
      for (const db of all) await exchange(cluster, db.rootId, { follow: { keys: [key] } });
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      for (const { rootId } of all) client.follow(rootId, { keys: [key] });
      // Nobody is named for this one: what has vouched for others counts nothing.
      const alone = await closed(cluster);
      await grant(alone, key.publicKey, Permission.read);
      await assert.rejects(client.follow(alone.rootId).opened, { code: "PermissionDenied" });
      const opens = recorder.of("open").map(({ message, size }) => ({ message, size }));
      const told = opens.map(({ message: it }) =>
        it.type === "open" ? [it.proofs.length, it.vouchedBy] : []
      );
      assert.deepEqual(told, [[1, undefined], [0, 0], [0, 0], [0, undefined]]);
      const states = recorder.of("state");
      assert.ok(
        states.slice(0, 3).every(({ message: it }) => it.type === "state" && it.isSame),
        JSON.stringify(recorder.types()),
      );
      const [, second] = opens;
      assert.ok(second!.size + states[1]!.size <= 100, `${second!.size} + ${states[1]!.size}`);
      await client.close();
    }));

  it("who names a channel that has vouched for nothing may read nothing by that", () =>
    withCluster(async (cluster) => {
      const [db, other] = [await closed(cluster), await closed(cluster)];
      const raw = await new RawPeer(cluster).begin();
      raw.send(
        openOf(db.rootId, { vouchedBy: 6 }),
        openOf(other.rootId, { channel: 2, vouchedBy: 2 }),
      );
      for (let n = 0; n < 2; n++) assert.equal((await raw.nextOf("state")).mayRead, false);
      raw.close();
    }));

  it("a key signs again where the channel with its proof was refused before that was looked at", () =>
    withCluster(async (cluster) => {
      const key = PrivateKey.generate();
      const [db, first] = [await closed(cluster), await open(cluster)];
      await grant(db, key.publicKey, Permission.read);
      const { client } = join(cluster, {
        serverRun: { limits: { channels: 1, knownChannels: 1 } },
      });
      const taken = client.follow(first.rootId);
      await taken.settled();
      const refused = client.follow(db.rootId, { keys: [key] });
      await assert.rejects(refused.settled(), { code: "TooManyChannels" });
      taken.close();
      await client.follow(db.rootId, { keys: [key] }).settled();
      assert.ok(await cluster.converged(db.rootId));
      await client.close();
    }));

  it("the keys of a channel vouch for another, but not those that it has borrowed itself", () =>
    withCluster(async (cluster) => {
      const [one, two] = [PrivateKey.generate(), PrivateKey.generate()];
      const [first, second, third] = [
        await closed(cluster),
        await closed(cluster),
        await closed(cluster),
      ];
      for (const db of [first, third]) await grant(db, one.publicKey, Permission.read);
      await grant(second, two.publicKey, Permission.read);
      const raw = await new RawPeer(cluster).begin();
      const proofs = (key: PrivateKey, { rootId }: Database) => [{
        key: key.publicKey.bytes,
        signature: key.sign(raw.openTranscript(rootId.bytes)),
      }];
      raw.send(
        openOf(first.rootId, { proofs: proofs(one, first) }),
        openOf(second.rootId, { channel: 2, proofs: proofs(two, second), vouchedBy: 0 }),
        openOf(third.rootId, { channel: 4, vouchedBy: 2 }),
      );
      const may = new Map<number, boolean>();
      while (may.size < 3) {
        const { channel, mayRead } = await raw.nextOf("state");
        may.set(channel, mayRead);
      }
      assert.deepEqual([may.get(0), may.get(2), may.get(4)], [true, true, false]);
      raw.close();
    }));

  it("a reader who was revoked gets nothing from the next commit on", () =>
    withCluster(async (cluster) => {
      const db = await closed(cluster);
      const key = PrivateKey.generate();
      await grant(db, key.publicKey, Permission.read);
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      const channel = client.follow(db.rootId, { keys: [key] });
      await channel.settled();
      await put(db, "k", "w");
      await until(() => cluster.converged(db.rootId));
      const before = recorder.entries;
      await revoke(db, key.publicKey);
      await put(db, "k", "secret");
      await until(() => channel.failure !== undefined);
      assert.equal(codeOf(channel), "PermissionDenied");
      assert.equal(recorder.entries, before);
      assert.equal(await cluster.converged(db.rootId), false);
      await assert.rejects(client.follow(db.rootId, { keys: [key] }).opened, {
        code: "PermissionDenied",
      });
      await client.close();
    }));

  it("a database that is not shared any more is not served any more", () =>
    withCluster(async (cluster) => {
      const db = await closed(cluster);
      await grant(db, cluster.peers[1]!.instance.id, Permission.read);
      const { client } = join(cluster);
      const channel = client.follow(db.rootId);
      await channel.settled();
      await cluster.peers[0]!.user.untrackDatabase(db.rootId);
      await put(db, "k", "w");
      await until(() => channel.failure !== undefined);
      assert.equal(codeOf(channel), "TreeNotFound");
      await client.close();
    }));

  it("a database that is not shared any more takes nothing any more", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      const { client } = join(cluster);
      const channel = client.follow(tree);
      await channel.settled();
      await cluster.peers[0]!.user.untrackDatabase(tree);
      await put(at[1]!, "k", "w");
      await until(() => channel.failure !== undefined);
      assert.equal(codeOf(channel), "TreeNotFound");
      assert.equal(await cluster.converged(tree), false);
      await client.close();
    }));

  it("a requester is told the moment an admin approves, and has everything then", () =>
    withCluster(async (cluster) => {
      const db = await closed(cluster);
      const [server, requester] = cluster.peers;
      const asked = eventsOf(server!.sync, "accessRequested");
      const told: string[] = [];
      const { client } = join(cluster, {
        clientRun: {
          onNotice: (notice) => notice.do === "access" && void told.push(notice.message.state),
        },
      });
      const key = requester!.user.signingKey(requester!.user.defaultKey());
      const access = { name: "phone", permission: Permission.write(5) };
      const channel = client.follow(db.rootId, { keys: [key], access });
      const { request } = await asked();
      await until(() => told.includes("pending"));
      assert.equal((await server!.sync.pendingBootstrapRequests()).length, 1);
      const admin = server!.user.signingKey(server!.user.defaultKey());
      await server!.sync.approveBootstrapRequestWithKey(request, admin);
      await channel.settled();
      assert.deepEqual(told, ["pending", "approved"]);
      assert.ok(await cluster.converged(db.rootId));
      await client.close();
    }));

  it("a requester is told that an admin has refused", () =>
    withCluster(async (cluster) => {
      const db = await closed(cluster);
      const [server] = cluster.peers;
      const asked = eventsOf(server!.sync, "accessRequested");
      const { client } = join(cluster);
      const access = { name: "phone", permission: Permission.read };
      const channel = client.follow(db.rootId, { access });
      const { request } = await asked();
      const admin = server!.user.signingKey(server!.user.defaultKey());
      await server!.sync.rejectBootstrapRequestWithKey(request, admin);
      await assert.rejects(channel.opened, { code: "AccessRejected" });
      assert.equal(await cluster.converged(db.rootId), false);
      await client.close();
    }));

  it("asking twice for the same is one request", () =>
    withCluster(async (cluster) => {
      const db = await closed(cluster);
      const [server] = cluster.peers;
      const access = { name: "phone", permission: Permission.read };
      for (let n = 0; n < 2; n++) {
        const asked = eventsOf(server!.sync, "accessRequested");
        const { client } = join(cluster);
        client.follow(db.rootId, { access });
        await asked();
        await client.close();
      }
      assert.equal((await server!.sync.pendingBootstrapRequests()).length, 1);
    }));

  it("a peer that is blocked is not let in", () =>
    withCluster(async (cluster) => {
      const [a, b] = cluster.peers;
      await a!.sync.registerPeer(b!.instance.id, "b");
      await a!.sync.removePeer(b!.instance.id);
      const { client, server } = join(cluster);
      assert.equal((await server.closed).code, "PeerBlocked");
      assert.equal((await client.closed).code, "PeerBlocked");
    }));

  it("another peer than the wanted one is not let in, by neither side", () =>
    withCluster(async (cluster) => {
      const wanted = PrivateKey.generate().publicKey;
      for (const run of [{ clientRun: { wanted } }, { serverRun: { wanted } }]) {
        const { client, server } = join(cluster, run);
        await assert.rejects(client.established, { code: "WrongPeer" });
        await assert.rejects(server.established, { code: "WrongPeer" });
      }
    }));

  it("the clocks of the two may differ as they like", async () => {
    await withCluster(async (cluster) => {
      const db = await closed(cluster);
      await grant(db, cluster.peers[1]!.instance.id, Permission.read);
      (cluster.peers[1]!.clock as unknown as { advance(ms: number): void }).advance(
        10 * 86_400_000,
      );
      const { client } = join(cluster);
      const { skewMs } = await client.established;
      assert.ok(skewMs < -9 * 86_400_000);
      await client.follow(db.rootId).settled();
      assert.ok(await cluster.converged(db.rootId));
      await client.close();
    });
  });
});
