import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Database, ID } from "../../mod.ts";
import { packBlock } from "../../src/sync/native/block.ts";
import type { Range } from "../../src/sync/native/range_codec.ts";
import { ANSWERED_COMPARISONS, COMPARISONS } from "../../src/sync/native/limits.ts";
import type { State } from "../../src/sync/native/messages.ts";
import type { NativeChannel } from "../../src/sync/native/native_channel.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { open, put, withCluster } from "./cluster_bed.ts";
import { exchange } from "./native_run.ts";
import { RawPeer } from "./raw_peer.ts";

const cursor = { logId: new Uint8Array(8).fill(9), position: 40, sum: 4n };
const stored = { verified: 0, waiting: 0, failed: 0, refused: 0, code: "" };

const stateOf = (changes: Partial<State> = {}): State => ({
  type: "state",
  channel: 0,
  mayRead: true,
  mayWrite: true,
  sends: false,
  isSame: false,
  tips: [],
  held: [],
  count: 0,
  log: undefined,
  cursor: undefined,
  ...changes,
});

/** A server made by hand, from which the first peer follows its own tree, and what it has sent to open it. */
async function following(
  test: (
    it: { raw: RawPeer; channel: NativeChannel; db: Database; cluster: Cluster },
  ) => Promise<void>,
  limits: { readonly credit?: number } = {},
): Promise<void> {
  await withCluster(async (cluster) => {
    const db = await open(cluster);
    for (let n = 0; n < 6; n++) await put(db, `k${n}`, "v");
    const raw = new RawPeer(cluster, { role: "client" });
    await raw.begin(limits);
    const channel = raw.session.follow(db.rootId);
    await raw.nextOf("open");
    await test({ raw, channel, db, cluster });
    await raw.session.close();
    await exchange(cluster, db.rootId);
    assert.ok(await cluster.converged(db.rootId));
  });
}

describe("a server of the native protocol that is not honest, or another", () => {
  it("takes no entries: it is sent none, and answered all the same", () =>
    following(async ({ raw, db }) => {
      raw.send(
        stateOf({ mayWrite: false, tips: [ID.ofDagCbor(new Uint8Array(3))], held: [false] }),
      );
      const { ranges } = await raw.nextOf("ranges");
      assert.ok(ranges.length > 0);
      raw.send({
        type: "ranges",
        channel: 0,
        ranges: [{ mode: "list", upper: undefined, ids: [] }],
      });
      await put(db, "more", "v");
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      await raw.nextOf("ping");
      assert.equal(raw.received("entries").length, 0);
    }));

  it("says that it has all: it is believed, and loses nothing but time", () =>
    following(async ({ raw, channel, db }) => {
      raw.send(stateOf({ isSame: true, sends: true, log: cursor }));
      await channel.settled();
      await put(db, "more", "v");
      assert.equal((await raw.nextOf("entries")).count, 1);
    }));

  it("names places of a log that is none, and tips that are none", () =>
    following(async ({ raw }) => {
      raw.send(stateOf({ cursor, tips: [ID.ofDagCbor(new Uint8Array(3))], sends: true }));
      raw.send({ type: "stored", channel: 0, cursor, ...stored });
      raw.send({ type: "mark", channel: 0, cursor, left: 0 });
      await raw.nextOf("ranges");
      raw.send({ type: "ranges", channel: 0, ranges: [] });
      await raw.nextOf("mark");
    }));

  it("says that it has stored what it was never sent: it is not believed", () =>
    following(async ({ raw, channel }) => {
      raw.send(stateOf());
      const { cursor: sent } = await raw.nextOf("mark");
      const lies = [cursor, { ...sent, position: 40 }, { ...sent, logId: cursor.logId }];
      for (const lie of lies) raw.send({ type: "stored", channel: 0, cursor: lie, ...stored });
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      await raw.nextOf("ping");
      assert.equal(channel.reached, undefined);
      raw.send({ type: "stored", channel: 0, cursor: sent, ...stored });
      raw.send({ type: "ping", isAnswer: false, token: new Uint8Array(8) });
      await raw.nextOf("ping");
      assert.deepEqual(channel.reached, sent);
    }));

  it("promises entries and sends others: these are refused, and nothing is kept of the promise", () =>
    following(async ({ raw, channel, cluster }) => {
      const other = await cluster.peers[0]!.user.createDatabase({ name: "other" });
      const [foreign] = await cluster.entries(0, other.rootId);
      raw.send(stateOf({ tips: [ID.ofDagCbor(new Uint8Array(3))], sends: true }));
      raw.send({ type: "entries", channel: 0, ...packBlock([foreign!.bytes]) });
      const { refused, code } = await raw.nextOf("stored");
      assert.deepEqual([refused, code], [1, "EntryOfOtherTree"]);
      assert.equal(channel.counts.refused, 1);
    }));

  it("never acknowledges: whoever waits for it is told when it is gone", () =>
    following(async ({ raw, channel }) => {
      raw.send(stateOf());
      await raw.nextOf("mark");
      const settled = assert.rejects(channel.settled(), { code: "Network" });
      raw.close();
      await settled;
    }));

  it("denies later, and says when to come again", () =>
    following(async ({ raw, channel }) => {
      raw.send(stateOf({ tips: [ID.ofDagCbor(new Uint8Array(3))], sends: true }));
      await channel.opened;
      raw.send({ type: "deny", channel: 0, code: "Busy", message: "later", retryMs: 5000 });
      await assert.rejects(channel.settled(), { code: "Busy", retryMs: 5000 });
    }));

  it("has ranges compared where there is no room for it: whoever follows is told that this has ended", () =>
    withCluster(async (cluster) => {
      const raw = await new RawPeer(cluster, { role: "client" }).begin();
      // What was begun here takes no room of what the other side begins.
      const last = 2 * (COMPARISONS + ANSWERED_COMPARISONS);
      const channels: NativeChannel[] = [];
      for (let channel = 0; channel <= last; channel += 2) {
        channels.push(raw.session.follow((await open(cluster)).rootId));
        await raw.nextOf("open");
        raw.send(stateOf({ channel, tips: [ID.ofDagCbor(new Uint8Array(3))], held: [false] }));
        if (channel < 2 * COMPARISONS) await raw.nextOf("ranges");
      }
      const told: Range = { mode: "fingerprint", upper: undefined, sum: 5n, count: 1000 };
      for (let channel = 2 * COMPARISONS; channel <= last; channel += 2) {
        raw.send({ type: "ranges", channel, ranges: [told] });
        if (channel < last) assert.equal((await raw.nextOf("ranges")).channel, channel);
      }
      const { channel, code } = await raw.nextOf("deny");
      assert.deepEqual([channel, code], [last, "Busy"]);
      assert.equal((channels.at(-1)!.failure as { code?: string } | undefined)?.code, "Busy");
      await assert.rejects(channels.at(-1)!.settled(), { code: "Busy", retryMs: 1000 });
      assert.equal(channels[0]!.failure, undefined);
      await raw.session.close();
    }, { peers: 1 }));

  it("grants only a little: it is sent a little", () =>
    following(async ({ raw, channel }) => {
      raw.send(stateOf());
      const first = await raw.nextOf("entries");
      assert.ok(first.body.length <= 1200, `${first.body.length}`);
      let sent = first.count;
      for (let size = first.body.length; sent < channel.counts.sent || sent < 8;) {
        raw.send({ type: "credit", bytes: size + 64 });
        const next = await raw.nextOf("entries");
        [sent, size] = [sent + next.count, next.body.length];
        if (sent >= 8) break;
      }
      assert.equal(sent, 8);
    }, { credit: 700 }));
});
