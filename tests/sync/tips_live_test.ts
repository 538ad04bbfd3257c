import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AuthKey, type Database, Permission } from "../../mod.ts";
import { NATIVE_EVENTS_PATH } from "../../src/sync/http/tips_route.ts";
import { DatabaseTicket } from "../../src/sync/ticket.ts";
import { NATIVE_RETRY_MS } from "../../src/sync/worker/live_peer.ts";
import { systemTimers, type Timers } from "../../src/sync/worker/timers.ts";
import { arrives, joinedLive, madeBy, type Node, put, withNodes } from "./live_bed.ts";
import { withoutUpgrades } from "./post_bed.ts";

/** Nothing that comes by itself after a while brings what a stream should have told of. */
const NO_SECOND_TRIES: Timers = {
  after: (ms, call, isAwaited) =>
    ms >= NATIVE_RETRY_MS ? () => {} : systemTimers.after(ms, call, isAwaited),
};

const httpAt = (address: string) => ({ transportType: "http", address });

/** A copy that is kept in step with requests and streams alone. */
async function copied(away: Node, db: Database, address: string): Promise<Database> {
  const at = httpAt(address);
  const copy = await away.user.join(new DatabaseTicket(db.rootId, [at]));
  await (await away.sync.follow(copy, { peers: [at] })).synced();
  return copy;
}

/** Resolves when something holds, which nobody tells of. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("followers of tips", () => {
  it("have what is committed elsewhere without asking again and again, also after cuts", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const away = await nodes.node({ timers: NO_SECOND_TRIES });
      const db = await madeBy(home);
      const second = await madeBy(home, "second");
      await withoutUpgrades(home, async (address, counts, cut) => {
        const { streams } = home.sync.native;
        const copy = await copied(away, db, address);
        await put(db, "first", "1");
        await arrives(copy, "first", "1");
        await until(() => streams.open === 1);
        await put(db, "then", "2");
        await arrives(copy, "then", "2");
        cut();
        await put(db, "cut", "3");
        await arrives(copy, "cut", "3");
        // One stream for all.
        const other = await copied(away, second, address);
        await put(second, "k", "4");
        await arrives(other, "k", "4");
        await put(db, "k", "5");
        await arrives(copy, "k", "5");
        await until(() => streams.open === 1);
        // What this side commits comes back as tips that it has.
        const before = counts.get(NATIVE_EVENTS_PATH);
        await put(copy, "own", "6");
        await away.sync.flush();
        await arrives(db, "own", "6");
        assert.equal(counts.get(NATIVE_EVENTS_PATH), before);
        await away.sync.close();
        await until(() => streams.open === 0);
      });
    }));

  it("go on at another address of the peer when the one at which they began answers no more", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const away = await nodes.node({ timers: NO_SECOND_TRIES });
      const db = await madeBy(home);
      await withoutUpgrades(home, async (second) => {
        await withoutUpgrades(home, async (first, _counts, cut) => {
          const copy = await copied(away, db, first);
          await until(() => home.sync.native.streams.open === 1);
          await away.sync.addPeerAddress(home.instance.id, httpAt(second));
          cut(true);
          await put(db, "k", "v");
          await arrives(copy, "k", "v");
          await until(() => home.sync.native.streams.open === 1);
          await away.sync.close();
        });
      });
    }));

  it("ask at no address that was removed", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const away = await nodes.node({ timers: NO_SECOND_TRIES });
      const db = await madeBy(home);
      await withoutUpgrades(home, async (second) => {
        await withoutUpgrades(home, async (first, counts, cut) => {
          const copy = await copied(away, db, first);
          await until(() => home.sync.native.streams.open === 1);
          await away.sync.addPeerAddress(home.instance.id, httpAt(second));
          await away.sync.removePeerAddress(home.instance.id, httpAt(first));
          const before = counts.get(NATIVE_EVENTS_PATH);
          cut();
          await put(db, "k", "v");
          await arrives(copy, "k", "v");
          assert.equal(counts.get(NATIVE_EVENTS_PATH), before);
          await away.sync.close();
        });
      });
    }));

  it("close the stream when they may not read any more", () =>
    withNodes(async (nodes) => {
      const home = await nodes.node();
      const away = await nodes.node({ timers: NO_SECOND_TRIES });
      const db = await madeBy(home);
      await withoutUpgrades(home, async (address) => {
        await copied(away, db, address);
        await until(() => home.sync.native.streams.open === 1);
        await db.withTransaction(async (tx) => {
          const settings = tx.getSettings();
          await settings.setGlobalAuthKey(new AuthKey(undefined, Permission.write(10), "Revoked"));
        });
        await until(() => home.sync.native.streams.open === 0);
        await away.sync.close();
      });
    }));

  it("open none where a session brings everything", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const away = await nodes.node();
      const db = await madeBy(home);
      const copy = await joinedLive(home, away, db);
      await put(db, "k", "v");
      await arrives(copy, "k", "v");
      assert.equal(home.sync.native.streams.open, 0);
    }));

  it("leave no stream behind at a server when they go without a word", () =>
    withNodes(async (nodes) => {
      const home = await nodes.server();
      const db = await madeBy(home);
      const url = `http://${home.server.address}${NATIVE_EVENTS_PATH}?tree=${db.rootId}`;
      const gone = new AbortController();
      const response = await fetch(url, { signal: gone.signal });
      await response.body!.getReader().read();
      assert.equal(home.sync.native.streams.open, 1);
      gone.abort();
      await until(() => home.sync.native.streams.open === 0);
    }));
});
