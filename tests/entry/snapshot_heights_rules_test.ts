/** Snapshots, heights, metadata, and kinds of errors (01 §10, §11, §13, §15). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { DocStore, Instance, NewUser } from "../../mod.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { ready } from "../../wasm/mod.ts";
import { Entry } from "../../src/entry/entry.ts";
import { nextHeight, parseHeightStrategy } from "../../src/entry/height.ts";
import { ID } from "../../src/entry/id.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { EideticaError, EntryError, IdError, InstanceError } from "../../src/util/errors.ts";
import type { HeightStrategy } from "../../src/entry/height.ts";
import type { Clock } from "../../src/util/clock.ts";
import { anyId, child, hasCode, rawId } from "./helpers.ts";

before(async () => {
  await ready();
});

/** A clock that stands still. */
function clockAt(millis: number): Clock {
  const clock = new FixedClock(millis);
  clock.hold();
  return clock;
}

test("01#33 the height above each parent height, by strategy", () => {
  const rows: [HeightStrategy, number | undefined, number, number][] = [
    ["incremental", undefined, 5000, 0],
    ["incremental", 0, 5000, 1],
    ["incremental", 100, 5000, 101],
    ["incremental", 2 ** 53 - 2, 5000, 2 ** 53 - 1],
    ["timestamp", undefined, 5000, 5000],
    ["timestamp", undefined, 0, 0],
    ["timestamp", 0, 5000, 5000],
    ["timestamp", 4998, 5000, 5000],
    ["timestamp", 4999, 5000, 5000],
    ["timestamp", 5000, 5000, 5001],
    ["timestamp", 9000, 5000, 9001],
    ["timestamp", 0, 0, 1],
  ];
  for (const [strategy, parent, now, height] of rows) {
    assert.equal(
      nextHeight(strategy, parent, clockAt(now)),
      height,
      `${strategy} ${parent} ${now}`,
    );
  }
});

test("01#33 law: a height is above that of the parent, and not before now by the clock", () => {
  const height = fc.option(fc.nat({ max: 2 ** 31 - 1 }), { nil: undefined });
  fc.assert(fc.property(height, fc.nat(), (parent, now) => {
    const least = parent === undefined ? 0 : parent + 1;
    assert.equal(nextHeight("incremental", parent, clockAt(now)), least);
    const stamped = nextHeight("timestamp", parent, clockAt(now));
    assert.ok(stamped >= least && stamped >= now && (stamped === least || stamped === now));
  }));
});

test("00 §B5 there is no height above the highest one, by either strategy", () => {
  for (const strategy of ["incremental", "timestamp"] as const) {
    assert.throws(() => nextHeight(strategy, 2 ** 53 - 1, clockAt(1)), hasCode("InvalidStructure"));
  }
  for (const bad of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => child().setHeight(bad).build(), hasCode("InvalidStructure"), `${bad}`);
    const store = child().setSubtreeHeight("s", bad);
    assert.throws(() => store.build(), hasCode("InvalidStructure"), `${bad}`);
  }
});

test("01#34 only the two JSON texts are strategies", () => {
  for (const strategy of ["incremental", "timestamp"] as const) {
    assert.equal(parseHeightStrategy(JSON.stringify(strategy)), strategy);
  }
  for (
    const bad of ["incremental", '"Timestamp"', ' "timestamp"', '"timestamp" ', "", "{}", "null"]
  ) {
    assert.equal(parseHeightStrategy(bad), undefined, bad);
  }
});

test("01#34,#35 stored strategies, and a store that counts for itself", async () => {
  const clock = new FixedClock();
  const user = NewUser.passwordless("ada");
  const { instance, user: ada } = await Instance.createBackend(memoryStorage(), user, { clock });
  try {
    const db = await ada.createDatabase({ name: "heights" });
    await db.withTransaction(async (tx) => {
      await tx.getSettings().setHeightStrategy("timestamp");
      await tx.getStore(DocStore, "own");
      await tx.getIndex().setHeightStrategy("own", "incremental");
    });
    const stored = (await (await db.getSettings()).getAll()).getString("height_strategy");
    assert.equal(stored, '"timestamp"');
    for (const value of ["one", "two", "three"]) {
      await db.withTransaction(async (tx) => {
        await (await tx.getStore(DocStore, "own")).set("key", value);
        await (await tx.getStore(DocStore, "other")).set("key", value);
        await tx.getSettings().set("note", value);
      });
    }
    const entries = (await db.getAllEntries()).filter((entry) => entry.inSubtree("other"));
    const own = entries.map(({ model }) => model.nodes.find((node) => node.name === "own")!.height);
    assert.deepEqual(own, [1, 2, 3]);
    for (const entry of entries) {
      assert.ok(entry.height >= 1_704_067_200_000);
      for (const { name, height } of entry.model.nodes) {
        assert.equal(height !== undefined, name === "own", name);
      }
      assert.equal(entry.subtreeHeight("_settings"), entry.height);
    }
    await db.withTransaction((tx) => tx.getSettings().set("height_strategy", "timestamp"));
    const [last] = await db.getTipEntries();
    assert.equal(last!.height, entries.at(-1)!.height + 1, "garbage counts as incremental");
    await assert.rejects(
      (await db.getSettings()).getHeightStrategy(),
      hasCode("DeserializationFailed"),
    );
  } finally {
    await instance.close();
  }
});

test("01#35 the own height of the first entry of a store is written although it is 0", () => {
  const entry = child().setHeight(9).setSubtreeHeight("own", 0).setSubtreeParents("other", [])
    .build();
  for (const again of [entry, Entry.decode(entry.bytes), Entry.fromJSON(entry.stringify())]) {
    assert.deepEqual([again.subtreeHeight("own"), again.subtreeHeight("other")], [0, 9]);
    assert.deepEqual(again.model.nodes.map((node) => node.height), [undefined, 0]);
  }
});

test("01#38 law: a snapshot is the sorted set of its IDs, in every form", () => {
  const some = fc.array(fc.oneof(anyId, fc.constantFrom(..."abc").map(rawId)), { maxLength: 8 });
  fc.assert(fc.property(some, some, (ids, others) => {
    const one = Snapshot.of(ids);
    const texts = [...new Set(ids.map(String))].map((text) => ID.parse(text)).sort(ID.compare);
    assert.deepEqual([...one].map(String), texts.map(String));
    assert.equal(JSON.stringify(one), JSON.stringify(texts));
    assert.equal(one.length, texts.length);
    assert.equal(one.isEmpty, ids.length === 0);
    assert.ok(Snapshot.fromJSON(ids.map(String)).equals(one));
    assert.ok(Snapshot.of(new Set(ids.toReversed())).equals(one));
    for (const id of others) {
      assert.equal(one.contains(id), ids.some((each) => each.equals(id)));
    }
    const other = Snapshot.of(others);
    const isSame = JSON.stringify(one) === JSON.stringify(other);
    assert.equal(one.equals(other), isSame);
    assert.equal(other.equals(one), isSame);
  }));
});

test("01#38 the empty snapshot, and the empty ID as a tip", () => {
  assert.ok(Snapshot.of([]).equals(Snapshot.EMPTY) && Snapshot.fromJSON([]).isEmpty);
  assert.equal(JSON.stringify(Snapshot.EMPTY), "[]");
  const tips = Snapshot.of([rawId("a"), ID.EMPTY, rawId("b"), ID.EMPTY]);
  assert.deepEqual(tips.toJSON(), ["", rawId("b").toString(), rawId("a").toString()]);
  assert.ok(!tips.equals(Snapshot.EMPTY) && !Snapshot.EMPTY.contains(ID.EMPTY));
  assert.throws(() => Snapshot.fromJSON(["nonsense"]), hasCode("InvalidFormat"));
});

test("01#38 a snapshot does not follow the list that it was made of", () => {
  const list = [rawId("a"), rawId("b")];
  const snapshot = Snapshot.of(list);
  list.push(rawId("c"));
  assert.equal(snapshot.length, 2);
});

test("01#39 errors of IDs, entries and structure are of their modules", () => {
  const thrown = (action: () => unknown): EideticaError => {
    try {
      action();
    } catch (error) {
      if (error instanceof EideticaError) return error;
    }
    throw new Error("nothing of ours was thrown");
  };
  const rows: [() => unknown, new (...args: never[]) => EideticaError, string, string][] = [
    [() => ID.parse("not a cid"), IdError, "id", "InvalidFormat"],
    [() => Snapshot.fromJSON(["x"]), IdError, "id", "InvalidFormat"],
    [() => Entry.decode(new Uint8Array(3)), EntryError, "entry", "InvalidStructure"],
    [() => Entry.fromJSON("{"), EntryError, "entry", "InvalidStructure"],
    [() => EntryMetadata.parse(utf8("{}")), EntryError, "entry", "InvalidStructure"],
    [
      () => child().setSubtreeData("_index", utf8("?")).removeEmptySubtrees(),
      EntryError,
      "entry",
      "InvalidIndexData",
    ],
    [() => Entry.builder(ID.EMPTY).build(), InstanceError, "instance", "EntryValidationFailed"],
  ];
  for (const [action, type, module, code] of rows) {
    const error = thrown(action);
    assert.ok(error instanceof type && error instanceof Error, code);
    assert.deepEqual([error.module, error.code, error.name], [module, code, type.name]);
    assert.ok(error.message.length > 10);
    assert.equal([IdError, EntryError].filter((other) => error instanceof other).length <= 1, true);
  }
});

test("01#40 law: metadata is written as it was read, to the last bit of entropy", () => {
  const entropy = fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined });
  fc.assert(fc.property(fc.array(anyId, { maxLength: 4 }), entropy, (ids, number) => {
    const tips = Snapshot.of(ids);
    const text = `{"settings_tips":${JSON.stringify(tips)},"entropy":${number ?? "null"}}`;
    assert.equal(fromUtf8(new EntryMetadata(tips, number).encode()), text);
    const read = EntryMetadata.parse(utf8(text));
    assert.equal(read.entropy, number);
    assert.ok(read.settingsTips.equals(tips));
    assert.equal(fromUtf8(read.encode()), text);
    const entry = child().setMetadata(utf8(text)).build();
    for (const again of [Entry.decode(entry.bytes), Entry.fromJSON(entry.stringify())]) {
      assert.equal(fromUtf8(again.metadata!), text);
    }
  }));
});

test("01#40, 00 §B10 metadata that is not the JSON of the chapter is refused", () => {
  const tips = '"settings_tips":[]';
  for (
    const bad of [
      `{${tips},"entropy":18446744073709551616}`,
      `{${tips},"entropy":1e3}`,
      `{${tips},"entropy":7.0}`,
      `{${tips},"entropy":-1}`,
      `{${tips},${tips}}`,
      `{${tips},"entropy":1,"entropy":1}`,
      `{"settings_tips":{}}`,
      `{"settings_tips":[null]}`,
      `{"settings_tips":["bafyr4i"]}`,
      `{${tips}} x`,
      '{"entropy":42}',
    ]
  ) {
    assert.throws(
      () => EntryMetadata.parse(utf8(bad)),
      (error) => error instanceof EideticaError,
      bad,
    );
  }
});
