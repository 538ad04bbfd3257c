import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { type Database, ID } from "../../mod.ts";
import { hasCode } from "../database/bed.ts";
import type { Tap } from "./tap.ts";
import { type Bed, look, put, Recorder, withDaemon } from "./bed.ts";

/** Short times for what usually takes a minute. A slow machine only makes it longer. */
const TIMES = { EIDETICA_TEST_IDLE_GRACE_MS: "20", EIDETICA_TEST_SWEEP_INTERVAL_MS: "5" };

/** An ID of nothing. */
const NOBODY = ID.parse("bafyr4igo2cfxjivtvt7k3utaghswqk4lkm62dcb7yor3qvabsqlubrrmdm");

before(() => void Object.assign(process.env, TIMES));
after(() => {
  for (const name of Object.keys(TIMES)) delete process.env[name];
});

/** A database that another client writes, past the tap. */
async function databases({ connect, url }: Bed): Promise<{ writer: Database; reader: Database }> {
  const writer = await (await connect("ada", undefined, url)).user.createDatabase({});
  const reader = await (await connect()).user.openDatabase(writer.rootId);
  return { writer, reader };
}

/** Waits until `holds`; the suite's runner ends what never does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setTimeout(done, 2));
}

describe("subscriptions that nobody needs", () => {
  it("11#41 end after a while, and begin anew when somebody listens again", () =>
    withDaemon(async (bed) => {
      const { writer, reader } = await databases(bed);
      const { tap } = bed;
      const callback = await reader.onWrite(() => {});
      callback[Symbol.dispose]();
      const ended = tap.count("UnsubscribeWrites");
      // All trees that were read end: the user's own as well.
      await until(() => tap.count("UnsubscribeWrites") > ended);
      await until(() => tap.count("UnsubscribeWrites") >= tap.count("SubscribeWrites"));
      const begun = tap.count("SubscribeWrites");
      const recorder = new Recorder();
      await reader.onWrite(recorder.note);
      assert.equal(tap.count("SubscribeWrites"), begun + 1);
      await put(writer, "a", "1");
      await recorder.until(1);
    }));

  it("11#42 stay while a handler listens, whatever others do", () =>
    withDaemon(async (bed) => {
      const { writer, reader } = await databases(bed);
      const recorder = new Recorder();
      await reader.onWrite(recorder.note);
      const other = await reader.onWrite(() => {});
      other[Symbol.dispose]();
      // The other databases of the user end meanwhile.
      await until(() => bed.tap.count("UnsubscribeWrites") > 0);
      await put(writer, "a", "1");
      await recorder.until(1);
      const { length } = bed.tap.asked;
      assert.equal(await look(reader, "a"), "1");
      assert.deepEqual(
        bed.tap.asked.slice(length).filter((name) => name !== "UnsubscribeWrites"),
        [],
      );
    }));

  it("11 §8.4 reads after the end are as new as ever", () =>
    withDaemon(async (bed) => {
      const { writer, reader } = await databases(bed);
      await look(reader, "a");
      await until(() => bed.tap.count("UnsubscribeWrites") >= bed.tap.count("SubscribeWrites"));
      await put(writer, "a", "1");
      assert.equal(await look(reader, "a"), "1");
    }));
});

describe("a daemon that does not answer", () => {
  it("11 §8.4 an end of a subscription that is not answered in five seconds ends the connection", () => {
    let [tap, isArmed]: [Tap | undefined, boolean] = [undefined, false];
    const instead = (name: string, payload: Uint8Array) => {
      if (isArmed && name === "UnsubscribeWrites") tap!.isHeld = true;
      return payload;
    };
    return withDaemon(async (bed) => {
      tap = bed.tap;
      const { reader } = await databases(bed);
      isArmed = true;
      // What was read, and is read no more, is what ends.
      await look(reader, "a").catch(() => undefined);
      await until(() => tap!.isHeld);
      await assert.rejects(reader.getEntry(NOBODY), hasCode("ConnectionAborted"));
    }, { instead });
  });
});

describe("subscriptions within their grace", () => {
  it("11#41 a handler that follows another asks the daemon for nothing", () =>
    withDaemon(async (bed) => {
      process.env.EIDETICA_TEST_IDLE_GRACE_MS = "60000";
      const { writer, reader } = await databases(bed);
      (await reader.onWrite(() => {}))[Symbol.dispose]();
      const { length } = bed.tap.asked;
      const recorder = new Recorder();
      await reader.onWrite(recorder.note);
      assert.equal(bed.tap.asked.length, length);
      await put(writer, "a", "1");
      await recorder.until(1);
    }));
});
