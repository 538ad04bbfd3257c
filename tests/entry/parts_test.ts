import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { ready } from "../../wasm/mod.ts";
import * as constants from "../../src/entry/constants.ts";
import { nextHeight, parseHeightStrategy } from "../../src/entry/height.ts";
import { ID } from "../../src/entry/id.ts";
import { EntryMetadata } from "../../src/entry/metadata.ts";
import { hintType, isHintSet, SigInfo, SigKey } from "../../src/entry/sig_info.ts";
import { Snapshot } from "../../src/entry/snapshot.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { EideticaError, EntryError } from "../../src/util/errors.ts";
import { anyId, child, exampleKey, hasCode, rawId } from "./helpers.ts";

before(async () => {
  await ready();
});

test("01#33 incremental: one more than the highest parent", () => {
  const clock = new FixedClock();
  const next = (parent: number | undefined) => nextHeight("incremental", parent, clock);
  assert.deepEqual([undefined, 0, 100].map(next), [0, 1, 101]);
});

test("01#33 timestamp: the time, unless a parent is beyond it", () => {
  const clock = new FixedClock(5_000);
  const hold = clock.hold();
  const next = (parent: number | undefined) => nextHeight("timestamp", parent, clock);
  assert.deepEqual([undefined, 10, 4_999, 5_000, 9_000].map(next), [
    5_000,
    5_000,
    5_000,
    5_001,
    9_001,
  ]);
  hold.release();
});

test("00 §B5 a height beyond 2^53 - 1 is refused", () => {
  for (const strategy of ["incremental", "timestamp"] as const) {
    const above = (parent: number) => nextHeight(strategy, parent, new FixedClock());
    assert.equal(above(Number.MAX_SAFE_INTEGER - 1), Number.MAX_SAFE_INTEGER);
    assert.throws(() => above(Number.MAX_SAFE_INTEGER), hasCode("InvalidStructure"));
  }
});

test("01#34 the stored strategy is JSON text with its quotes", () => {
  assert.equal(parseHeightStrategy('"incremental"'), "incremental");
  assert.equal(parseHeightStrategy('"timestamp"'), "timestamp");
  for (const bad of ["", "timestamp", '"Timestamp"', "null", '"x"']) {
    assert.equal(parseHeightStrategy(bad), undefined, bad);
  }
});

test("01#38 a snapshot is sorted and unique, however it is made", () => {
  const [a, b, c] = ["a", "b", "c"].map(rawId) as [ID, ID, ID];
  const expected = [b, a, c].map(String);
  assert.deepEqual(Snapshot.of([c, a, c, b, a]).toJSON(), expected);
  assert.deepEqual(Snapshot.of(new Set([a, c, b])).tips.map(String), expected);
  assert.deepEqual(Snapshot.fromJSON([c, c, b, a].map(String)).toJSON(), expected);
  assert.equal(JSON.stringify(Snapshot.of([c, b, a])), JSON.stringify(expected));
  assert.deepEqual([...Snapshot.of([a, b])].map(String), [b, a].map(String));
});

test("01#38 snapshots are equal as sets; no tips are the empty snapshot", () => {
  const [a, b, c] = ["a", "b", "c"].map(rawId) as [ID, ID, ID];
  const one = Snapshot.of([a, b]);
  assert.ok(one.equals(Snapshot.of([b, a, b])) && !one.equals(Snapshot.of([a])));
  assert.ok(!one.equals(Snapshot.of([a, c])));
  assert.deepEqual([one.length, one.isEmpty, one.contains(a), one.contains(c)], [
    2,
    false,
    true,
    false,
  ]);
  assert.ok(Snapshot.of([]).equals(Snapshot.EMPTY) && Snapshot.EMPTY.isEmpty);
  assert.equal(JSON.stringify(Snapshot.EMPTY), "[]");
  assert.ok(Snapshot.of([a, ID.EMPTY]).tips[0]!.isEmpty);
});

test("01#38 law: a snapshot does not depend on order or repetition", () => {
  fc.assert(fc.property(fc.array(anyId, { maxLength: 6 }), (ids) => {
    const one = Snapshot.of(ids);
    assert.ok(one.equals(Snapshot.of([...ids, ...ids].reverse())));
    assert.ok(one.equals(Snapshot.fromJSON(one.toJSON())));
    one.tips.forEach((tip, at) => assert.ok(at === 0 || ID.compare(one.tips[at - 1]!, tip) < 0));
  }));
});

test("01#39 an EntryError belongs to the module `entry` and names its reason", () => {
  assert.throws(() => child().setHeight(-1).build(), (error) => {
    assert.ok(error instanceof EntryError && error instanceof EideticaError);
    assert.deepEqual([error.module, error.code, typeof error.fields.reason], [
      "entry",
      "InvalidStructure",
      "string",
    ]);
    return true;
  });
});

test("01#40 metadata with the largest entropy survives byte for byte", () => {
  const tips = [rawId("a"), rawId("b")];
  const text = (entropy: string) =>
    `{"settings_tips":["${rawId("b")}","${rawId("a")}"],"entropy":${entropy}}`;
  for (const entropy of ["18446744073709551615", "9007199254740993", "0", "null"]) {
    const metadata = EntryMetadata.parse(utf8(text(entropy)));
    assert.ok(metadata.settingsTips.equals(Snapshot.of(tips)));
    assert.equal(metadata.entropy, entropy === "null" ? undefined : BigInt(entropy));
    assert.equal(fromUtf8(metadata.encode()), text(entropy));
  }
  assert.equal(fromUtf8(EntryMetadata.EMPTY.encode()), '{"settings_tips":[],"entropy":null}');
});

test("01 §10 metadata: tips are required, entropy may be missing, unknown members are ignored", () => {
  const parse = (text: string) => EntryMetadata.parse(utf8(text));
  assert.equal(parse('{"settings_tips":[],"future":{"a":[1]}}').entropy, undefined);
  const bad = [
    "",
    "[]",
    "{}",
    '{"settings_tips":null}',
    '{"settings_tips":[7]}',
    '{"settings_tips":["x"]}',
  ];
  for (const entropy of ["-1", "1.0", "18446744073709551616", '"1"', "true", "{}"]) {
    bad.push(`{"settings_tips":[],"entropy":${entropy}}`);
  }
  for (const text of bad) {
    assert.throws(() => parse(text), (error) => error instanceof EideticaError, text);
  }
  assert.throws(() => EntryMetadata.parse(Uint8Array.of(0xff)), hasCode("InvalidStructure"));
});

test("01 §10 metadata that begin as the last ones read are read as if they were the first", () => {
  const tips = [rawId("a"), rawId("b")].sort(ID.compare);
  const starts = [
    `{"settings_tips":["${tips[0]}","${tips[1]}"],"entropy":null`,
    `{"settings_tips":["${tips[1]}","${tips[0]}"],"entropy":null`,
    `{"settings_tips":["${tips[0]}"],"entropy":7`,
    `{"settings_tips":["${tips[0]}"],"entropy":77`,
    `{"settings_tips":[],"entropy":null`,
  ];
  const times = ["1", "0", "01", "-1", "1.5", "1e3", '"1"', "", "1 ", "123456789012345"];
  const ends = ["}", "}}", "} ", "", ",}", "7}", ',"more":1}', ',"time":1,"time":2}', ',"time"}'];
  ends.push(
    ...[...times, "9007199254740991", "9007199254740993"].map((time) => `,"time":${time}}`),
  );
  const read = (text: string) => {
    try {
      const { settingsTips, entropy, time } = EntryMetadata.parse(utf8(text));
      return { tips: settingsTips.toJSON(), entropy, time };
    } catch (error) {
      return (error as EideticaError).code;
    }
  };
  for (const [at, start] of starts.entries()) {
    for (const end of ends) {
      read(`${starts[(at + 2) % starts.length]}}`);
      const fresh = read(start + end);
      read(`${start}}`);
      assert.deepEqual(read(start + end), fresh, start + end);
      read(`${start},"time":5}`);
      assert.deepEqual(read(start + end), fresh, start + end);
    }
  }
  assert.deepEqual(read(`${starts[0]},"time":0}`), {
    tips: tips.map(String),
    entropy: undefined,
    time: 0,
  });
});

test("01 §14 constants", () => {
  const { ENTRY_VERSION, SETTINGS, INDEX, ROOT, INSTANCE, USERS, DATABASES } = constants;
  assert.deepEqual([ENTRY_VERSION, SETTINGS, INDEX, ROOT, INSTANCE, USERS, DATABASES], [
    ...[0, "_settings", "_index", "_root", "_instance", "_users", "_databases"],
  ]);
});

test("02 §6.1 kinds of hints, by precedence", () => {
  const pubkey = exampleKey().publicKey;
  const kinds = [{}, { name: "n" }, { pubkey }, { pubkey, name: "n" }, { pubkey, isGlobal: true }, {
    isGlobal: true,
  }];
  assert.deepEqual(kinds.map(hintType), ["none", "name", "pubkey", "pubkey", "global", "none"]);
  assert.deepEqual(kinds.map(isHintSet), [false, true, true, true, true, false]);
});

test("02 §6.2 how an identity is shown", () => {
  const key = exampleKey().publicKey;
  const shown = [SigKey.global(key), SigKey.fromPubkey(key), SigKey.fromName("n"), SigKey.NONE];
  assert.deepEqual(shown.map((each) => each.displayId()), ["*", key.toString(), "n", "unknown"]);
  assert.deepEqual(shown.map((each) => each.isGlobal), [true, false, false, false]);
  assert.ok(SigKey.delegation([], {}).isDirect === false && SigKey.NONE.isDirect);
});

test("02 §6.3 unsigned and malformed signature records", () => {
  const named = SigKey.fromName("n");
  const away = SigKey.delegation([], {});
  const records: [SigKey, string | undefined, boolean, boolean][] = [
    [SigKey.NONE, undefined, true, false],
    [SigKey.NONE, "AA==", false, true],
    [named, undefined, false, true],
    [named, "AA==", false, false],
    [away, undefined, false, true],
    [away, "AA==", false, false],
    [SigKey.direct({ isGlobal: true }), undefined, true, false],
  ];
  for (const [key, sig, isUnsigned, isMalformed] of records) {
    const info = new SigInfo(key, sig);
    assert.deepEqual([info.isUnsigned, info.malformedReason !== undefined], [
      isUnsigned,
      isMalformed,
    ]);
  }
});
