import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { EideticaError, SerializeError } from "../../src/util/errors.ts";
import { JsonReader } from "../../src/util/json_reader.ts";
import { skipJson } from "../../src/util/json_skip.ts";
import {
  duplicateKeys,
  type Json64,
  JsonFloat,
  type JsonObject,
  parseJson64,
  parsePlainJson,
  stringifyJson64,
  toPlainJson,
} from "../../src/util/json64.ts";
import { cases } from "../helpers/thorough.ts";

function refused(text: string): void {
  assert.throws(() => parseJson64(text), (error) => {
    assert.ok(error instanceof SerializeError, String(error));
    assert.equal(error.code, "DeserializationFailed");
    return true;
  }, `accepted ${JSON.stringify(text)}`);
}

test("integers are exact to 64 bits: number when safe, bigint beyond", () => {
  const cases: [string, Json64][] = [
    ["0", 0],
    ["-7", -7],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["9007199254740992", 9007199254740992n],
    ["-9007199254740993", -9007199254740993n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["-9223372036854775808", -(2n ** 63n)],
    ["18446744073709551615", 2n ** 64n - 1n],
  ];
  for (const [text, value] of cases) {
    assert.equal(parseJson64(text), value);
    assert.equal(stringifyJson64(value), text);
  }
});

test("other numbers are floats, apart from integers", () => {
  const floats: [string, number][] = [
    ["5.0", 5],
    ["1e3", 1000],
    ["-0", -0],
    ["18446744073709551616", 2 ** 64],
    ["-9223372036854775809", -(2 ** 63)],
    ["1" + "0".repeat(300), 1e300],
  ];
  for (const [text, value] of floats) {
    const parsed = parseJson64(text);
    assert.ok(parsed instanceof JsonFloat, text);
    assert.ok(Object.is(parsed.value, value), text);
    assert.ok(parseJson64(stringifyJson64(parsed)) instanceof JsonFloat, text);
  }
  assert.equal(stringifyJson64(new JsonFloat(5)), "5.0");
  assert.equal(stringifyJson64(new JsonFloat(-0)), "-0.0");
  assert.equal(stringifyJson64(2 ** 60), "1152921504606847000.0");
  assert.equal(parsePlainJson(stringifyJson64(2 ** 60)), 2 ** 60);
  assert.equal(parsePlainJson(stringifyJson64(2n ** 60n)), 2n ** 60n);
  assert.equal(stringifyJson64([0.5, -1e-9, 1.25, 7]), "[0.5,-1e-9,1.25,7]");
  assert.equal(stringifyJson64(new JsonFloat(1e300)), "1e+300");
  assert.equal(JSON.stringify([new JsonFloat(1.5)]), "[1.5]");
  assert.equal(new JsonFloat(2).valueOf() + 1, 3);
});

test("texts that are not JSON are refused", () => {
  const bad = [
    "",
    " ",
    "{",
    "[",
    "[1,]",
    "[,1]",
    '{"a":1,}',
    '{"a"}',
    '{"a" 1}',
    "{a:1}",
    "{1:1}",
    "01",
    "-01",
    "1.",
    ".5",
    "1e",
    "1e+",
    "-",
    "+1",
    "0x1",
    "NaN",
    "Infinity",
    "1e999",
    "nul",
    "True",
    "truex",
    "1 2",
    "[1 2]",
    '"',
    '"abc',
    '"\\',
    '"\n"',
    '"\u0000"',
    '"\\x41"',
    '"\\u12"',
    "'a'",
    "\ufeff1",
    "\u00a01",
    "[1]]",
    "// 1",
    '["\\ud800"]',
    '["\\udc00\\ud800"]',
    '"\ud800"',
  ];
  for (const text of bad) refused(text);
});

test("what JSON allows is accepted", () => {
  const text =
    ' {"a" : [ ] ,\r\n\t"b":{ },"c":[null,true,false,"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00é😀"] } ';
  assert.deepEqual(toPlainJson(parseJson64(text)), JSON.parse(text));
});

test("the last of repeated keys counts and repetition can be seen", () => {
  const object = parseJson64('{"a":1,"b":2,"a":3,"a":4}') as JsonObject;
  assert.deepEqual([...object], [["a", 4], ["b", 2]]);
  assert.deepEqual([...duplicateKeys(object)], ["a"]);
  assert.equal(duplicateKeys(parseJson64('{"a":1}') as JsonObject).size, 0);
  const two = parseJson64('{"a":1,"b":2,"a":3,"b":4}') as JsonObject;
  assert.deepEqual([...duplicateKeys(two)], ["a", "b"]);
});

test("__proto__ is a key like any other", () => {
  const text = '{"__proto__":{"x":1},"constructor":2}';
  assert.equal((parseJson64(text) as JsonObject).get("constructor"), 2);
  for (const plain of [toPlainJson(parseJson64(text)), parsePlainJson(text)]) {
    assert.equal(Object.getPrototypeOf(plain), Object.prototype);
    assert.deepEqual(Object.keys(plain as object), ["__proto__", "constructor"]);
  }
  assert.equal(stringifyJson64(parseJson64(text)), text);
});

test("nesting is limited: 127 containers are read, 128 refused", () => {
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
    parseJson64(open.repeat(127) + "1" + close.repeat(127));
    refused(open.repeat(128) + "1" + close.repeat(128));
    assert.throws(() => parsePlainJson(open.repeat(128) + "1" + close.repeat(128)), SerializeError);
  }
  assert.throws(() => parseJson64("[[1]]", { maxDepth: 1 }), SerializeError);
  refused("[".repeat(5_000_000));
  assert.equal(stringifyJson64([[1]], { maxDepth: 2 }), "[[1]]");
  assert.throws(() => stringifyJson64([[1]], { maxDepth: 1 }), SerializeError);
  const loop: unknown[] = [];
  loop.push(loop);
  assert.throws(() => stringifyJson64(loop), SerializeError);
});

test("nesting is counted per branch, not in total", () => {
  const many = `[${"[],{},[1],".repeat(300)}0]`;
  assert.equal((parseJson64(many) as Json64[]).length, 901);
});

test("the writer takes plain objects and maps, and leaves out undefined members", () => {
  assert.equal(stringifyJson64({ b: 1, a: undefined, c: [1n, null] }), '{"b":1,"c":[1,null]}');
  assert.equal(
    stringifyJson64(new Map<string, unknown>([["z", 1.5], ["a", true]])),
    '{"z":1.5,"a":true}',
  );
});

test("the writer refuses what JSON cannot hold", () => {
  const bad = [
    undefined,
    () => 1,
    Symbol("x"),
    NaN,
    Infinity,
    2n ** 64n,
    -(2n ** 63n) - 1n,
    "\ud800",
  ];
  for (const value of [...bad, [undefined], { "\udc00": 1 }, new JsonFloat(NaN)]) {
    assert.throws(() => stringifyJson64(value), (error) => {
      return error instanceof SerializeError && error.code === "SerializationFailed";
    });
  }
});

test("parsePlainJson agrees with the exact parser", () => {
  const texts = [
    '{"a":[1,2.5,"x"],"n":null}',
    '{"big":9007199254740993,"u":18446744073709551615}',
    '"1234567890123456"',
    '{"s":"\\ud83d\\ude00"}',
    "[" + "[],".repeat(200) + "1]",
    "1e5",
  ];
  for (const text of texts) assert.deepEqual(parsePlainJson(text), toPlainJson(parseJson64(text)));
  for (const bad of ["{", '"\\ud800"', "1e999x", '"\ud800"']) {
    assert.throws(() => parsePlainJson(bad), SerializeError);
  }
});

test("an error names the place and the reason", () => {
  assert.throws(() => parseJson64('{"a":tru}'), {
    name: "SerializeError",
    message: "Cannot read JSON at character 5: expected true",
    position: 5,
    reason: "expected true",
  });
});

test("skipJson passes over one value of any depth and leaves the rest", () => {
  const values = [
    "1",
    "-0",
    "1e999",
    '"\\ud800"',
    "null",
    "true",
    "false",
    "[]",
    "{}",
    '{"a":[1,{"b":[]}],"c":{}}',
    "[[],[[]],{}]",
    "[".repeat(100_000) + "]".repeat(100_000),
  ];
  for (const value of values) {
    const reader = new JsonReader(` ${value} 7`);
    skipJson(reader);
    assert.equal(reader.number(), 7);
    reader.end();
  }
  for (const bad of ["", "[1,]", "{1:2}", '{"a":}', "[}", "01", "[1 2]", '"\\x"', "tru"]) {
    assert.throws(() => skipJson(new JsonReader(bad)), SerializeError, bad);
  }
});

test("law: what JSON.stringify writes reads back the same", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
    const text = JSON.stringify(value);
    if (/\\u[dD]|[0-9]{16}/.test(text)) return; // lone surrogates; integers that become bigint
    assert.deepEqual(toPlainJson(parseJson64(text)), JSON.parse(text));
  }));
});

test("law: parse after stringify gives the value back", () => {
  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: "grapheme" }),
    fc.maxSafeInteger().map((n) => n + 0),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => new JsonFloat(n)),
  );
  const { value } = fc.letrec<{ value: Json64 }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.tuple(fc.string(), tie("value")), { maxLength: 4 }).map((p) => new Map(p)),
    ),
  }));
  fc.assert(fc.property(value, (v) => assert.deepEqual(parseJson64(stringifyJson64(v)), v)));
});

test("fuzz: any text gives a value or a SerializeError, as the engine's parser does", () => {
  const chunk = fc.constantFrom(...'[]{},:"\\u0-1.eE+ntrf ds8', "true", "null", '"a"', "\\u");
  const text = fc.oneof(fc.string(), fc.array(chunk, { maxLength: 30 }).map((c) => c.join("")));
  fc.assert(
    fc.property(text, (t) => {
      let accepted = true;
      try {
        parseJson64(t);
      } catch (error) {
        assert.ok(error instanceof EideticaError, String(error));
        accepted = false;
      }
      if (accepted) JSON.parse(t);
    }),
    { numRuns: cases(2000) },
  );
});
