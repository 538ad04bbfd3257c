import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SerializeError } from "../../src/util/errors.ts";
import { MAX_JSON_DEPTH, parseJson64, stringifyJson64 } from "../../src/util/json64.ts";
import { parsePlainJson, stringifyPlainJson } from "../../src/util/plain_json.ts";

/** The kind and the place of what is refused. */
function refusal(value: unknown): [kind: unknown, path: unknown] {
  try {
    return [`accepted: ${stringifyPlainJson(value)}`, undefined];
  } catch (error) {
    assert.ok(error instanceof SerializeError && error.code === "SerializationFailed", `${error}`);
    assert.ok(error.message.includes(String(error.fields.kind)));
    return [error.fields.kind, error.fields.path];
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { value };
  return value;
}

class Person {
  name = "Ada";
}

const loop: { self?: unknown } = {};
loop.self = [loop];

const REFUSED: readonly [value: unknown, kind: string, path: string][] = [
  [undefined, "undefined", ""],
  [() => 1, "a function", ""],
  [{ a: { b: Symbol("x") } }, "a symbol", "a.b"],
  [{ value: new Map([[1, 2]]) }, "an instance of Map", "value"],
  [[new Set()], "an instance of Set", "[0]"],
  [{ "odd key": [/x/] }, "an instance of RegExp", '["odd key"][0]'],
  [{ error: new Error("x") }, "an instance of Error", "error"],
  [{ list: [{ person: new Person() }] }, "an instance of Person", "list[0].person"],
  [{ n: new Number(5) }, "an instance of Number", "n"],
  [{ data: new Uint8Array(2) }, "bytes (Uint8Array)", "data"],
  [{ data: new DataView(new ArrayBuffer(1)) }, "bytes (DataView)", "data"],
  [{ data: new ArrayBuffer(1) }, "an instance of ArrayBuffer", "data"],
  [{ data: { toJSON: () => new Uint8Array(1) } }, "an instance of Uint8Array", "data"],
  [{ at: new Date(NaN) }, "an invalid Date", "at"],
  [{ a: { toJSON: () => undefined } }, "undefined", "a"],
  [{ list: [1, , 3] }, "a hole", "list[1]"],
  [{ list: new Array(2 ** 32 - 1) }, "a hole", "list[0]"],
  [[1, undefined], "undefined", "[1]"],
  [{ n: NaN }, "the number NaN", "n"],
  [[[-Infinity]], "the number -Infinity", "[0][0]"],
  [{ n: 2n ** 64n }, "an integer of more than 64 bits", "n"],
  [{ text: "\ud800" }, "a text with half of a surrogate pair", "text"],
  [{ "\udc00": 1 }, "a key with half of a surrogate pair", '["\\udc00"]'],
  [loop, "an object that contains itself", "self[0]"],
];

test("what would come back as something else is refused with its kind and its place", () => {
  for (const [value, kind, path] of REFUSED) assert.deepEqual(refusal(value), [kind, path]);
});

test("nesting goes as deep as readers do, and no deeper", () => {
  const deepest = nested(MAX_JSON_DEPTH);
  assert.deepEqual(parsePlainJson(stringifyPlainJson(deepest)), deepest);
  for (const depth of [MAX_JSON_DEPTH + 1, 200, 20_000]) {
    assert.equal(refusal(nested(depth))[0], `more than ${MAX_JSON_DEPTH} nested lists and objects`);
  }
  const turning = { toJSON: (): unknown => ({ turning }) };
  assert.equal(refusal(turning)[0], "an object that contains itself");
});

test("what JSON keeps comes back as it is, minus zero and large numbers too", () => {
  const value = {
    zero: -0,
    big: 2n ** 64n - 1n,
    least: -(2n ** 63n),
    double: 2 ** 60,
    huge: 1e300,
    tiny: 5e-324,
    text: 'a"\\\n\u2028é😀',
    none: null,
    list: [[], {}, [true, false]],
    ["__proto__"]: { a: 1 },
  };
  const back = parsePlainJson(stringifyPlainJson(value));
  assert.deepEqual(back, value);
  assert.ok(Object.is((back as typeof value).zero, -0));
  assert.deepEqual(Object.keys(back as object), Object.keys(value));
});

test("an object is what its toJSON says, which is told the key as JSON does it", () => {
  const told = { toJSON: (key: string) => `under ${key}` };
  for (const beside of [1, null, 2n]) {
    const text = stringifyPlainJson({ a: told, list: [told], beside });
    assert.match(text, /^\{"a":"under a","list":\["under 0"\],/);
  }
  assert.equal(stringifyPlainJson(told), '"under "');
  assert.equal(stringifyPlainJson({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}');
  const itself = { n: 1, toJSON: () => itself };
  assert.deepEqual(refusal(itself), ["a function", "toJSON"]);
});

test("members that are undefined are left out; plain objects of other realms are plain", () => {
  const bare = Object.assign(Object.create(null), { a: 1 });
  const foreign = Object.create(Object.freeze(Object.create(null)), {
    b: { value: 2, enumerable: true },
  });
  assert.equal(stringifyPlainJson([{ gone: undefined }, bare, foreign]), '[{},{"a":1},{"b":2}]');
});

test("a number that no double holds is refused by every reader", () => {
  for (const text of ["1e400", "[-1E+999]", '{"a":12e300000}']) {
    assert.throws(() => parsePlainJson(text), SerializeError);
    assert.throws(() => parseJson64(text), SerializeError);
  }
});

/** Values as JavaScript has them, most of which JSON keeps. */
const anything = fc.anything({
  maxDepth: 5,
  withBigInt: true,
  withNullPrototype: true,
  withSparseArray: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
});

/** A value without its undefined members, and with integers as they are read. */
function asRead(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return value.map(asRead);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, asRead(member)]));
}

test("any value is refused, or read back equal", () => {
  let kept = 0;
  fc.assert(
    fc.property(anything, (value) => {
      let text: string;
      try {
        text = stringifyPlainJson(value);
      } catch (error) {
        return assert.ok(error instanceof SerializeError, `${error}`);
      }
      kept++;
      assert.deepEqual(parsePlainJson(text), asRead(value));
    }),
    { numRuns: 500 },
  );
  assert.ok(kept > 50, `only ${kept}`);
});

test("the engine's writer and the exact one write the same for what both take", () => {
  // Minus zero is what they differ in, and what the engine's own writer loses.
  const values = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.parse(JSON.stringify(value)));
  fc.assert(
    fc.property(values, (value) => {
      assert.equal(stringifyPlainJson(value), stringifyJson64(value));
    }),
    { numRuns: 200 },
  );
});
