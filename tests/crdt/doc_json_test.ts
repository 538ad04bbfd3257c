import assert from "node:assert/strict";
import { test } from "node:test";
import { Doc } from "../../src/crdt/doc.ts";
import { parseValue } from "../../src/crdt/doc_parse.ts";
import { stringifyValue } from "../../src/crdt/doc_writer.ts";
import { List, Position } from "../../src/crdt/list.ts";
import { DELETED, type Value } from "../../src/crdt/value.ts";
import { CrdtError, SerializeError } from "../../src/util/errors.ts";

const UUID = "67e55044-10b1-426f-9247-bb680e5fe0c8";

function refused(json: string): void {
  assert.throws(() => Doc.parse(json), (error) => {
    assert.ok(error instanceof SerializeError, String(error));
    return error.code === "DeserializationFailed" && error.module === "serialize";
  }, `accepted ${json}`);
}

/** A document with one child `v` of this JSON value. */
function holding(value: string): string {
  return `{"children":{"v":${value}}}`;
}

/** A document whose child `v` is a list of these JSON items. */
function listing(...items: string[]): string {
  return holding(`{"List":[${items.join(",")}]}`);
}

function at(numerator: string, denominator: string, id: string = UUID): string {
  return `{"numerator":${numerator},"denominator":${denominator},"unique_id":"${id}"}`;
}

test('03#1 an empty Doc is {"children":{}}; a plain Doc has neither _a nor _v', () => {
  assert.equal(new Doc().stringify(), '{"children":{}}');
  const bytes = [...new Doc().toBytes()].map((b) => b.toString(16).padStart(2, "0")).join("");
  assert.equal(bytes, "7b226368696c6472656e223a7b7d7d");
  assert.doesNotMatch(Doc.from({ a: { b: 1 } }).stringify(), /_a|_v/);
});

test("03#2 an atomic Doc writes _a before children and stays atomic", () => {
  const doc = Doc.atomic({ x: 1 });
  assert.equal(doc.stringify(), '{"_a":true,"children":{"x":{"Int":1}}}');
  assert.ok(Doc.parse(doc.stringify()).isAtomic());
  assert.ok(!Doc.parse('{"_a":false,"children":{}}').isAtomic());
  assert.ok(Doc.parse('{"children":{},"_a":true}').isAtomic());
});

test("03#3 each variant has its form and reads back", () => {
  const forms: [Value, string][] = [
    [null, '"Null"'],
    [DELETED, '"Deleted"'],
    [true, '{"Bool":true}'],
    [-5, '{"Int":-5}'],
    [2n ** 63n - 1n, '{"Int":9223372036854775807}'],
    [-(2n ** 63n), '{"Int":-9223372036854775808}'],
    ["", '{"Text":""}'],
    ['a"b', '{"Text":"a\\"b"}'],
    [
      "\u0000\b\t\n\f\r\u001f\u007f/\\\u2028é😀",
      '{"Text":"\\u0000\\b\\t\\n\\f\\r\\u001f\u007f/\\\\\u2028é😀"}',
    ],
    [new List(), '{"List":[]}'],
    [new Doc(), '{"Doc":{"children":{}}}'],
  ];
  for (const [value, json] of forms) {
    assert.equal(stringifyValue(value), json);
    assert.deepEqual(stringifyValue(parseValue(json)), json);
  }
});

test("03 §4.1 the worked example reads and holds what it says", () => {
  const json =
    '{"children":{"name":{"Text":"Alice"},"age":{"Int":30},"ok":{"Bool":true},"none":"Null","gone":"Deleted","addr":{"Doc":{"children":{"city":{"Text":"NYC"}}}},"cfg":{"Doc":{"_a":true,"children":{"x":{"Int":1}}}},"tags":{"List":[[{"numerator":0,"denominator":1,"unique_id":"67e55044-10b1-426f-9247-bb680e5fe0c8"},{"Text":"a"}],[{"numerator":1,"denominator":1,"unique_id":"00000000-0000-4000-8000-000000000001"},"Deleted"]]}}}';
  const doc = Doc.parse(json);
  assert.deepEqual(doc.toObject(), {
    addr: { city: "NYC" },
    age: 30,
    cfg: { x: 1 },
    name: "Alice",
    none: null,
    ok: true,
    tags: ["a"],
  });
  assert.deepEqual(Doc.parse(doc.stringify()).stringify(), doc.stringify());
  assert.equal(doc.stringify().length, json.length);
});

test("03#4 the version must be 0 when written", () => {
  assert.ok(Doc.parse('{"_v":0,"children":{}}').equals(new Doc()));
  for (const v of ["99", "1", "256", "null", "0.0", "-0", '"0"', "-1"]) {
    refused(`{"_v":${v},"children":{}}`);
  }
});

test("03#5 children are required, unknown fields ignored, the last duplicate child wins", () => {
  for (const json of ["{}", '{"_v":0,"_a":true}', "[]", "null", '"x"', "1", ""]) refused(json);
  const doc = Doc.parse(
    '{"x":[1,{"y":"\\ud800"}],"children":{"a":{"Int":1},"a":{"Int":2}},"z":1e999}',
  );
  assert.deepEqual(doc.toObject(), { a: 2 });
  assert.equal(doc.len(), 1);
});

test("03 §4.2 an unknown field may nest deeper than what is read", () => {
  const deep = "[".repeat(200) + "]".repeat(200);
  assert.ok(Doc.parse(`{"x":${deep},"children":{}}`).isEmpty());
  refused(`{"x":${deep.slice(1)},"children":{}}`);
});

test("03 §4.2 a repeated field of a document is refused", () => {
  refused('{"children":{},"children":{}}');
  refused('{"_a":true,"_a":true,"children":{}}');
  refused('{"_v":0,"_v":0,"children":{}}');
  refused('{"_a":null,"children":{}}');
  refused('{"_a":1,"children":{}}');
  refused('{"children":null}');
  refused('{"children":[]}');
});

test("03#6 values of another form are refused", () => {
  const bad = [
    '{"Int":5.0}',
    '{"Int":1e3}',
    '{"Int":-0}',
    '{"Int":9223372036854775808}',
    '{"Int":-9223372036854775809}',
    '{"Int":18446744073709551616}',
    '{"Int":"5"}',
    '{"int":1}',
    "null",
    "1",
    "true",
    "[]",
    "{}",
    '"Bool"',
    '"null"',
    '"deleted"',
    '{"Null":1}',
    '{"Null":{}}',
    '{"Deleted":false}',
    '{"Float":1}',
    '{"Int":1,"Text":"a"}',
    '{"Int":1,"Int":1}',
    '{"Bool":0}',
    '{"Bool":null}',
    '{"Text":null}',
    '{"Text":"\\ud800"}',
    '{"Text":"a\nb"}',
    '{"Doc":{}}',
    '{"Doc":"Null"}',
    '{"List":{}}',
  ];
  for (const value of bad) refused(holding(value));
  assert.equal(Doc.parse(holding('{"Null":null}')).get("v"), null);
  assert.ok(Doc.parse(holding('{ "Deleted" : null }')).isTombstone("v"));
  assert.equal(Doc.parse(holding('{"\\u0049nt":7}')).get("v"), 7);
});

test("03 §4.2 bytes after the value, a byte order mark and bad UTF-8 are refused", () => {
  refused('{"children":{}}x');
  refused('{"children":{}}{}');
  assert.ok(Doc.parse(' {"children":{}}\n\t ').isEmpty());
  const json = new TextEncoder().encode('{"children":{}}');
  assert.throws(() => Doc.parseBytes(new Uint8Array([0xef, 0xbb, 0xbf, ...json])), SerializeError);
  assert.throws(() => Doc.parseBytes(new Uint8Array([...json, 0xff])), SerializeError);
  assert.throws(() => Doc.parseBytes(new Uint8Array()), SerializeError);
});

test("03 §4.2 the array forms of documents and positions are read", () => {
  const doc = Doc.parse(`[0,true,{"l":{"List":[[[1,2,"${UUID}"],"Null"]]}}]`);
  assert.equal(
    doc.stringify(),
    `{"_a":true,"children":{"l":{"List":[[${at("1", "2")},"Null"]]}}}`,
  );
  for (const json of ["[0,false]", "[1,false,{}]", "[0,false,{},1]", "[0,null,{}]"]) refused(json);
  for (const p of ["[1,2]", `[1,2,"${UUID}",3]`, '[1,2,"x"]']) refused(listing(`[${p},"Null"]`));
});

test("03#7 an integer beyond 2^53 survives parse, merge and serialize", () => {
  const doc = Doc.parse(holding('{"Int":9007199254740993}'));
  assert.equal(doc.get("v"), 9007199254740993n);
  assert.equal(new Doc().merge(doc).stringify(), holding('{"Int":9007199254740993}'));
});

test("03#8 a list keeps positions, order and tombstones", () => {
  const json = listing(
    `[${at("-9223372036854775808", "18446744073709551615")},"Deleted"]`,
    `[${at("0", "1")},{"Text":"a"}]`,
    `[${at("2", "4")},{"Int":1}]`,
    `[${at("1", "2", "f7311303-6597-4be1-bbde-8203cf67789b")},"Null"]`,
  );
  assert.equal(Doc.parse(json).stringify(), json);
});

test("03 §4.2 list items come in any order; of equal positions the last value stays", () => {
  const [a, b] = [at("1", "1"), at("0", "1")];
  const json = listing(`[${a},{"Int":1}]`, `[${b},{"Int":2}]`, `[${at("2", "2")},{"Int":3}]`);
  assert.equal(Doc.parse(json).stringify(), listing(`[${b},{"Int":2}]`, `[${a},{"Int":3}]`));
});

test("03 §4.2 malformed list items and positions are refused", () => {
  for (const item of ["[]", `[${at("0", "1")}]`, `[${at("0", "1")},"Null","Null"]`, '"Null"']) {
    refused(listing(item));
  }
  const positions = [
    at("0", "-1"),
    at("0", "18446744073709551616"),
    at("9223372036854775808", "1"),
    at("-0", "1"),
    at("0", "1.0"),
    at("0", "1", "67e55044"),
    '{"numerator":0,"denominator":1}',
    `{"numerator":0,"numerator":0,"denominator":1,"unique_id":"${UUID}"}`,
    `{"numerator":0,"denominator":1,"unique_id":[1,2]}`,
    `{}`,
  ];
  for (const position of positions) refused(listing(`[${position},"Null"]`));
  const extra = `{"x":[[]],"unique_id":"${UUID}","denominator":1,"numerator":0}`;
  assert.equal(
    Doc.parse(listing(`[${extra},"Null"]`)).stringify(),
    listing(`[${at("0", "1")},"Null"]`),
  );
});

test("03 §4.2 UUIDs are read in four spellings and written in one", () => {
  const simple = UUID.replaceAll("-", "");
  for (
    const id of [
      UUID,
      UUID.toUpperCase(),
      simple,
      simple.toUpperCase(),
      `urn:uuid:${UUID}`,
      `{${UUID}}`,
    ]
  ) {
    const doc = Doc.parse(listing(`[${at("0", "1", id)},"Null"]`));
    assert.equal(doc.stringify(), listing(`[${at("0", "1")},"Null"]`));
  }
  for (
    const id of [
      `{${simple}}`,
      `URN:UUID:${UUID}`,
      `(${UUID})`,
      `${UUID} `,
      UUID.slice(1),
      `urn:uuid:${simple}`,
    ]
  ) {
    refused(listing(`[${at("0", "1", id)},"Null"]`));
  }
});

test("03 §4.2 zero denominators and unreduced fractions are read as they are", () => {
  const json = listing(`[${at("2", "4")},"Null"]`, `[${at("5", "0")},{"Int":1}]`);
  const doc = Doc.parse(json);
  assert.equal(doc.stringify(), json);
  assert.ok(Doc.parse(doc.merge(doc).stringify()).equals(doc));
});

function nest(levels: number): string {
  return '{"children":{"k":{"Doc":'.repeat(levels - 1) + '{"children":{"k":{"Int":1}}}' +
    "}}}".repeat(levels - 1);
}

test("03#9 42 path levels are read and written, 43 refused on both sides", () => {
  const doc = Doc.parse(nest(42));
  assert.equal(doc.get(Array(42).fill("k")), 1);
  assert.equal(doc.stringify(), nest(42));
  refused(nest(43));
  const fresh = new Doc();
  fresh.set(Array(42).fill("k"), 1);
  assert.equal(fresh.stringify(), nest(42));
  assert.throws(() => fresh.set(Array(43).fill("k"), 1), {
    name: "CrdtError",
    code: "InvalidPath",
  });
  const deeper = new Doc();
  deeper.set("k", doc);
  assert.throws(() => deeper.stringify(), (error) => {
    return error instanceof CrdtError && error.code === "SerializationFailed";
  });
});

test("03#9 the writer counts containers as the reader does, also in lists", () => {
  let value: Value = 1;
  let written = 0;
  for (let level = 1; level < 60; level++) {
    value = level % 2 === 0 ? Doc.from({ k: value }) : List.from([value]);
    let json: string;
    try {
      json = stringifyValue(value);
    } catch (error) {
      assert.ok(error instanceof CrdtError);
      break;
    }
    assert.equal(stringifyValue(parseValue(json)), json);
    written = level;
  }
  assert.ok(written > 30 && written < 45, String(written));
});

test("keys are written sorted, so equal documents give equal bytes", () => {
  const one = Doc.from({ b: 1, a: 2, "10": 3, "9": 4 });
  const two = new Doc();
  for (const [key, value] of [["9", 4], ["a", 2], ["b", 1], ["10", 3]] as const) {
    two.set(key, value);
  }
  assert.equal(one.stringify(), two.stringify());
  assert.match(one.stringify(), /"10".*"9".*"a".*"b"/);
});

test("keys such as __proto__ are ordinary", () => {
  const doc = Doc.parse('{"children":{"__proto__":{"Int":1},"constructor":{"Int":2}}}');
  assert.equal(doc.get("__proto__"), 1);
  assert.equal(doc.get("toString"), undefined);
  const plain = doc.toObject();
  assert.equal(Object.getPrototypeOf(plain), Object.prototype);
  assert.deepEqual(Object.entries(plain), [["__proto__", 1], ["constructor", 2]]);
  assert.ok(Doc.from(plain).equals(doc));
});

test("hostile sizes are refused or read in bounded time", () => {
  const start = performance.now();
  refused("[".repeat(10_000_000));
  refused('{"children":{"a":{"Doc":'.repeat(400_000));
  refused('{"children":{"' + "\\".repeat(10_000_000));
  refused('{"children":{"a":{"Int":' + "9".repeat(10_000_000) + "}}}");
  const backwards = Array.from(
    { length: 20_000 },
    (_, i) => `[${at(`${20_000 - i}`, "1")},"Null"]`,
  );
  assert.equal(Doc.parse(listing(...backwards)).getList("v")!.len(), 20_000);
  assert.ok(performance.now() - start < 30_000);
});

test("Position objects are compared by fraction, not by spelling", () => {
  const doc = Doc.parse(listing(`[${at("2", "4")},{"Int":1}]`));
  const list = doc.getList("v")!;
  assert.equal(list.getByPosition(Position.fromParts(1, 2, UUID)), 1);
});
