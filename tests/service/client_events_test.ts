import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database, ID, Snapshot, WriteEvent } from "../../mod.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { hasCode } from "../database/bed.ts";
import { type Bed, look, put, Recorder, withDaemon } from "./bed.ts";

/** Two clients on one database, the second of which listens. */
async function heard(
  { connect }: Bed,
): Promise<{ writer: Database; reader: Database; recorder: Recorder }> {
  const writer = await (await connect()).user.createDatabase({ name: "notes" });
  const reader = await (await connect()).user.openDatabase(writer.rootId);
  const recorder = new Recorder();
  await reader.onWrite(recorder.note);
  return { writer, reader, recorder };
}

const idsOf = (events: readonly WriteEvent[]): ID[] =>
  events.flatMap(({ entries }) => entries.map(({ id }) => id));

/** Each event must begin where the one before has ended. */
function requireJoined(events: readonly WriteEvent[], first: Snapshot): void {
  let before = first;
  for (const { previousTips, postTips } of events) {
    assert.ok(previousTips.equals(before));
    before = postTips;
  }
}

/** Waits without blocking. */
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe("write events of a connected instance", () => {
  it("11#34 an own commit is told once, as remote, with one entry in its bracket", () =>
    withDaemon(async ({ connect }) => {
      const db = await (await connect()).user.createDatabase({});
      const recorder = new Recorder();
      await db.onWrite(recorder.note);
      await put(db, "a", "1");
      await put(db, "b", "2");
      assert.equal(recorder.events.length, 2);
      const [event] = recorder.events;
      assert.equal(event!.source, "remote");
      const added = await db.idsAdded(event!.previousTips, event!.postTips);
      assert.deepEqual(added.map(String), [`${event!.entries[0]!.id}`]);
    }));

  for (const isPlain of [false, true]) {
    const where = isPlain ? " that knows the reference's messages alone" : "";
    it(`11#35,#36,#44 what another client commits is told in order, by a daemon${where}`, () =>
      withDaemon(async (bed) => {
        const { writer, reader, recorder } = await heard(bed);
        const begun = await reader.snapshot();
        for (let at = 0; at < 12; at++) await put(writer, `${at}`, "x");
        const events = await recorder.until(12);
        requireJoined(events, begun);
        assert.ok(events.at(-1)!.postTips.equals(await writer.snapshot()));
        assert.equal(new Set(idsOf(events).map(String)).size, 12);
      }, { isPlain }));
  }

  it("11#37 a handler that begins earlier is told of all since then", () =>
    withDaemon(async (bed) => {
      const { writer, reader } = await heard(bed);
      const at = await reader.snapshot();
      await put(writer, "a", "1");
      const recorder = new Recorder();
      await reader.onWrite(recorder.note, { at });
      await put(writer, "b", "2");
      const events = await recorder.until(2);
      assert.ok(events[0]!.previousTips.equals(at));
      assert.equal(idsOf(events).length, 2);
    }));

  it("11#38 a handler of one database is not told of another", () =>
    withDaemon(async ({ connect }) => {
      const { user } = await connect();
      const [one, two] = [await user.createDatabase({}), await user.createDatabase({})];
      const recorder = new Recorder();
      await one.onWrite(recorder.note);
      await put(two, "a", "1");
      await put(one, "a", "1");
      assert.deepEqual(recorder.events.map(({ entries }) => entries.length), [1]);
    }));

  it("11#39 a handler that has ended is told nothing", () =>
    withDaemon(async (bed) => {
      const { writer, reader, recorder } = await heard(bed);
      const ended = new Recorder();
      const callback = await reader.onWrite(ended.note);
      callback[Symbol.dispose]();
      await put(writer, "a", "1");
      await recorder.until(1);
      assert.equal(ended.events.length, 0);
    }));

  it("11#40 two first registrations at once both see what is committed after they returned", () =>
    withDaemon(async ({ connect, tap }) => {
      const writer = await (await connect()).user.createDatabase({});
      const { user } = await connect();
      const reader = await user.openDatabase(writer.rootId);
      const recorders = [new Recorder(), new Recorder()];
      await Promise.all(recorders.map(({ note }) => reader.onWrite(note)));
      await put(writer, "a", "1");
      await Promise.all(recorders.map((recorder) => recorder.until(1)));
      assert.deepEqual(recorders.map(({ entries }) => entries), [1, 1]);
      assert.ok(tap.count("SubscribeWrites") > 0);
    }));

  it("who has too many subscriptions reads all the same, and may not listen", () => {
    // What the daemon refuses for that reason.
    const many = `{"GetEntries":{"ids":[${Array(10_001).fill('""')}]}}`;
    const instead = (name: string, payload: Uint8Array) =>
      name === "SubscribeWrites"
        ? utf8(fromUtf8(payload).replace('{"SubscribeWrites":{"tips":[]}}', many))
        : payload;
    return withDaemon(async ({ connect, url }) => {
      const writer = await (await connect("ada", undefined, url)).user.createDatabase({});
      const reader = await (await connect()).user.openDatabase(writer.rootId);
      await put(writer, "a", "1");
      assert.equal(await look(reader, "a"), "1");
      await put(writer, "a", "2");
      assert.equal(await look(reader, "a"), "2");
      await assert.rejects(reader.onWrite(() => {}), hasCode("LimitExceeded"));
    }, { instead });
  });

  it("11#43 a handler that takes long keeps no other database waiting", () =>
    withDaemon(async ({ connect }) => {
      const { user } = await connect();
      const [slow, quick] = [await user.createDatabase({}), await user.createDatabase({})];
      let release = () => {};
      const held = new Promise<void>((done) => release = done);
      await slow.onWrite(() => held);
      const recorder = new Recorder();
      await quick.onWrite(recorder.note);
      const committed = put(slow, "a", "1");
      await put(quick, "a", "1");
      assert.equal(recorder.events.length, 1);
      release();
      await committed;
    }));

  it("11#44 handlers of one database never overlap, with two writers at once", () =>
    withDaemon(async ({ connect }) => {
      const writers = [await connect(), await connect()];
      const made = await writers[0]!.user.createDatabase({});
      const reader = await (await connect()).user.openDatabase(made.rootId);
      const [events, running]: [WriteEvent[], number[]] = [[], []];
      let atWork = 0;
      const begun = await reader.snapshot();
      const recorder = new Recorder();
      await reader.onWrite(async (event) => {
        running.push(++atWork);
        await pause(1);
        atWork--;
        events.push(event);
        recorder.note(event);
      });
      const dbs = await Promise.all(writers.map(({ user }) => user.openDatabase(made.rootId)));
      await Promise.all(dbs.map(async (db, who) => {
        for (let at = 0; at < 6; at++) await put(db, `${who} ${at}`, "x");
      }));
      await recorder.until(12);
      assert.deepEqual(new Set(running), new Set([1]));
      requireJoined(events, begun);
      assert.equal(new Set(idsOf(events).map(String)).size, 12);
    }));

  it("11#45 a handler may read, commit and listen on the same connection", () =>
    withDaemon(async (bed) => {
      const { writer, reader } = await heard(bed);
      const inner = new Recorder();
      let isFirst = true;
      await reader.onWrite(async (_, database) => {
        if (!isFirst) return;
        isFirst = false;
        assert.equal(await database.getName(), "notes");
        await reader.onWrite(inner.note);
        await put(reader, "answer", "42");
      });
      await put(writer, "question", "?");
      const events = await inner.until(1);
      assert.ok(events[0]!.postTips.equals(await reader.snapshot()));
    }));
});
