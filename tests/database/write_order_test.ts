import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Database,
  DocStore,
  type Entry,
  type ID,
  Instance,
  NewUser,
  Snapshot,
  type User,
  type WriteEvent,
} from "../../mod.ts";
import { compareInTree } from "../../src/backend/tree/walk.ts";
import { peerWith, withDb } from "./bed.ts";
import { OWN_SOURCE } from "../helpers/instances.ts";
import { newUrl } from "../helpers/storages.ts";

async function commit(db: Database, key: string, at?: Snapshot): Promise<ID> {
  const tx = await db.newTransaction(at === undefined ? {} : { at });
  await (await tx.getStore(DocStore, "s")).set(key, "v");
  return await tx.commit();
}

const idsOf = (event: WriteEvent): string[] => event.entries.map((entry) => `${entry.id}`);
const VERIFIED = { verification: "Verified", source: "local" } as const;

/** Two instances on one storage, as two processes would have it. */
async function withTwoProcesses(
  test: (mine: Database, theirs: Database, second: Instance) => Promise<void>,
): Promise<void> {
  const url = await newUrl();
  const first = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const mine = await first.user!.createDatabase({ name: "shared" });
  const second = await Instance.connect(url);
  // A promise that only another process's write settles does not keep the event loop alive.
  const keepAlive = setInterval(() => {}, 1000);
  try {
    const theirs = await (await second.loginUser("ada")).openDatabase(mine.rootId);
    await test(mine, theirs, second);
  } finally {
    clearInterval(keepAlive);
    await second.close();
    await first.instance.close();
  }
}

/** A settings entry and siblings that pin it; those that sort before it are judged after it. */
async function withSettingsInTheMiddle(
  user: User,
): Promise<{ db: Database; settings: Entry; siblings: Entry[] }> {
  for (;;) {
    const db = await user.createDatabase({ name: "fork" });
    const fork = await db.snapshot();
    const rename = await db.newTransaction({ at: fork });
    await rename.getSettings().setName("renamed");
    const settings = await db.getEntry(await rename.commit());
    const siblings: Entry[] = [];
    for (let at = 0; at < 8; at++) {
      siblings.push(await db.getEntry(await commit(db, `k${at}`, fork)));
    }
    const before = siblings.filter((entry) => compareInTree(entry, settings) < 0);
    if (before.length > 1 && before.length < 7) return { db, settings, siblings };
  }
}

/** Does something after some microtasks; at once if `count` is 0. */
async function ticks<T>(count: number, work: () => Promise<T>): Promise<T> {
  for (let at = 0; at < count; at++) await undefined;
  return await work();
}

/** Puts entries, and registers a handler some microtasks after the first. */
async function registerAmongWrites(root: ID, all: readonly Entry[], lag: number): Promise<void> {
  const peer = await peerWith([all[0]!]);
  const [early, late]: [WriteEvent[], WriteEvent[]] = [[], []];
  const put = (entry: Entry, after: number) =>
    ticks(after, () => peer.putEntry(root, entry, VERIFIED));
  (await peer.host.onWrite(root, (event) => void early.push(event))).detach();
  await Promise.all([
    put(all[1]!, 0),
    put(all[2]!, lag % 6),
    ticks(Math.floor(lag / 6), () => peer.host.onWrite(root, (event) => void late.push(event))),
    put(all[3]!, lag % 6 + Math.floor(lag / 6)),
  ]);
  await peer.putEntry(root, all[4]!, VERIFIED);
  assert.deepEqual(early.map(idsOf), all.slice(1).map((entry) => [`${entry.id}`]));
  assert.ok(late.length > 0);
  assert.deepEqual(late.map(idsOf), early.slice(-late.length).map(idsOf), `lag ${lag}`);
  for (const [at, event] of late.entries()) {
    assert.ok(event.previousTips.equals(early.at(at - late.length)!.previousTips), `lag ${lag}`);
    assert.ok(event.postTips.equals(early.at(at - late.length)!.postTips), `lag ${lag}`);
  }
  await peer.close();
}

describe("the order of write events", () => {
  it("00 §C1 the entries of an event stand in fold order, whatever order they were judged in", () =>
    withDb(async ({ user }) => {
      const { db, settings, siblings } = await withSettingsInTheMiddle(user);
      const peer = await peerWith([await db.getRoot()]);
      const copy = await Database.open(peer, db.rootId);
      const events: WriteEvent[] = [];
      (await copy.onWrite((event) => void events.push(event))).detach();
      await peer.putRemoteEntries(db.rootId, [...siblings, settings]);
      assert.equal(events.length, 1);
      const wanted = [...siblings, settings].sort(compareInTree).map((entry) => `${entry.id}`);
      assert.deepEqual(idsOf(events[0]!), wanted);
      await peer.close();
    }));

  it("06#56 a handler registered among queued writes hears of every write behind it, once", () =>
    withDb(async ({ db }) => {
      for (const key of ["a", "b", "c", "d"]) await commit(db, key);
      const all = await db.getAllEntries();
      for (let lag = 0; lag < 36; lag++) await registerAmongWrites(db.rootId, all, lag);
    }));

  it("06#60 all synchronous parts run before any asynchronous part goes on", () =>
    withDb(async ({ db }) => {
      const order: string[] = [];
      for (const name of ["one", "two", "three"]) {
        (await db.onWrite(async (event) => {
          order.push(`${name} begins`);
          await db.getEntry(event.entries[0]!.id);
          order.push(`${name} ends`);
        })).detach();
      }
      await commit(db, "a");
      assert.deepEqual(order.slice(0, 3), ["one begins", "two begins", "three begins"]);
      assert.deepEqual(order.slice(3).sort(), ["one ends", "three ends", "two ends"]);
    }));

  it("06#58,#59,#61 handlers that throw, reject, commit, and end each other while an event runs", () =>
    withDb(async ({ db }) => {
      const seen: string[] = [];
      (await db.onWrite(() => {
        throw new Error("thrown");
      })).detach();
      const first = await db.onWrite(() => {
        seen.push("first");
        second[Symbol.dispose]();
        first[Symbol.dispose]();
      });
      const second = await db.onWrite(() => void seen.push("second"));
      (await db.onWrite(async (event, database) => {
        seen.push(`third ${event.source}`);
        assert.equal(database.key, undefined);
        if (seen.filter((text) => text.startsWith("third")).length < 3) await commit(db, "more");
        throw new Error("rejected");
      })).detach();
      await commit(db, "a");
      await commit(db, "b");
      assert.equal(seen.filter((text) => text === "first").length, 1);
      assert.ok(seen.filter((text) => text === "second").length <= 1);
      assert.equal(seen.filter((text) => text === `third ${OWN_SOURCE}`).length, 4);
      assert.equal((await db.getAllEntries()).length, 5);
    }));

  it("06#61 a handler of a promotion may verify and commit to its tree", () =>
    withDb(async ({ user, db }) => {
      await commit(db, "a");
      const peer = await peerWith([]);
      for (const entry of await db.getAllEntries()) await peer.backend.put(entry);
      const copy = (await Database.open(peer, db.rootId)).withKey(
        user.signingKey(user.defaultKey()),
      );
      const sources: string[] = [];
      (await copy.onWrite(async (event, database) => {
        sources.push(`${event.source} ${event.entries.length}`);
        assert.deepEqual(await database.verify(), { verified: 0, failed: 0, stillUnverified: 0 });
        if (event.source === "remote") await commit(copy, "answer");
      })).detach();
      assert.equal((await copy.verify()).verified, 2);
      assert.deepEqual(sources, ["remote 2", "local 1"]);
      await peer.close();
    }));

  it("00 §C1 the creation of a database is an event of its real root for those who hear all", () =>
    withDb(async ({ instance, user }) => {
      const heard: [string, string[], number][] = [];
      instance.host.onAnyWrite((tree, event) => {
        heard.push([`${tree}`, idsOf(event), event.previousTips.length]);
      });
      const made = await user.createDatabase({ name: "new" });
      const own = heard.filter(([tree]) => tree === `${made.rootId}`);
      assert.deepEqual(own, [[`${made.rootId}`, [`${made.rootId}`], 0]]);
    }));

  it("06#55 a handler that begins before the root hears of everything, once", () =>
    withDb(async ({ db }) => {
      for (const key of ["a", "b"]) await commit(db, key);
      const all = await db.getAllEntries();
      const peer = await peerWith([]);
      const events: WriteEvent[] = [];
      const handle = await peer.host.onWrite(db.rootId, (event) => void events.push(event));
      await peer.putRemoteEntries(db.rootId, [...all].reverse());
      assert.deepEqual(events.map(idsOf), [all.map((entry) => `${entry.id}`)]);
      assert.ok(events[0]!.previousTips.equals(Snapshot.EMPTY));
      handle[Symbol.dispose]();
      await peer.close();
    }));
});

/** Entries on top of the root, which neither process holds yet. */
async function branches(
  db: Database,
  signed: Database,
  count: number,
): Promise<{ entries: Entry[]; close: () => Promise<void> }> {
  const peer = await peerWith([await db.getRoot()]);
  const copy = (await Database.open(peer, db.rootId)).withKey(signed.key!);
  const at = await copy.snapshot();
  const entries: Entry[] = [];
  for (let each = 0; each < count; each++) {
    entries.push(await copy.getEntry(await commit(copy, `branch ${each}`, at)));
  }
  return { entries, close: () => peer.close() };
}

describe("the order of write events over several processes", () => {
  it("06#61, 00 §C2 a handler of another process's write may commit to the tree", {
    timeout: 60_000,
  }, () =>
    withTwoProcesses(async (mine, theirs) => {
      const sources: string[] = [];
      const answered = new Promise<void>((resolve, reject) => {
        theirs.onWrite(async (event) => {
          sources.push(event.source);
          if (event.source !== "remote") return;
          await commit(theirs, "answer").then(() => resolve(), reject);
        }).then((handle) => handle.detach()).then(() => commit(mine, "question")).catch(reject);
      });
      await answered;
      assert.deepEqual(sources, ["remote", "local"]);
      assert.equal((await mine.getAllEntries()).length, 3);
    }));

  it("00 §C2 a registration beside a write that is tried again stays one registration", {
    timeout: 60_000,
  }, () =>
    withTwoProcesses(async (mine, theirs, second) => {
      const { entries, close } = await branches(mine, theirs, 12);
      for (const [lag, entry] of entries.entries()) {
        await theirs.snapshot();
        await commit(mine, `elsewhere ${lag}`);
        const calls: WriteEvent[] = [];
        const [, handle] = await Promise.all([
          ticks(lag % 4, () => second.putEntry(mine.rootId, entry, VERIFIED)),
          ticks(Math.floor(lag / 4), () =>
            second.host.onWrite(mine.rootId, (event) => void calls.push(event))),
        ]);
        await commit(theirs, `after ${lag}`);
        const heard = calls.flatMap(idsOf);
        assert.equal(new Set(heard).size, heard.length, `every entry once, lag ${lag}`);
        assert.ok(calls.at(-1)!.postTips.equals(await theirs.snapshot()));
        handle[Symbol.dispose]();
      }
      await close();
    }));

  it("00 §C2 a new handler is not told what another process wrote before", {
    timeout: 60_000,
  }, () =>
    withTwoProcesses(async (mine, theirs) => {
      await theirs.snapshot();
      const old = await commit(mine, "before");
      const events: WriteEvent[] = [];
      (await theirs.onWrite((event) => void events.push(event))).detach();
      const fresh = await commit(theirs, "after");
      assert.deepEqual(events.flatMap(idsOf), [`${fresh}`]);
      assert.ok(events[0]!.previousTips.contains(old));
    }));
});
