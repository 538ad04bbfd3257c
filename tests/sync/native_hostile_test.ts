import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AuthKey, type Database, Entry, ID, Permission, Snapshot } from "../../mod.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import type { Question } from "../../src/sync/native/actions.ts";
import { Budget } from "../../src/sync/native/budget.ts";
import { packBlock } from "../../src/sync/native/block.ts";
import { Channel } from "../../src/sync/native/channel.ts";
import { decodeMessage, encodeMessage } from "../../src/sync/native/codec.ts";
import { SharedCredit } from "../../src/sync/native/credit.ts";
import { decodeFrames, encodeFrame } from "../../src/sync/native/frames.ts";
import { AccessRequests } from "../../src/sync/native/host/access_requests.ts";
import { Growth } from "../../src/sync/native/host/growth.ts";
import type { InflowHost } from "../../src/sync/native/inflow.ts";
import { deflate } from "../../src/sync/native/host/deflate.ts";
import {
  type Access,
  MAX_TIPS,
  type Message,
  type Ranges,
} from "../../src/sync/native/messages.ts";
import { Outflow } from "../../src/sync/native/outflow.ts";
import type { Serving } from "../../src/sync/v0/serving.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { concat, utf8 } from "../../src/util/bytes.ts";
import { open, put, shared, withCluster } from "./cluster_bed.ts";
import { tableOf } from "./native_bed.ts";
import { exchange, join, Recorder } from "./native_run.ts";
import { openOf, RawPeer } from "./raw_peer.ts";

const blockOf = (...bodies: Uint8Array[]): Message => ({
  type: "entries",
  channel: 0,
  ...packBlock(bodies),
});

const asks: Access = {
  type: "access",
  channel: 0,
  state: "request",
  id: "x",
  permission: "read",
  message: "",
};

const nothingTold: Ranges = {
  type: "ranges",
  channel: 0,
  ranges: [{ mode: "fingerprint", upper: undefined, sum: 5n, count: 1000 }],
};

/** One instance with a tree that all may write, or only its owner. */
async function alone(
  test: (cluster: Cluster, db: Database) => Promise<void>,
  isOpen = true,
): Promise<void> {
  await withCluster(async (cluster) => {
    const { user } = cluster.peers[0]!;
    const db = isOpen ? await open(cluster) : await user.createDatabase({ name: "closed" });
    await cluster.serve(0, db.rootId);
    await put(db, "k", "v");
    await test(cluster, db);
  }, { peers: 1 });
}

/** What a flow asks of its session; notes the questions, and what is sent. */
function flowHost(asked: Question[], sent: Message[] = []): InflowHost {
  return {
    ask: (question) => void asked.push(question),
    tell: () => {},
    send: (message) => void sent.push(message),
    credit: new SharedCredit(1000, 1000),
    pushes: true,
    rangeRounds: 24,
    budget: new Budget(),
    refuse: () => {},
  };
}

/** An entry that nobody has signed, on top of another. */
function orphan(root: ID, parent: ID, value = ""): Entry {
  return Entry.builder(root).setParents([parent]).setHeight(10)
    .setMetadata(new EntryMetadata(Snapshot.of([root])).encode())
    .setSubtreeData("s", utf8(`{"children":{"k":{"Text":"${value}"}}}`)).build();
}

describe("channels of one session", () => {
  it("that have much to send at once send no more than was granted, all together", () =>
    withCluster(async (cluster) => {
      const trees = [];
      for (let n = 0; n < 8; n++) {
        const db = await open(cluster);
        for (let k = 0; k < 4; k++) await put(db, `k${k}`, "x".repeat(60_000));
        trees.push(db.rootId);
      }
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      const channels = trees.map((tree) => client.follow(tree));
      await Promise.all(channels.map((channel) => channel.settled()));
      assert.equal(recorder.entries, 8 * 6);
      await client.close();
    }));

  it("wait in line where little is granted, also behind entries that are larger than all of it", () =>
    withCluster(async (cluster) => {
      const trees = [];
      for (let n = 0; n < 5; n++) {
        const db = await open(cluster);
        await put(db, "k", "x".repeat(30_000));
        trees.push(db.rootId);
      }
      const recorder = new Recorder();
      const { client } = join(cluster, { ...recorder, clientRun: { limits: { credit: 2000 } } });
      const channels = trees.map((tree) => client.follow(tree));
      await Promise.all(channels.map((channel) => channel.settled()));
      assert.equal(recorder.entries, 5 * 3);
      await client.close();
    }));

  it("have each a number above those before", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId, { channel: 2 }));
      raw.send({ type: "deny", channel: 2, code: "Closed", message: "", retryMs: 0 });
      raw.send(openOf(rootId, { channel: 2 }));
      assert.equal(await raw.endedBy(), "Malformed");
    }));
});

describe("floods", () => {
  it("of frames that mean nothing cost no more than reading them", () =>
    alone(async (cluster) => {
      const raw = await new RawPeer(cluster).begin();
      const frame = encodeFrame(0x40, new Uint8Array(0));
      raw.sendBytes(
        new Uint8Array(400_000 * frame.length).map((_, at) => frame[at % frame.length]!),
      );
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      assert.equal((await raw.next()).type, "ping");
    }));

  it("of blocks that swell are stored a few at a time", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster, { limits: { invalid: 1000 } }).begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      const body = await deflate(packBlock([new Uint8Array(786_000)]).body);
      const swelling: Message = { type: "entries", channel: 0, deflated: true, count: 1, body };
      raw.sendBytes(concat(...[blockOf(new Uint8Array(3)), ...Array(10).fill(swelling)].map(
        (message) => encodeMessage(message),
      )));
      for (let refused = 0; refused < 11;) {
        const stored = await raw.nextOf("stored");
        assert.ok(stored.refused <= 4, `${stored.refused} at once`);
        refused += stored.refused;
      }
    }));

  it("of entries that are none are stored a few at a time", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster, { limits: { invalid: 100_000 } }).begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      const many = blockOf(...Array.from({ length: 3000 }, () => new Uint8Array(0)));
      raw.sendBytes(concat(...[blockOf(new Uint8Array(3)), many, many, many].map(
        (message) => encodeMessage(message),
      )));
      for (let refused = 0; refused < 9001;) {
        const stored = await raw.nextOf("stored");
        assert.ok(stored.refused <= 4096, `${stored.refused} at once`);
        refused += stored.refused;
      }
    }));

  it("of wishes for nothing ask for nothing, and what is sent anyway counts for no wish", () => {
    const asked: Question[] = [];
    const flow = new Outflow(0, flowHost(asked));
    flow.want([]);
    assert.equal(asked.length, 0);
    const tips = [ID.ofDagCbor(Uint8Array.of(1))];
    const log = undefined;
    flow.begin({ tips, cursor: undefined, log, isSame: false, hasAll: false, waits: false });
    const lacking = Array.from({ length: 300 }, (_, n) => ID.ofDagCbor(Uint8Array.of(n, 2)));
    flow.differed({ lacking, isKnown: true, log }, false);
    assert.deepEqual(asked.map((it) => it.do), ["differ", "fetch"]);
    flow.want(tips);
    assert.equal(flow.wanted, 1);
  });

  it("of tips end with the channels that they were told for", () =>
    alone(async (cluster, { rootId }) => {
      const other = await open(cluster);
      const raw = await new RawPeer(cluster, { limits: { tips: 3 } }).begin();
      const tips = [rootId, other.rootId];
      raw.send(openOf(rootId, { tips }));
      await raw.nextOf("state");
      raw.send(openOf(other.rootId, { channel: 2, tips }));
      assert.equal((await raw.nextOf("deny")).code, "TooManyTips");
      raw.send({ type: "deny", channel: 0, code: "Closed", message: "", retryMs: 0 });
      raw.send(openOf(other.rootId, { channel: 4, tips }));
      assert.equal((await raw.nextOf("state")).channel, 4);
    }));

  it("of requests for access are one at a time", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId));
      assert.equal((await raw.nextOf("state")).mayRead, false);
      raw.send(asks, asks);
      assert.equal((await raw.nextOf("deny")).code, "TooMuch");
    }, false));
});

describe("access over the native protocol", () => {
  it("is asked for only of what is shared", () =>
    alone(async (cluster, { rootId }) => {
      const { sync, user } = cluster.peers[0]!;
      const secret = await user.createDatabase({ name: "secret" });
      const early = await new RawPeer(cluster).begin();
      early.send(openOf(secret.rootId), asks);
      assert.equal((await early.nextOf("deny")).code, "TreeNotFound");
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      await user.untrackDatabase(rootId);
      raw.send(asks);
      assert.equal((await raw.nextOf("deny")).code, "TreeNotFound");
      assert.equal((await sync.pendingBootstrapRequests()).length, 0);
    }, false));

  it("that was taken back ends the comparing of ranges, too", () =>
    alone(async (cluster, db) => {
      const raw = new RawPeer(cluster);
      const key = raw.key.publicKey;
      const reader = AuthKey.active("reader", Permission.read);
      await db.withTransaction(async (tx) => await tx.getSettings().setAuthKey(key, reader));
      await raw.begin();
      raw.send(openOf(db.rootId, { tips: [ID.ofDagCbor(new Uint8Array(7))] }));
      assert.equal((await raw.nextOf("state")).mayRead, true);
      raw.send(nothingTold);
      assert.ok((await raw.nextOf("ranges")).ranges.length > 0);
      await db.withTransaction(async (tx) => await tx.getSettings().revokeAuthKey(key));
      raw.send(nothingTold);
      const answer = await raw.next();
      assert.equal(answer.type === "deny" && answer.code, "PermissionDenied");
    }, false));

  it("ends for a peer that is blocked while it is there", () =>
    alone(async (cluster, db) => {
      const { sync } = cluster.peers[0]!;
      const raw = new RawPeer(cluster);
      await sync.registerPeer(raw.key.publicKey, "x");
      await raw.begin();
      raw.send(openOf(db.rootId, { live: true }));
      await raw.nextOf("mark");
      await sync.removePeer(raw.key.publicKey);
      await put(db, "k", "secret");
      const answer = await raw.next();
      assert.equal(answer.type === "deny" && answer.code, "PeerBlocked");
    }));

  it("nothing is taken of a tree that is not shared any more", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      await cluster.peers[0]!.user.untrackDatabase(rootId);
      raw.send(blockOf(orphan(rootId, rootId).bytes));
      assert.equal((await raw.nextOf("deny")).code, "TreeNotFound");
      assert.equal((await cluster.entries(0, rootId)).length, 3);
    }));
});

describe("entries whose parents were not sent", () => {
  it("have these asked for, though a mark came with them", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      const parent = ID.ofDagCbor(Uint8Array.of(5));
      const cursor = { logId: new Uint8Array(8), position: 1, sum: 1n };
      const mark: Message = { type: "mark", channel: 0, cursor, left: 0 };
      const block = blockOf(orphan(rootId, parent).bytes);
      raw.sendBytes(concat(encodeMessage(block), encodeMessage(mark)));
      const { waiting, cursor: kept } = await raw.nextOf("stored");
      assert.deepEqual([waiting, kept], [1, undefined]);
      assert.deepEqual((await raw.nextOf("want")).ids.map(String), [`${parent}`]);
    }));
});

describe("comparing ranges", () => {
  it("that ends while its table is asked for, and begins again, sends not everything", () => {
    const asked: Question[] = [];
    const flow = new Outflow(0, flowHost(asked));
    const log = { logId: new Uint8Array(8), position: 3, sum: 3n };
    const table = { table: tableOf([{ height: 0, short: 1n }]), log };
    const tips = [ID.ofDagCbor(Uint8Array.of(1))];
    flow.begin({ tips, cursor: undefined, log, isSame: false, hasAll: false, waits: false });
    flow.differed({ lacking: undefined, isKnown: false, log }, false);
    flow.tabled({ table, isHeld: false });
    flow.compare(nothingTold.ranges);
    flow.received();
    flow.differed({ lacking: [], isKnown: true, log }, false);
    flow.paged({ isValid: true, block: undefined, next: log, left: 0 });
    flow.compare(nothingTold.ranges);
    flow.tabled({ table: undefined, isHeld: true });
    flow.tabled({ table, isHeld: false });
    const pages = asked.flatMap((it) => it.do === "page" ? [it.from] : []);
    assert.deepEqual(pages, [log]);
  });
});

describe("tips that were told and have not come", () => {
  it("are asked for when everything has come, whatever cursors and fingerprints say", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      const tip = ID.ofDagCbor(Uint8Array.of(5));
      raw.send(openOf(rootId, { tips: [tip, rootId] }));
      await raw.nextOf("state");
      const cursor = { logId: new Uint8Array(8), position: 1, sum: 1n };
      raw.send({ type: "mark", channel: 0, cursor, left: 1 });
      assert.deepEqual((await raw.nextOf("stored")).cursor, cursor);
      assert.equal(raw.received("want").length, 0);
      raw.send({ type: "mark", channel: 0, cursor: { ...cursor, position: 2 }, left: 0 });
      assert.deepEqual((await raw.nextOf("want")).ids.map(String), [`${tip}`]);
      raw.send({ type: "mark", channel: 0, cursor: { ...cursor, position: 3 }, left: 0 });
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      await raw.nextOf("ping");
      assert.equal(raw.received("want").length, 1);
    }));
});

describe("a peer that is honest", () => {
  it("is not thrown out for what others have sent that waited for its entries", () =>
    withCluster(async (cluster) => {
      const { tree, at } = await shared(cluster);
      await put(at[1]!, "k", "honest");
      const parent = (await at[1]!.snapshot()).tips[0]!;
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(tree));
      await raw.nextOf("state");
      const junk = [1, 2, 3].map((n) => orphan(tree, parent, `${n}`).bytes);
      raw.send(blockOf(...junk));
      await raw.nextOf("want");
      await exchange(cluster, tree, { serverRun: { limits: { invalid: 2 } } });
      const status = (id: ID) => cluster.peers[0]!.instance.backend.getVerificationStatus(id);
      assert.equal(await status(parent), "Verified");
      assert.equal(await status(Entry.decode(junk[0]!).id), "Failed");
    }));

  it("that holds all of more tips than can be told is sent the others", () => {
    const asked: Question[] = [];
    const tips = Array.from({ length: MAX_TIPS }, (_, n) => ID.ofDagCbor(Uint8Array.of(n, n >> 8)));
    const opened = openOf(ID.ofDagCbor(Uint8Array.of(9)), { tips });
    const channel = new Channel(opened, true, flowHost(asked), 4096);
    channel.state({
      type: "state",
      channel: 0,
      mayRead: true,
      mayWrite: true,
      sends: true,
      isSame: false,
      tips,
      held: tips.map(() => true),
      count: 2000,
      log: undefined,
      cursor: undefined,
    });
    assert.deepEqual(asked.map((it) => it.do), ["differ"]);
  });

  it("is told the place in a log that was made anew, though as many entries with the same sum are before it", () => {
    const sent: Message[] = [];
    const flow = new Outflow(0, flowHost([], sent));
    const log = { logId: new Uint8Array(8), position: 3, sum: 3n };
    const anew = { ...log, logId: new Uint8Array(8).fill(1) };
    flow.begin({ tips: [], cursor: undefined, log, isSame: true, hasAll: true, waits: false });
    flow.paged({ isValid: false });
    flow.paged({ isValid: true, block: undefined, next: anew, left: 0 });
    assert.deepEqual(sent, [{ type: "mark", channel: 0, cursor: anew, left: 0 }]);
    assert.ok(flow.hasTold(anew));
  });

  it("is told later that what came from it is passed over: in time, after many, with more, or when it is wanted", () => {
    const at = (position: number) => ({
      logId: new Uint8Array(8),
      position,
      sum: BigInt(position),
    });
    const begun = () => {
      const sent: Message[] = [];
      const flow = new Outflow(0, flowHost([], sent));
      const same = { isSame: true, hasAll: true, waits: false };
      flow.begin({ tips: [], cursor: undefined, log: at(3), ...same });
      const passes = (to: number) => {
        flow.grew();
        flow.paged({ isValid: true, block: undefined, next: at(to), left: 0 });
      };
      passes(3);
      passes(4);
      assert.deepEqual(sent, []);
      return { sent, flow, passes };
    };
    const mark = (position: number) => ({
      type: "mark",
      channel: 0,
      cursor: at(position),
      left: 0,
    });
    const inTime = begun();
    inTime.flow.tick();
    inTime.flow.tick();
    assert.deepEqual(inTime.sent, [mark(4)]);
    const afterMany = begun();
    afterMany.passes(66);
    assert.deepEqual(afterMany.sent, []);
    afterMany.passes(67);
    assert.deepEqual(afterMany.sent, [mark(67)]);
    const withMore = begun();
    withMore.flow.grew();
    const block = packBlock([Uint8Array.of(1)]);
    withMore.flow.paged({ isValid: true, block, next: at(5), left: 0 });
    assert.deepEqual(withMore.sent, [{ type: "entries", channel: 0, ...block }, mark(5)]);
    const promised = begun();
    promised.flow.grew();
    promised.flow.paged({ isValid: true, block, next: at(5), left: 1 });
    promised.passes(6);
    assert.deepEqual(promised.sent.slice(1), [{ ...mark(5), left: 1 }, mark(6)]);
    const wanted = begun();
    wanted.flow.grew(true);
    wanted.flow.paged({ isValid: true, block: undefined, next: at(4), left: 0 });
    assert.deepEqual(wanted.sent, [mark(4)]);
  });

  it("opens trees in the order of its numbers, though one is watched sooner than another", () =>
    withCluster(async (cluster) => {
      const [first, second] = [await open(cluster), await open(cluster)];
      await exchange(cluster, second.rootId);
      const { growth } = cluster.peers[1]!.sync.native;
      const leave = await growth.watch(second.rootId, () => {});
      const recorder = new Recorder();
      const { client } = join(cluster, recorder);
      await Promise.all([first, second].map(({ rootId }) => client.follow(rootId).settled()));
      const opens = recorder.of("open").flatMap(({ message }) =>
        message.type === "open" ? [message.channel] : []
      );
      assert.deepEqual(opens, [0, 2]);
      leave();
      await client.close();
    }));
});

describe("what all sessions share", () => {
  it("a tree that could not be watched once can be watched again", () =>
    alone(async (cluster, db) => {
      const { host } = cluster.peers[0]!.sync.native.serving.host;
      let fails = true;
      const growth = new Growth({
        ...host,
        onWrite: (tree, handler, at) => {
          if (fails) return Promise.reject(new Error("not now"));
          return host.onWrite(tree, handler, at);
        },
      });
      await assert.rejects(growth.watch(db.rootId, () => {}), { message: "not now" });
      fails = false;
      let grown = 0;
      const leave = await growth.watch(db.rootId, () => void grown++);
      await put(db, "k", "w");
      assert.equal(grown, 1);
      leave();
    }));

  it("decisions that could not be watched once can be watched again", () =>
    alone(async (cluster) => {
      const { serving } = cluster.peers[0]!.sync.native;
      let fails = true;
      const database = {
        onWrite: (handler: () => void) => {
          if (fails) return Promise.reject(new Error("not now"));
          return serving.records.database.onWrite(handler);
        },
      };
      const records = { database, view: () => serving.records.view() };
      const requests = new AccessRequests({ ...serving, records } as unknown as Serving);
      await assert.rejects(requests.await("x", () => {}), { message: "not now" });
      fails = false;
      const leave = await requests.await("x", () => {});
      leave();
      requests.close();
    }));

  it("a table is made once for all who ask for it at once", () =>
    alone(async (cluster, { rootId }) => {
      const { tables } = cluster.peers[0]!.sync.native;
      const [one, other] = await Promise.all([tables.of(rootId), tables.of(rootId)]);
      assert.equal(one!.table, other!.table);
    }));

  it("proofs do not keep what they came in", () => {
    const proof = { key: new Uint8Array(32), signature: new Uint8Array(64) };
    const bytes = encodeMessage(openOf(ID.ofDagCbor(Uint8Array.of(9)), { proofs: [proof] }));
    const [frame] = decodeFrames(concat(bytes, encodeFrame(0x40, new Uint8Array(5000))), 2 ** 20);
    const message = decodeMessage(frame!, 2 ** 20);
    assert.ok(message?.type === "open");
    assert.equal(message.proofs[0]!.key.buffer.byteLength, 32);
    assert.equal(message.proofs[0]!.signature.buffer.byteLength, 64);
  });
});
