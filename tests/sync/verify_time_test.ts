import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PrivateKey } from "../../mod.ts";
import {
  MAX_METERED,
  signatureMs,
  VERIFY_BURST_MS,
  VERIFY_SHARE,
  VerifyTime,
} from "../../src/sync/access/verify_time.ts";
import { packBlock } from "../../src/sync/native/block.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { V0_PATH } from "../../src/transport/http_transport.ts";
import type { ByteStream, ServerSide, Transport } from "../../src/transport/port.ts";
import { HandTimers, withCluster } from "./cluster_bed.ts";
import { joinedLive, madeBy, put, withNodes } from "./live_bed.ts";
import { bodyOf, proofFor, URL_OF_NODE } from "./post_bed.ts";
import { openOf, RawPeer } from "./raw_peer.ts";
import { writePostProof } from "../../src/sync/access/post_proof.ts";

const LIMITS = { share: 0.5, burstMs: 100, signatureMs: 1 };
/** So many signatures that nothing is left for long. */
const TOO_MANY = 1e9;

function held() {
  const clock = new FixedClock();
  clock.hold();
  return clock;
}

describe("time for the signatures of others", () => {
  it("is so much at once, then a share of what passes", () => {
    const clock = held();
    const meter = new VerifyTime(clock, new HandTimers(), LIMITS).meter(undefined, "a");
    meter.charge(99);
    meter.require();
    meter.charge(1);
    assert.throws(() => meter.require(), { code: "TooBusy" });
    clock.set(clock.nowMillis() + 1);
    meter.require();
    meter.charge(20.5);
    clock.set(clock.nowMillis() + 40);
    assert.throws(() => meter.require(), (error: { fields?: { retryMs?: number } }) => {
      return error.fields?.retryMs === 2;
    });
    clock.set(clock.nowMillis() + 2);
    meter.require();
    // No more is saved than can be asked for at once, and a clock that is set back takes nothing.
    clock.set(clock.nowMillis() + 10_000);
    meter.charge(99);
    clock.set(clock.nowMillis() - 10_000);
    meter.require();
    meter.charge(1);
    assert.throws(() => meter.require(), { code: "TooBusy" });
  });

  it("is that of the peer and that of the address", () => {
    const time = new VerifyTime(held(), new HandTimers(), LIMITS);
    const [one, two] = [PrivateKey.generate().publicKey, PrivateKey.generate().publicKey];
    time.meter(one, "a").charge(100);
    for (const meter of [time.meter(two, "a"), time.meter(one, "b"), time.meter(one, undefined)]) {
      assert.throws(() => meter.require(), { code: "TooBusy" });
    }
    for (const meter of [time.meter(two, "b"), time.meter(undefined, undefined)]) meter.require();
    time.meter(undefined, undefined).charge(TOO_MANY);
    time.meter(two, undefined).require();
  });

  it("is waited for by those who spend it", async () => {
    const [clock, timers] = [held(), new HandTimers()];
    const meter = new VerifyTime(clock, timers, LIMITS).meter(undefined, "a");
    const spent: string[] = [];
    await meter.spend(150);
    const waiting = ["b", "c"].map((name) => meter.spend(10).then(() => spent.push(name)));
    assert.deepEqual(timers.pauses, [102, 102]);
    // One after the other, although both wake at once.
    clock.set(clock.nowMillis() + 102);
    timers.fire(102);
    while (timers.pauses.length === 0) await new Promise((resolve) => setTimeout(resolve));
    assert.deepEqual(spent, ["b"]);
    clock.set(clock.nowMillis() + 20);
    timers.fire(1000);
    await Promise.all(waiting);
    const ends = new AbortController();
    const given = meter.spend(1, ends.signal);
    ends.abort();
    await assert.rejects(given, { code: "Aborted" });
  });

  it("is forgotten for those who were met longest ago", () => {
    const time = new VerifyTime(held(), new HandTimers(), LIMITS);
    for (const name of ["a", "b"]) time.meter(undefined, name).charge(100);
    for (let n = 0; n < MAX_METERED - 1; n++) time.meter(undefined, `${n}`).charge(1);
    assert.throws(() => time.meter(undefined, "b").require(), { code: "TooBusy" });
    time.meter(undefined, "a").require();
  });

  it("is measured: a signature takes some time, and the limits leave room for many", () => {
    const ms = signatureMs();
    assert.ok(ms > 0 && ms < 1000, `${ms}`);
    assert.equal(signatureMs(), ms);
    assert.ok(VERIFY_BURST_MS / 10 > VERIFY_SHARE);
  });
});

describe("whoever has used up its time", () => {
  it("has its entries verified later, in a session", async () => {
    const timers = new HandTimers();
    await withCluster(async (cluster) => {
      const { user, sync } = cluster.peers[0]!;
      const db = await user.createDatabase({ name: "notes" });
      await db.grant("everyone", "write");
      await cluster.serve(0, db.rootId);
      const entries = await cluster.entries(0, db.rootId);
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(db.rootId));
      await raw.nextOf("state");
      const { verifyTime } = sync.native.serving;
      const meter = verifyTime.meter(raw.key.publicKey, undefined);
      meter.charge((VERIFY_BURST_MS + 500) / signatureMs());
      assert.throws(() => meter.require(), { code: "TooBusy" });
      const block = packBlock(entries.map(({ bytes }) => bytes));
      raw.send({ type: "entries", channel: 0, ...block });
      // A PING behind it is answered while the block waits.
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      await raw.nextOf("ping");
      assert.equal(raw.received("stored").length, 0);
      const granted = raw.nextOf("credit");
      while (verifyTime.waitOf(`peer ${raw.key.publicKey}`) > 0) {
        // The clock of a cluster goes on by being read.
      }
      while (raw.received("credit").length === 0) {
        timers.fire(VERIFY_BURST_MS);
        await new Promise((resolve) => setTimeout(resolve));
      }
      await granted;
      // So have proofs.
      meter.charge(TOO_MANY);
      const proofs = [{ key: raw.key.publicKey.bytes, signature: new Uint8Array(64) }];
      const other = await user.createDatabase({ name: "other" });
      raw.send(openOf(other.rootId, { channel: 2, proofs }));
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      await raw.nextOf("ping");
      assert.deepEqual(raw.received("deny"), []);
      // A session that ends waits for none of them.
      raw.close();
      await raw.session.closed;
    }, { sync: { timers } });
  });

  it("is answered that it has, where requests stand alone", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const db = await madeBy(home);
      const handler = home.sync.fetchHandler();
      const device = PrivateKey.generate();
      const remoteAddress = "192.0.2.7:9";
      const body = bodyOf(openOf(db.rootId));
      const post = async (from: object = {}) => {
        const headers = { authorization: writePostProof(proofFor(home, body, { device })) };
        const init = { method: "POST", headers, body: body as BodyInit };
        return await statusOf(await handler(new Request(URL_OF_NODE, init), from));
      };
      const json = async (from: object = {}) => {
        const headers = { "content-type": "application/json" };
        const init = { method: "POST", headers, body: '{"SendEntries":[]}' };
        return await statusOf(
          await handler(new Request(`http://node.example${V0_PATH}`, init), from),
        );
      };
      assert.deepEqual([await post(), await json()], [200, 200]);
      home.sync.native.meter(undefined, "192.0.2.7").charge(TOO_MANY);
      assert.deepEqual([await post({ remoteAddress }), await json({ remoteAddress })], [429, 429]);
      assert.deepEqual([await post(), await json()], [200, 200]);
      home.sync.native.meter(device.publicKey, undefined).charge(TOO_MANY);
      assert.deepEqual([await post(), await json()], [429, 200]);
      assert.equal(home.sync.native.admissions.open, 0);
    }));

  it("is refused over transports that are not HTTP, by those that tell where it is", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const served = new Served();
      await home.sync.addTransport("other", served);
      await home.sync.acceptConnectionsOn("other");
      const ask = (from?: string) => served.server!.exchange(oneOf("[]"), undefined, false, from);
      home.sync.native.meter(undefined, "192.0.2.7").charge(TOO_MANY);
      await assert.rejects(ask("192.0.2.7"), { code: "TooBusy" });
      for (const other of ["192.0.2.8", undefined]) {
        await assert.rejects(ask(other), { code: "SerializationError" });
      }
    }));

  it("has what this side has asked for verified all the same", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const away = await nodes.node();
      const db = await madeBy(home);
      away.sync.native.meter(home.instance.id, undefined).charge(TOO_MANY);
      await put(db, "k", "v");
      const copy = await joinedLive(home, away, db);
      assert.deepEqual((await copy.snapshot()).toJSON(), (await db.snapshot()).toJSON());
    }));
});

/** A transport that keeps what answers. */
class Served implements Transport {
  readonly type: string = "other";
  server: ServerSide | undefined;

  get isRunning(): boolean {
    return this.server !== undefined;
  }

  canHandle(): boolean {
    return false;
  }

  exchange(): Promise<ByteStream> {
    return Promise.reject(new Error("not asked"));
  }

  start(server: ServerSide): Promise<void> {
    this.server = server;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.server = undefined;
    return Promise.resolve();
  }

  serverAddress(): string {
    return "here";
  }
}

async function* oneOf(text: string): ByteStream {
  yield await Promise.resolve(new TextEncoder().encode(text));
}

async function statusOf(response: Response): Promise<number> {
  await response.arrayBuffer();
  return response.status;
}
