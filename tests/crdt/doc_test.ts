import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boolOf,
  docOf,
  intOf,
  listOf,
  textOf,
  toValue,
  valuesEqual,
} from "../../src/crdt/convert.ts";
import { Doc } from "../../src/crdt/doc.ts";
import { List } from "../../src/crdt/list.ts";
import { DELETED, isBranch, isLeaf, type Value, type ValueInput } from "../../src/crdt/value.ts";
import { CrdtError, isNotFound } from "../../src/util/errors.ts";

function fails(code: string, run: () => unknown): CrdtError {
  let caught: unknown;
  try {
    run();
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof CrdtError, `no CrdtError but ${caught}`);
  assert.equal(caught.code, code);
  assert.equal(caught.module, "crdt");
  return caught;
}

test("03#13 set makes the documents on the way", () => {
  const doc = new Doc();
  assert.equal(doc.set("a.b.c", 1), undefined);
  assert.ok(doc.get("a") instanceof Doc);
  assert.ok(doc.get("a.b") instanceof Doc);
  assert.equal(doc.get("a.b.c"), 1);
  assert.equal(doc.len(), 1);
  assert.equal(doc.size, 1);
  const user = new Doc();
  user.set("user.age", 30);
  assert.equal(user.stringify(), '{"children":{"user":{"Doc":{"children":{"age":{"Int":30}}}}}}');
});

test("03#14 paths are normalized; dots alone change nothing", () => {
  const doc = new Doc();
  doc.set("user..name", "Ada");
  assert.equal(doc.get("user.name"), "Ada");
  doc.set("a.", 1);
  assert.equal(doc.get("a"), 1);
  assert.equal(doc.get("a."), 1);
  const before = doc.stringify();
  assert.equal(doc.set("...", 2), undefined);
  assert.equal(doc.remove("."), undefined);
  assert.equal(doc.get("..."), undefined);
  assert.equal(doc.stringify(), before);
});

test("03#15 the empty text is a key", () => {
  const doc = new Doc();
  doc.set("", "empty");
  assert.equal(doc.get(""), "empty");
  assert.deepEqual([...doc.keys()], [""]);
});

test("03#16 set replaces a scalar, tombstone or list on the way by a plain document", () => {
  for (const value of [5, null, "x", DELETED, new List(), List.from([{ b: 1 }])] as ValueInput[]) {
    const doc = new Doc();
    doc.set("a", value);
    assert.equal(doc.set("a.b", 2), undefined);
    assert.equal(doc.stringify(), '{"children":{"a":{"Doc":{"children":{"b":{"Int":2}}}}}}');
  }
  const atomic = new Doc();
  atomic.set("a", Doc.atomic({ x: 1 }));
  atomic.set("a.b", 2);
  assert.ok(atomic.getDoc("a")!.isAtomic());
  assert.deepEqual(atomic.toObject(), { a: { b: 2, x: 1 } });
});

test("03#17 set returns the visible value it replaces", () => {
  const doc = new Doc();
  assert.equal(doc.set("a", 1), undefined);
  assert.equal(doc.set("a", 2), 1);
  doc.remove("a");
  assert.equal(doc.set("a", 3), undefined);
  doc.set("a", null);
  assert.equal(doc.set("a", 4), null);
});

test("03#18 remove of a missing path leaves a tombstone and its parents", () => {
  const doc = new Doc();
  assert.equal(doc.remove("a.b"), undefined);
  assert.ok(doc.isTombstone("a.b"));
  assert.equal(doc.stringify(), '{"children":{"a":{"Doc":{"children":{"b":"Deleted"}}}}}');
});

test("03#19 what was removed is gone but leaves a tombstone", () => {
  const doc = Doc.from({ a: 1, b: 2 });
  assert.equal(doc.remove("a"), 1);
  assert.equal(doc.get("a"), undefined);
  assert.ok(!doc.has("a") && !doc.containsKey("a"));
  assert.equal(doc.len(), 1);
  assert.ok(doc.isTombstone("a"));
  assert.equal(doc.remove("a"), undefined);
  assert.ok(doc.isTombstone("a"));
  doc.remove("b");
  assert.ok(doc.isEmpty());
  assert.deepEqual([...doc.allEntries()], [["a", DELETED], ["b", DELETED]]);
});

test("03#20 a deleted parent hides its children, which are no tombstones", () => {
  const doc = Doc.from({ a: { b: 1 } });
  doc.remove("a");
  assert.ok(doc.isTombstone("a"));
  assert.ok(!doc.isTombstone("a.b"));
  assert.equal(doc.get("a.b"), undefined);
});

test("03#21 setting below a tombstone does not bring siblings back", () => {
  const doc = Doc.from({ a: { b: { c: 1 } } });
  doc.remove("a.b");
  doc.set("a.b.d", 2);
  assert.equal(doc.get("a.b.c"), undefined);
  assert.ok(!doc.isTombstone("a.b"));
  assert.deepEqual(doc.toObject(), { a: { b: { d: 2 } } });
});

test("03#22 get enters lists by visible index", () => {
  const doc = Doc.from({ items: ["zero", "one", { title: "two" }] });
  const items = doc.getList("items")!;
  items.remove(0);
  doc.set("items", items);
  assert.equal(doc.get("items.0"), "one");
  assert.equal(doc.get("items.1.title"), "two");
  assert.equal(doc.get("items.+01.title"), "two");
  const nothing = ["items.9", "items.x", "items.-1", "items.1.x", "items.99999999999999999999"];
  for (const path of nothing) assert.equal(doc.get(path), undefined, path);
});

test("numeric segments are plain keys inside documents", () => {
  const doc = new Doc();
  doc.set("users.123.name", "x");
  assert.deepEqual(doc.toObject(), { users: { 123: { name: "x" } } });
});

test("03#23 modify changes what is visible (ours also inside lists, as 03 better#10)", () => {
  const doc = Doc.from({ a: { n: 1 }, l: [{ n: 5 }, 6] });
  assert.ok(doc.modify("a.n", (n) => (n as number) + 1));
  assert.ok(doc.modify("l.0.n", (n) => (n as number) + 1));
  assert.ok(doc.modify("l.1", () => "six"));
  assert.deepEqual(doc.toObject(), { a: { n: 2 }, l: [{ n: 6 }, "six"] });
  doc.remove("a.n");
  const never = () => assert.fail("called");
  for (const path of ["a.n", "a.x", "l.7", "l.0.x", "..."]) assert.ok(!doc.modify(path, never));
  assert.ok(!doc.modify("l.1", () => (doc.remove("l"), 1)));
  assert.ok(doc.isTombstone("l"));
});

test("getOrInsert inserts only what is missing", () => {
  const doc = Doc.from({ a: 1 });
  assert.equal(doc.getOrInsert("a", 9), 1);
  assert.equal(doc.getOrInsert("b.c", 2), 2);
  doc.remove("a");
  assert.deepEqual((doc.getOrInsert("a", { x: 1 }) as Doc).toObject(), { x: 1 });
  assert.deepEqual(doc.toObject(), { a: { x: 1 }, b: { c: 2 } });
  fails("InvalidPath", () => doc.getOrInsert("..", 1));
});

test("03#24 tombstones survive serialization and count in equality", () => {
  const doc = Doc.from({ a: { b: 1 }, c: 2 });
  doc.remove("a.b");
  doc.remove("c");
  const copy = Doc.parse(doc.stringify());
  assert.ok(copy.isTombstone("a.b") && copy.isTombstone("c"));
  assert.ok(copy.equals(doc));
  assert.ok(!doc.equals(Doc.from({ a: {} })));
  assert.ok(!doc.equals(new Doc()));
  assert.ok(!new Doc().equals(Doc.atomic()));
  assert.ok(Doc.from({ a: 1, b: [] }).equals(Doc.from({ b: [], a: 1 })));
});

test("children are visited in order of keys, and ranges of them", () => {
  const doc = Doc.from({ d: 4, b: 2, a: 1, c: 3 });
  doc.remove("c");
  assert.deepEqual([...doc.keys()], ["a", "b", "d"]);
  assert.deepEqual([...doc.values()], [1, 2, 4]);
  assert.deepEqual([...doc], [["a", 1], ["b", 2], ["d", 4]]);
  assert.deepEqual([...doc.keys({ from: "b" })], ["b", "d"]);
  assert.deepEqual([...doc.keys({ from: "aa", to: "d" })], ["b"]);
  assert.deepEqual([...doc.keys({ reverse: true })], ["d", "b", "a"]);
  assert.deepEqual([...doc.keys({ from: "b", to: "d", reverse: true })], ["b"]);
  assert.deepEqual([...doc.keys({ to: "cc", reverse: true })], ["b", "a"]);
  assert.deepEqual([...doc.allEntries({ from: "c" })], [["c", DELETED], ["d", 4]]);
  assert.deepEqual([...doc.keys({ from: "x" })], []);
  assert.deepEqual([...new Doc().entries({ from: "a", to: "b" })], []);
});

test("an iteration does not see changes made meanwhile", () => {
  const doc = new Doc();
  for (let i = 0; i < 200; i++) doc.set(`k${1000 + i}`, i);
  let seen = 0;
  for (const [key] of doc.entries()) {
    doc.set(`a${key}`, 0);
    doc.remove(key);
    seen++;
  }
  assert.equal(seen, 200);
  assert.equal(doc.len(), 200);
});

test("an iteration does not see changes made meanwhile inside children", () => {
  const doc = new Doc();
  doc.set("a", 1);
  doc.set("b.n", 1);
  const entries = doc.entries();
  assert.deepEqual(entries.next().value, ["a", 1]);
  doc.set("b.n", 2);
  assert.deepEqual((entries.next().value![1] as Doc).toObject(), { n: 1 });
  doc.set("a.n", 2);
  const lazy = doc.values();
  doc.set("a.n", 3);
  doc.set("a.n", 4);
  assert.deepEqual((lazy.next().value as Doc).toObject(), { n: 4 }); // it starts with the first step
});

test("fromEntries stores by path, from takes keys literally", () => {
  assert.deepEqual(Doc.fromEntries([["a.b", 1], ["a.c", 2]]).toObject(), { a: { b: 1, c: 2 } });
  assert.deepEqual([...Doc.from({ "a.b": 1 }).keys()], ["a.b"]);
});

test("from and toObject: plain JavaScript in and out", () => {
  const plain = {
    a: null,
    b: [1, [], "x", { y: false }],
    c: { d: 2n ** 60n, e: {} },
    u: undefined,
    n: Object.assign(Object.create(null), { z: 1 }),
  };
  const doc = Doc.from(plain);
  const { u: _, ...visible } = { ...plain, n: { z: 1 } };
  assert.deepEqual(doc.toObject(), visible);
  doc.remove("c.e");
  const list = doc.getList("b")!;
  list.remove(0);
  doc.set("b", list);
  assert.deepEqual(doc.toObject(), { ...visible, b: [[], "x", { y: false }], c: { d: 2n ** 60n } });
  assert.ok(Doc.from(doc).equals(doc));
});

test("03#40 typed reading gives nothing for missing keys and other types", () => {
  const doc = Doc.from({ t: "x", i: 1, b: true, d: {}, l: [], n: null, big: 2n ** 60n });
  doc.remove("gone");
  assert.equal(doc.getString("t"), "x");
  assert.equal(doc.getInt("i"), 1);
  assert.equal(doc.getInt("big"), 2n ** 60n);
  assert.equal(doc.getBool("b"), true);
  assert.ok(doc.getDoc("d") instanceof Doc);
  assert.ok(doc.getList("l") instanceof List);
  for (const key of ["missing", "gone", "n"]) {
    for (const get of ["getString", "getInt", "getBool", "getDoc", "getList"] as const) {
      assert.equal(doc[get](key), undefined);
    }
  }
  assert.equal(doc.getString("i"), undefined);
  assert.equal(doc.getInt("t"), undefined);
  assert.equal(doc.getBool("i"), undefined);
  assert.equal(doc.getDoc("l"), undefined);
  assert.equal(doc.getList("d"), undefined);
});

test("03#40 conversions out of a value fail for every other kind", () => {
  const values: Record<string, Value> = {
    String: "x",
    i64: 2n ** 60n,
    bool: false,
    Doc: Doc.from({ a: 1 }),
    List: List.from([1]),
  };
  const readers = { String: textOf, i64: intOf, bool: boolOf, Doc: docOf, List: listOf };
  for (const [expected, read] of Object.entries(readers)) {
    assert.ok(valuesEqual(read(values[expected]!) as Value, values[expected]!));
    for (const [kind, value] of [...Object.entries(values), ["null", null], ["deleted", DELETED]]) {
      if (kind === expected) continue;
      const error = fails("TypeMismatch", () => read(value as Value));
      assert.equal(error.fields.expected, expected);
    }
  }
});

test("03#41 lossy numbers are refused, naming the kinds (the reference truncates 95.5 to 95)", () => {
  const doc = new Doc();
  const bad = [95.5, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53), 2n ** 63n, -(2n ** 63n) - 1n];
  for (const value of bad) {
    const error = fails("InvalidValue", () => doc.set("x", value));
    assert.match(error.message, /Null, Bool, Int, Text, Doc, List/);
  }
  assert.ok(doc.isEmpty());
  doc.set("x", 5n);
  assert.equal(doc.get("x"), 5);
  doc.set("x", -0);
  assert.ok(Object.is(doc.get("x"), 0));
  doc.set("x", 2n ** 53n - 1n);
  assert.equal(doc.get("x"), Number.MAX_SAFE_INTEGER);
});

test("what is no plain value is refused", () => {
  const bad: unknown[] = [
    undefined,
    () => 1,
    Symbol("x"),
    new Date(),
    new Map(),
    new Uint8Array(1),
    new (class Point {})(),
    "\ud800",
    { "\udc00": 1 },
    [undefined],
    { a: { b: 1.5 } },
  ];
  for (const value of bad) fails("InvalidValue", () => toValue(value as ValueInput));
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  fails("InvalidValue", () => Doc.from(loop));
  fails("TypeMismatch", () => Doc.from([1]));
  fails("InvalidValue", () => new Doc().set("\ud800", 1));
});

test("03#41 values compare with primitives by kind and content", () => {
  const doc = Doc.from({ i: 5, t: "5", b: true, n: null });
  assert.ok(doc.get("i") === 5 && doc.get("t") === "5" && doc.get("b") === true);
  assert.ok(valuesEqual(doc.get("i")!, toValue(5n)));
  for (const [a, b] of [[5, "5"], [1, true], [null, DELETED], ["", null], [0, false]] as const) {
    assert.ok(!valuesEqual(a, b) && !valuesEqual(b, a));
  }
  assert.ok(!valuesEqual(new Doc(), new List()) && !valuesEqual(new List(), new Doc()));
});

test("branches and leaves", () => {
  const leaves: Value[] = [null, true, 1, 1n, "x", DELETED];
  for (const leaf of leaves) assert.ok(isLeaf(leaf) && !isBranch(leaf));
  for (const branch of [new Doc(), new List()]) assert.ok(!isLeaf(branch) && isBranch(branch));
});

test("03#42 toJsonString and display text", () => {
  const doc = Doc.from({ a: 'say "hi"', b: null, c: [1, 2n ** 60n], d: { e: true }, f: 1 });
  const list = doc.getList("c")!;
  list.push("gone");
  list.remove(2);
  doc.set("c", list);
  doc.remove("f");
  assert.equal(
    doc.toJsonString(),
    '{"a":"say \\"hi\\"","b":null,"c":[1,1152921504606846976],"d":{"e":true}}',
  );
  assert.equal(`${doc}`, '{a: say "hi", b: null, c: [1, 1152921504606846976], d: {e: true}}');
  assert.equal(new Doc().toJsonString(), "{}");
  assert.equal(new List().toJsonString(), "[]");
  assert.equal(`${new Doc()} ${new List()}`, "{} []");
});

test("03#42 toJsonString escapes properly (better#7), also keys", () => {
  const doc = Doc.from({ 'k"\\': "a\\b\n\u0000" });
  assert.deepEqual(JSON.parse(doc.toJsonString()), doc.toObject());
});

test("03#43 setJson and getJson", () => {
  const doc = new Doc();
  const row = { name: "Ann", tags: ["x", 1.5], big: 2n ** 60n, none: null };
  doc.setJson("a.row", row);
  assert.equal(typeof doc.get("a.row"), "string");
  assert.deepEqual(doc.getJson("a.row"), row);
  assert.equal(fails("ElementNotFound", () => doc.getJson("b.c")).fields.key, "b.c");
  assert.equal(fails("TypeMismatch", () => doc.getJson("a")).fields.actual, "doc");
  doc.set("bad", "{");
  fails("DeserializationFailed", () => doc.getJson("bad"));
  fails("SerializationFailed", () => doc.setJson("x", () => 1));
  assert.ok(!doc.has("x"));
});

test("03#44 errors answer to their own predicate only", () => {
  const missing = fails("ElementNotFound", () => new Doc().getJson("x"));
  const mismatch = fails("TypeMismatch", () => textOf(1));
  assert.ok(isNotFound(missing) && !isNotFound(mismatch));
});
