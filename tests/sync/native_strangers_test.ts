import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Database, DocStore, Entry, ID, PrivateKey } from "../../mod.ts";
import { packBlock } from "../../src/sync/native/block.ts";
import { encodeMessage } from "../../src/sync/native/codec.ts";
import { encodeFrame } from "../../src/sync/native/frames.ts";
import { deflate } from "../../src/sync/native/host/deflate.ts";
import { MAX_SESSIONS, MAX_SESSIONS_PER_ADDRESS } from "../../src/sync/native/host/admissions.ts";
import {
  ANSWERED_COMPARISONS,
  MESSAGE_BYTES,
  RANGES_BYTES,
  SESSION_LIMITS,
} from "../../src/sync/native/limits.ts";
import {
  type Entries,
  MAX_TIPS,
  type Message,
  type Ranges,
} from "../../src/sync/native/messages.ts";
import type { NativeChannel } from "../../src/sync/native/native_channel.ts";
import type { Range } from "../../src/sync/native/range_codec.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { concat } from "../../src/util/bytes.ts";
import { cases } from "../helpers/thorough.ts";
import { HandTimers, open, put, withCluster } from "./cluster_bed.ts";
import { hello, openOf, RawPeer } from "./raw_peer.ts";

const entriesOf = (bodies: readonly Uint8Array[], channel = 0): Entries => ({
  type: "entries",
  channel,
  ...packBlock(bodies),
});

const rangesOf = (...ranges: Range[]): Ranges => ({ type: "ranges", channel: 0, ranges });

async function alone(test: (cluster: Cluster, db: Database) => Promise<void>): Promise<void> {
  await withCluster(async (cluster) => {
    const db = await open(cluster);
    for (let n = 0; n < 4; n++) await put(db, `k${n}`, "v");
    await test(cluster, db);
  }, { peers: 1 });
}

describe("a stranger who has not proved a key", () => {
  const cannot: [what: string, code: string, messages: Message[]][] = [
    ["of another version", "VersionMismatch", [hello({ versions: [2, 3] })]],
    ["who wants another peer", "WrongPeer", [
      hello({ wantedKey: PrivateKey.generate().publicKey.bytes }),
    ]],
    ["who takes only small frames", "FrameLimitTooSmall", [hello({ frameLimit: 100_000 })]],
    ["who has signed something else", "BadProof", [
      hello(),
      { type: "proof", signature: new Uint8Array(64).fill(1) },
    ]],
    ["who begins with a proof", "Malformed", [{ type: "proof", signature: new Uint8Array(64) }]],
    ["who greets twice", "Malformed", [hello(), hello()]],
    ["who opens a tree", "Malformed", [hello(), openOf(ID.ofDagCbor(new Uint8Array(3)))]],
    ["whose key proves nothing", "BadProof", [
      hello({ key: new Uint8Array(32).fill(0).fill(1, 0, 1) }),
      { type: "proof", signature: new Uint8Array(64) },
    ]],
  ];
  for (const [what, code, messages] of cannot) {
    it(`${what} is refused with ${code}`, () =>
      alone(async (cluster) => {
        const raw = new RawPeer(cluster);
        raw.send(...messages);
        assert.equal(await raw.endedBy(), code);
        assert.equal((await raw.session.closed).code, code);
        await assert.rejects(raw.session.established, { code });
      }));
  }

  it("cannot use what was signed for another connection", () =>
    alone(async (cluster) => {
      const raw = new RawPeer(cluster);
      await raw.begin({}, { binding: "another" });
      assert.equal(await raw.endedBy(), "BadProof");
    }));

  it("may send so many bytes, and no more", () =>
    alone(async (cluster) => {
      const raw = new RawPeer(cluster);
      raw.sendBytes(encodeFrame(0x40, new Uint8Array(SESSION_LIMITS.bytesBeforeProof + 1)));
      assert.equal(await raw.endedBy(), "TooMuch");
      const slow = new RawPeer(cluster);
      const head = encodeFrame(0x40, new Uint8Array(200_000)).subarray(0, 5);
      slow.sendBytes(head);
      slow.sendBytes(new Uint8Array(40_000));
      slow.sendBytes(new Uint8Array(40_000));
      assert.equal(await slow.endedBy(), "TooMuch");
    }));

  it("may send so many frames, and no more", () =>
    alone(async (cluster) => {
      const raw = new RawPeer(cluster);
      for (let n = 0; n <= SESSION_LIMITS.framesBeforeProof; n++) {
        raw.sendBytes(encodeFrame(0x41, new Uint8Array(1)));
      }
      assert.equal(await raw.endedBy(), "TooMuch");
    }));

  it("has so much time, and no more", async () => {
    const [timers, clock] = [new HandTimers(), new FixedClock()];
    await withCluster(async (cluster) => {
      await open(cluster);
      const raw = new RawPeer(cluster);
      raw.send(hello());
      clock.advance(SESSION_LIMITS.proofMs + 1);
      timers.fire(10_000);
      assert.equal(await raw.endedBy(), "TooSlow");
    }, { peers: 1, clock, sync: { timers } });
  });

  it("is refused whatever it sends", () =>
    alone(async (cluster) => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
          const raw = new RawPeer(cluster);
          raw.sendBytes(bytes);
          raw.close();
          await raw.session.closed;
          await assert.rejects(raw.session.established);
        }),
        { numRuns: cases(30) },
      );
    }));
});

describe("sessions of strangers", () => {
  it("are so many at a time, and so many of one address", () =>
    alone(async (cluster) => {
      const { admissions } = cluster.peers[0]!.sync.native;
      const open = Array.from({ length: MAX_SESSIONS_PER_ADDRESS }, () => {
        return new RawPeer(cluster, { remote: "192.0.2.1" });
      });
      const refused = new RawPeer(cluster, { remote: "192.0.2.1" });
      assert.equal(await refused.endedBy(), "TooManySessions");
      assert.equal(admissions.open, MAX_SESSIONS_PER_ADDRESS);
      for (const raw of open) raw.close();
      await Promise.all(open.map(({ session }) => session.closed));
      assert.equal(admissions.open, 0);
      await (await new RawPeer(cluster, { remote: "192.0.2.1" }).begin()).session.established;
    }));

  it("count by the network where addresses are those of IPv6", () =>
    alone(async (cluster) => {
      const { admissions } = cluster.peers[0]!.sync.native;
      const raws = Array.from({ length: MAX_SESSIONS_PER_ADDRESS + 1 }, (_, n) => {
        return new RawPeer(cluster, { remote: `2001:db8:0:7:${n.toString(16)}::1` });
      });
      assert.equal(await raws.at(-1)!.endedBy(), "TooManySessions");
      const neighbour = new RawPeer(cluster, { remote: "2001:db8:0:8::1" });
      const mapped = new RawPeer(cluster, { remote: "::ffff:192.0.2.1" });
      assert.equal(admissions.open, MAX_SESSIONS_PER_ADDRESS + 2);
      for (const raw of [...raws, neighbour, mapped]) raw.close();
      await Promise.all([neighbour, mapped].map(({ session }) => session.closed));
    }));

  it("that are 10,000 and never prove a key keep no more than there is room for", () =>
    alone(async (cluster) => {
      const raws: RawPeer[] = [];
      for (let n = 0; n < 10_000; n++) {
        const raw = new RawPeer(cluster, { remote: `192.0.2.${n % 4000}` });
        if (raw.session.end === undefined) raws.push(raw);
      }
      assert.equal(raws.length, MAX_SESSIONS);
      for (const raw of raws) raw.close();
      await Promise.all(raws.map(({ session }) => session.closed));
      assert.equal(cluster.peers[0]!.sync.native.admissions.open, 0);
    }));

  it("of a peer that was thrown out are refused for an hour", () =>
    alone(async (cluster, { rootId }) => {
      const raw = new RawPeer(cluster, { limits: { invalid: 0 } });
      await raw.begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      raw.send(entriesOf([new Uint8Array(5)]));
      assert.equal(await raw.endedBy(), "TooManyInvalid");
      await raw.session.closed;
      const again = new RawPeer(cluster, {}, raw.key);
      await again.begin();
      const { code, retryMs } = await again.nextOf("close");
      assert.equal(code, "Banned");
      assert.ok(retryMs > 3_500_000 && retryMs <= 3_600_000);
      (cluster.peers[0]!.clock as FixedClock).advance(3_600_000);
      const later = new RawPeer(cluster, {}, raw.key);
      await later.begin();
      assert.equal((await later.session.established).isKnown, false);
    }));
});

describe("a stranger who has proved a key", () => {
  it("is told the same of trees that are unknown and that are not shared", () =>
    alone(async (cluster) => {
      const secret = await cluster.peers[0]!.user.createDatabase({ name: "secret" });
      const raw = await new RawPeer(cluster).begin();
      const unknown = ID.ofDagCbor(new Uint8Array(3));
      raw.send(openOf(secret.rootId), openOf(unknown, { channel: 2 }));
      const denied = [await raw.nextOf("deny"), await raw.nextOf("deny")];
      assert.deepEqual(denied.map(({ code }) => code), ["TreeNotFound", "TreeNotFound"]);
      const [first, second] = denied.map(({ message }) => message.replace(/bafy\w+/, "…"));
      assert.equal(first, second);
    }));

  it("opens so many channels, and no more", () =>
    alone(async (cluster, { rootId }) => {
      const raw = new RawPeer(cluster, { limits: { channels: 2 } });
      await raw.begin();
      const ids = [0, 2, 4].map((n) => n === 0 ? rootId : ID.ofDagCbor(Uint8Array.of(n)));
      raw.send(...ids.map((tree, at) => openOf(tree, { channel: 2 * at })));
      const deny = await raw.nextOf("deny");
      assert.deepEqual([deny.channel, deny.code, deny.retryMs], [4, "TooManyChannels", 1000]);
      assert.equal((await raw.nextOf("state")).mayRead, true);
    }));

  it("opens a tree once, and with numbers of its own", () =>
    alone(async (cluster, { rootId }) => {
      const twice = await new RawPeer(cluster).begin();
      twice.send(openOf(rootId), openOf(rootId, { channel: 2 }));
      assert.equal((await twice.nextOf("deny")).code, "Crossed");
      twice.send(openOf(rootId));
      assert.equal(await twice.endedBy(), "Malformed");
      const odd = await new RawPeer(cluster).begin();
      odd.send(openOf(rootId, { channel: 1 }));
      assert.equal(await odd.endedBy(), "Malformed");
    }));

  it("cannot use a number again, so that no answer is taken for another", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      const secret = await cluster.peers[0]!.user.createDatabase({ name: "secret" });
      raw.send(openOf(rootId), { type: "deny", channel: 0, code: "x", message: "", retryMs: 0 });
      raw.send(openOf(secret.rootId));
      assert.equal(await raw.endedBy(), "Malformed");
      assert.equal(raw.received("state").length, 0);
    }));

  it("has so many proofs checked, and no more; a wrong one opens nothing", () =>
    alone(async (cluster, { rootId }) => {
      const raw = new RawPeer(cluster, { limits: { proofs: 1 } });
      await raw.begin();
      const key = PrivateKey.generate();
      const wrong = { key: key.publicKey.bytes, signature: key.sign(new Uint8Array(3)) };
      raw.send(openOf(rootId, { proofs: [wrong] }));
      assert.equal((await raw.nextOf("deny")).code, "BadProof");
      raw.send(openOf(rootId, { channel: 2, proofs: [wrong] }));
      assert.equal((await raw.nextOf("deny")).code, "TooManyProofs");
    }));

  it("cannot send entries before it was told that they are taken", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId), entriesOf([new Uint8Array(9)]));
      assert.equal(await raw.endedBy(), "NotAllowed");
    }));

  it("cannot answer what was not asked", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      const told = { mayRead: true, mayWrite: true, sends: false, isSame: false, count: 0 };
      const nothing = { tips: [], held: [], log: undefined, cursor: undefined };
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      raw.send({ type: "state", channel: 0, ...told, ...nothing });
      assert.equal(await raw.endedBy(), "NotAllowed");
    }));

  it("asks a few things before it is answered, and no more", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId));
      for (let n = 0; n < 9; n++) raw.send({ type: "want", channel: 0, ids: [rootId] });
      assert.equal(await raw.endedBy(), "TooMuch");
    }));

  it("that tells as many tips as can be told is not taken to hold all", () =>
    alone(async (cluster, db) => {
      const at = await db.snapshot();
      for (let n = 0; n < MAX_TIPS; n++) {
        const tx = await db.newTransaction({ at });
        await (await tx.getStore(DocStore, "s")).set("k", `${n}`);
        await tx.commit();
      }
      const { tips } = await db.snapshot();
      assert.equal(tips.length, MAX_TIPS);
      const served: NativeChannel[] = [];
      const raw = new RawPeer(cluster, { onServed: (channel) => void served.push(channel) });
      await raw.begin();
      raw.send(openOf(db.rootId, { tips }));
      assert.equal((await raw.nextOf("state")).isSame, false);
      await raw.nextOf("mark");
      assert.equal(served[0]!.reached, undefined);
    }));

  it("spends its credit, and no more", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      for (let n = 0; n < 5; n++) raw.send(entriesOf([new Uint8Array(200_000)]));
      assert.equal(await raw.endedBy(), "CreditExceeded");
    }));

  it("gets its credit back for what was refused, and for channels that have ended", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      raw.send(entriesOf([new Uint8Array(1000)]));
      const { bytes } = await raw.nextOf("credit");
      assert.equal(bytes, packBlock([new Uint8Array(1000)]).body.length + 64);
      raw.send({ type: "deny", channel: 0, code: "Closed", message: "", retryMs: 0 });
      raw.send(entriesOf([new Uint8Array(1000)]));
      assert.equal((await raw.nextOf("credit")).bytes, bytes);
    }));

  it("is thrown out after so many entries that nobody honest sends", () =>
    alone(async (cluster, { rootId }) => {
      const other = await cluster.peers[0]!.user.createDatabase({ name: "other" });
      const [foreign] = await cluster.entries(0, other.rootId);
      const raw = new RawPeer(cluster, { limits: { invalid: 3 } });
      await raw.begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      raw.send(entriesOf([foreign!.bytes, new Uint8Array(5), foreign!.bytes]));
      const stored = await raw.nextOf("stored");
      assert.deepEqual([stored.refused, stored.code], [3, "EntryOfOtherTree"]);
      raw.send(entriesOf([foreign!.bytes]));
      const close = await raw.nextOf("close");
      assert.deepEqual([close.code, close.retryMs], ["TooManyInvalid", 3_600_000]);
    }));

  it("is thrown out for these also where it ends the channel before they are dealt with", () =>
    alone(async (cluster, { rootId }) => {
      const raw = new RawPeer(cluster, { limits: { invalid: 3 } });
      await raw.begin();
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      const junk = entriesOf([1, 2, 3, 4].map((length) => new Uint8Array(length)));
      const ends: Message = { type: "deny", channel: 0, code: "Closed", message: "", retryMs: 0 };
      raw.sendBytes(concat(encodeMessage(junk), encodeMessage(ends)));
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      assert.equal(await raw.endedBy(), "TooManyInvalid");
    }));

  it("cannot hide a flood in a deflated block, nor say another number of entries", () =>
    alone(async (cluster, { rootId }) => {
      const bomb = await deflate(new Uint8Array(3_000_000));
      const blocks = [{ deflated: true, count: 1, body: bomb }, {
        ...packBlock([new Uint8Array(3)]),
        count: 2,
      }];
      for (const block of blocks) {
        const raw = await new RawPeer(cluster).begin();
        raw.send(openOf(rootId));
        await raw.nextOf("state");
        raw.send({ type: "entries", channel: 0, ...block });
        assert.equal((await raw.nextOf("deny")).code, "Malformed");
      }
    }));

  it("gets no entries of other trees by asking for them", () =>
    alone(async (cluster, { rootId }) => {
      const other = await cluster.peers[0]!.user.createDatabase({ name: "other" });
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId));
      await raw.nextOf("mark");
      raw.send({ type: "want", channel: 0, ids: [other.rootId, ID.ofDagCbor(new Uint8Array(1))] });
      raw.send({ type: "want", channel: 0, ids: [rootId] });
      const { count, body } = await raw.nextOf("entries");
      assert.equal(count, 1);
      assert.equal(`${Entry.decode(body.subarray(2)).id}`, `${rootId}`);
    }));

  it("asks for so many entries at a time, and no more", () =>
    alone(async (cluster, { rootId }) => {
      const raw = new RawPeer(cluster, { limits: { wanted: 10 } });
      await raw.begin({ credit: 0 });
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      for (let n = 0; n < 3; n++) {
        raw.send({ type: "want", channel: 0, ids: [rootId, rootId, rootId, rootId] });
      }
      assert.equal(await raw.endedBy(), "TooManyWanted");
    }));

  it("who grants nothing gets nothing, until it does", () =>
    alone(async (cluster, db) => {
      const raw = await new RawPeer(cluster).begin({ credit: 0 });
      raw.send(openOf(db.rootId, { live: true }));
      await raw.nextOf("state");
      for (let n = 0; n < 3; n++) await put(db, "k", `${n}`);
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      await raw.nextOf("ping");
      assert.equal(raw.received("entries").length, 0);
      raw.send({ type: "credit", bytes: 1_000_000 });
      assert.ok((await raw.nextOf("entries")).count > 3);
    }));

  it("who never acknowledges gets what it has granted, then tips, once", () =>
    alone(async (cluster, db) => {
      const raw = await new RawPeer(cluster).begin({ credit: 5000 });
      raw.send(openOf(db.rootId, { live: true }));
      assert.equal((await raw.nextOf("mark")).left, 0);
      for (let n = 0; n < 20; n++) await put(db, "k", "v".repeat(500));
      await raw.nextOf("tips");
      for (let n = 0; n < 5; n++) await put(db, "k", "v".repeat(500));
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      await raw.nextOf("ping");
      const bytes = raw.received("entries").reduce((sum, { body }) => sum + body.length, 0);
      assert.ok(bytes <= 5000 + 1500, `${bytes}`);
      assert.equal(raw.received("tips").length, 1);
    }));

  it("who lies in every fingerprint is sent everything once, and thrown out", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId, { tips: [ID.ofDagCbor(new Uint8Array(7))] }));
      await raw.nextOf("state");
      const lie = rangesOf({ mode: "fingerprint", upper: undefined, sum: 5n, count: 1000 });
      for (let round = 0; round < SESSION_LIMITS.rangeRounds; round++) {
        raw.send(lie);
        assert.ok((await raw.nextOf("ranges")).ranges.length > 0);
      }
      raw.send(lie);
      assert.ok((await raw.nextOf("entries")).count >= 5);
      raw.send(lie);
      assert.equal(await raw.endedBy(), "TooManyRounds");
    }));

  it("gets short answers to the longest messages about ranges", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.send(openOf(rootId, { tips: [ID.ofDagCbor(new Uint8Array(7))] }));
      await raw.nextOf("state");
      const ranges = Array.from({ length: 4096 }, (_, at): Range => ({
        mode: "fingerprint",
        upper: at === 4095 ? undefined : { height: at, prefix: Uint8Array.of(at & 255) },
        sum: BigInt(at),
        count: 7,
      }));
      raw.send(rangesOf(...ranges));
      const answer = await raw.nextOf("ranges");
      assert.ok(answer.ranges.length <= 4096);
      assert.ok(encodeMessage(answer).length < RANGES_BYTES + 4096);
    }));

  it("has ranges compared on so many channels at a time, and no more", () =>
    alone(async (cluster) => {
      const raw = await new RawPeer(cluster).begin();
      const tips = [ID.ofDagCbor(new Uint8Array(7))];
      const channels = Array.from({ length: ANSWERED_COMPARISONS + 1 }, (_, at) => 2 * at);
      for (const channel of channels) {
        const { rootId } = await open(cluster);
        raw.send(openOf(rootId, { channel, tips }));
        await raw.nextOf("state");
      }
      const lie: Range = { mode: "fingerprint", upper: undefined, sum: 5n, count: 1000 };
      for (const channel of channels) raw.send({ type: "ranges", channel, ranges: [lie] });
      const { channel, code, retryMs } = await raw.nextOf("deny");
      assert.deepEqual([channel, code, retryMs], [2 * ANSWERED_COMPARISONS, "Busy", 1000]);
      const most = ANSWERED_COMPARISONS;
      for (let n = raw.received("ranges").length; n < most; n++) await raw.nextOf("ranges");
    }));

  it("cannot have a message kept that is longer than any is", () =>
    alone(async (cluster) => {
      const raw = await new RawPeer(cluster).begin();
      raw.sendBytes(encodeFrame(0x05, new Uint8Array(MESSAGE_BYTES + 1)));
      assert.equal(await raw.endedBy(), "Malformed");
    }));

  it("says what later versions say, and is not misunderstood", () =>
    alone(async (cluster, { rootId }) => {
      const raw = await new RawPeer(cluster).begin();
      raw.sendBytes(encodeFrame(0x47, new Uint8Array(100)));
      raw.send(openOf(rootId));
      await raw.nextOf("state");
      raw.sendBytes(encodeFrame(0x3f, new Uint8Array(1)));
      assert.equal(await raw.endedBy(), "Malformed");
    }));

  it("that falls silent is asked, and then taken for gone", async () => {
    const [timers, clock] = [new HandTimers(), new FixedClock()];
    await withCluster(async (cluster) => {
      await open(cluster);
      const raw = await new RawPeer(cluster).begin();
      await raw.session.established;
      for (let n = 0; n < 6; n++) {
        clock.advance(5000);
        timers.fire(10_000);
      }
      assert.equal((await raw.nextOf("ping")).isAnswer, false);
      for (let n = 0; n < 8; n++) {
        clock.advance(5000);
        timers.fire(10_000);
      }
      assert.equal(await raw.endedBy(), "Silent");
    }, { peers: 1, clock, sync: { timers } });
  });

  it("sends any messages in any order, and nothing breaks", () =>
    alone(async (cluster, { rootId }) => {
      const any = anyMessages(rootId);
      await fc.assert(
        fc.asyncProperty(fc.array(any, { maxLength: 12 }), async (messages) => {
          const raw = await new RawPeer(cluster).begin();
          await raw.session.established;
          raw.send(openOf(rootId), ...messages);
          raw.close();
          await raw.session.closed;
        }),
        { numRuns: cases(40) },
      );
      assert.ok((await cluster.entries(0, rootId)).length >= 5);
    }));
});

/** Messages that make sense, one by one. */
function anyMessages(tree: ID): fc.Arbitrary<Message> {
  const cursor = { logId: new Uint8Array(8), position: 3, sum: 4n };
  const stored = { verified: 0, waiting: 0, failed: 0, refused: 1, code: "x" };
  const access = { id: "x", permission: "write:5", message: "" };
  return fc.constantFrom<Message>(
    { type: "ranges", channel: 0, ranges: [] },
    rangesOf({ mode: "list", upper: undefined, ids: [] }),
    rangesOf({ mode: "wanted", upper: undefined, bits: new Uint8Array(4).fill(255) }),
    rangesOf({ mode: "fingerprint", upper: undefined, sum: 1n, count: 0 }),
    { type: "want", channel: 0, ids: [tree] },
    entriesOf([new Uint8Array(40)]),
    { type: "mark", channel: 0, cursor, left: 0 },
    { type: "stored", channel: 0, cursor, ...stored },
    { type: "credit", bytes: 1 },
    { type: "credit", bytes: Number.MAX_SAFE_INTEGER },
    { type: "tips", channel: 0, tips: [tree], log: undefined },
    { type: "deny", channel: 0, code: "x", message: "y", retryMs: 3 },
    { type: "ping", isAnswer: true, token: new Uint8Array(8) },
    { type: "access", channel: 0, state: "approved", ...access },
    { type: "access", channel: 0, state: "rejected", ...access },
    { type: "access", channel: 7, state: "request", ...access },
    { type: "access", channel: 0, state: "request", ...access, permission: "nothing" },
    openOf(tree, { channel: 2, cursor }),
  );
}
