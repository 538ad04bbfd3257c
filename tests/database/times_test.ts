import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Database,
  Database as Databases,
  Doc,
  DocStore,
  Entry,
  EntryMetadata,
  PrivateKey,
  Snapshot,
} from "../../mod.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { hasCode, peerWith, withDb } from "./bed.ts";

const NOW = 1_800_000_000_000;

const commit = async (db: Database, key: string) => {
  const tx = await db.newTransaction();
  await (await tx.getStore(DocStore, "s")).set(key, "v");
  return await db.getEntry(await tx.commit());
};

const timesOf = async (db: Database) => (await db.getAllEntries()).map((entry) => entry.time);

function heldClock(): FixedClock {
  const clock = new FixedClock(NOW);
  clock.hold();
  return clock;
}

describe("the time of entries", () => {
  it("00§B14 databases of ours write it, by the instance's clock, the root included", async () => {
    const clock = heldClock();
    await withDb(async ({ db }) => {
      assert.equal(await (await db.getSettings()).get("times"), true);
      clock.advance(5);
      const entry = await commit(db, "a");
      assert.equal(entry.time, NOW + 5);
      assert.match(
        fromUtf8(entry.metadata!),
        /^\{"settings_tips":\["[^"]+"\],"entropy":null,"time":1800000000005\}$/,
      );
      assert.deepEqual(await timesOf(db), [NOW, NOW + 5]);
      assert.ok(Entry.decode(entry.bytes).id.equals(entry.id));
      assert.equal(Entry.fromJSON(entry.stringify()).time, NOW + 5);
    }, { clock });
  });

  it("00§B14 unless `times` is false, or becomes so; others' databases and the system's never do", () =>
    withDb(async ({ instance, user, db }) => {
      const without = await user.createDatabase({ name: "without", times: false });
      await commit(without, "a");
      const doc = await user.createDatabase(Doc.from({ times: false }));
      const built = await user.newDatabase().settings(Doc.from({ times: false })).build();
      const raw = await Databases.create(
        instance,
        PrivateKey.generate(),
        Doc.from({ name: "raw" }),
      );
      for (const silent of [without, doc, built.database, raw, user.database]) {
        for (const time of await timesOf(silent)) assert.equal(time, undefined);
      }
      assert.equal((await user.newDatabase().name("x").build()).database.rootId.isEmpty, false);
      await db.withTransaction((tx) => tx.getSettings().set("times", false));
      assert.equal((await commit(db, "b")).time, undefined);
    }));

  it("settings that say something else of `times` are refused before anything is made", () =>
    withDb(async ({ user }) => {
      const before = await user.databases();
      for (const times of ["no", 1, null] as unknown as boolean[]) {
        await assert.rejects(user.createDatabase({ times }), hasCode("InvalidArgument"));
      }
      assert.equal((await user.databases()).length, before.length);
    }));

  it("00§B14 a time is no reason to refuse an entry, or to order it", () =>
    withDb(async ({ db }) => {
      await commit(db, "a");
      const peer = await peerWith(await db.getAllEntries());
      const report = await peer.putRemoteEntries(db.rootId, await db.getAllEntries());
      assert.equal(report.rejected.length + report.failed, 0);
      await peer.close();
    }));

  it("metadata hold a time or none; what is not one counts as none", () => {
    const tips = '"settings_tips":[],"entropy":null';
    const read = (rest: string) => EntryMetadata.parse(utf8(`{${tips}${rest}}`)).time;
    assert.equal(read(""), undefined);
    assert.equal(read(',"time":0'), 0);
    for (const wrong of ["null", '"noon"', "-1", "1.5", "9007199254740993", "[]", "{}"]) {
      assert.equal(read(`,"time":${wrong}`), undefined, wrong);
    }
    for (const time of [undefined, 0, NOW, Number.MAX_SAFE_INTEGER]) {
      const bytes = new EntryMetadata(Snapshot.EMPTY, 7n, time).encode();
      assert.deepEqual(EntryMetadata.parse(bytes), new EntryMetadata(Snapshot.EMPTY, 7n, time));
    }
    assert.equal(fromUtf8(new EntryMetadata(Snapshot.EMPTY).encode()), `{${tips}}`);
  });

  it("an entry without metadata, or with damaged ones, has no time", () => {
    const builder = () => Entry.rootBuilder();
    assert.equal(builder().setMetadata(utf8("{")).build().time, undefined);
    assert.equal(builder().build().time, undefined);
  });
});
