import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeValues } from "../../src/crdt/branch.ts";
import { docCrdt } from "../../src/crdt/crdt.ts";
import { Doc } from "../../src/crdt/doc.ts";
import { List } from "../../src/crdt/list.ts";
import { DELETED, type Value, type ValueInput } from "../../src/crdt/value.ts";

function plain(children: Record<string, ValueInput>): Doc {
  return Doc.from(children);
}

const deleted: ValueInput = DELETED;

test("03#25 the ten worked merges", () => {
  const a1 = (children: object) => Doc.atomic(children);
  const rows: [Doc, Doc, Doc][] = [
    [
      plain({ name: "Alice", age: 30 }),
      plain({ name: "Bob", city: "NYC" }),
      plain({ name: "Bob", age: 30, city: "NYC" }),
    ],
    [plain({ k: "s" }), plain({ k: { i: "v" } }), plain({ k: { i: "v" } })],
    [plain({ k: { i: "v" } }), plain({ k: "s" }), plain({ k: "s" })],
    [plain({ k: deleted }), plain({ k: "x" }), plain({ k: "x" })],
    [plain({ k: "x" }), plain({ k: deleted }), plain({ k: deleted })],
    [plain({}), plain({ k: deleted }), plain({ k: deleted })],
    [a1({ x: 1, y: 2 }), a1({ x: 10, z: 30 }), a1({ x: 10, z: 30 })],
    [a1({ x: 1 }), plain({ x: 99, y: 2 }), a1({ x: 99, y: 2 })],
    [plain({ x: 99, y: 2 }), a1({ x: 1 }), a1({ x: 1 })],
    [
      plain({ c: a1({ a: 1 }) }),
      plain({ c: plain({ a: 99, b: 2 }) }),
      plain({ c: a1({ a: 99, b: 2 }) }),
    ],
  ];
  for (const [left, right, expected] of rows) {
    assert.equal(left.merge(right).stringify(), expected.stringify());
  }
});

test("03 §7.1 value rules, first match wins", () => {
  const [doc, list] = [Doc.from({ a: 1 }), List.from([1])];
  const others: Value[] = [null, true, 1, "x", doc, list, DELETED];
  for (const value of others) {
    assert.equal(mergeValues(value, DELETED), DELETED);
    for (const scalar of [null, false, 2, "y"]) assert.equal(mergeValues(value, scalar), scalar);
    if (value !== doc) assert.ok((mergeValues(value, doc) as Doc).equals(doc));
    if (value !== list) assert.ok((mergeValues(value, list) as List).equals(list));
  }
  const merged = mergeValues(doc, Doc.from({ b: 2 })) as Doc;
  assert.deepEqual(merged.toObject(), { a: 1, b: 2 });
  assert.deepEqual(doc.toObject(), { a: 1 });
});

test("03#26 merge changes neither input and is repeatable", () => {
  const left = Doc.from({ a: { x: 1, y: [1] }, b: 2 });
  const right = Doc.from({ a: { x: 5, z: { q: 1 } }, b: DELETED, l: [1] });
  const before = [left.stringify(), right.stringify()];
  const first = left.merge(right);
  assert.equal(left.merge(right).stringify(), first.stringify());
  first.set("a.x", 77);
  first.set("a.z.q", 78);
  assert.deepEqual([left.stringify(), right.stringify()], before);
  assert.equal(left.merge(left).stringify(), left.stringify());
  left.applyDelta(left);
  assert.equal(left.stringify(), before[0]);
});

test("03#27 the atomic chain groups either way", () => {
  const e1 = Doc.from({ c: Doc.from({ old: 1, x: 1 }) });
  const e2 = Doc.from({ c: Doc.from({ old2: 2 }) });
  const e3 = Doc.from({ c: Doc.atomic({ x: 3, y: 3 }) });
  const e4 = Doc.from({ c: Doc.from({ y: 4, z: 4 }) });
  const fold = e1.merge(e2).merge(e3).merge(e4);
  assert.ok(fold.getDoc("c")!.isAtomic());
  assert.deepEqual(fold.toObject(), { c: { x: 3, y: 4, z: 4 } });
  assert.equal(e1.merge(e2).merge(e3.merge(e4)).stringify(), fold.stringify());
  assert.equal(e1.merge(e2.merge(e3.merge(e4))).stringify(), fold.stringify());
});

test("03#28 the empty document is an identity on both sides", () => {
  const tombstones = new Doc();
  tombstones.remove("a");
  for (
    const doc of [Doc.from({ a: 1 }), Doc.atomic({ a: 1 }), Doc.atomic(), tombstones, new Doc()]
  ) {
    assert.equal(new Doc().merge(doc).stringify(), doc.stringify());
    assert.equal(doc.merge(new Doc()).stringify(), doc.stringify());
  }
});

test("03#29 merging is not associative where a deletion stands between", () => {
  for (const between of [deleted, 5, "x"] as ValueInput[]) {
    const [a, d, b] = [plain({ k: { a: 1 } }), plain({ k: between }), plain({ k: { b: 2 } })];
    assert.deepEqual(a.merge(d).merge(b).toObject(), { k: { b: 2 } });
    assert.deepEqual(a.merge(d.merge(b)).toObject(), { k: { a: 1, b: 2 } });
  }
});

test("an atomic document drops the tombstones and keys it replaces", () => {
  const left = Doc.from({ a: 1, b: DELETED });
  const merged = left.merge(Doc.atomic({ c: 3 }));
  assert.deepEqual([...merged.allEntries()], [["c", 3]]);
});

test("better#2 stage keeps a deletion that set would lose in the merged state", () => {
  const history = Doc.from({ user: { name: "old", mail: "old" }, n: 1 });
  for (const between of [deleted, 5, []] as ValueInput[]) {
    const [set, staged] = [new Doc(), new Doc()];
    for (const [delta, method] of [[set, "set"], [staged, "stage"]] as const) {
      delta[method]("user", between);
      delta[method]("user.name", "new");
    }
    assert.deepEqual(history.merge(set).toObject(), { n: 1, user: { name: "new", mail: "old" } });
    assert.deepEqual(history.merge(staged).toObject(), { n: 1, user: { name: "new" } });
  }
});

test("better#2 stage makes plain documents where nothing stood, and keeps those that exist", () => {
  const delta = new Doc();
  delta.stage("a.b.c", 1);
  delta.stage("a.d", 2);
  assert.doesNotMatch(delta.stringify(), /_a/);
  assert.equal(delta.stage("a.d", 3), 2);
  delta.stage("a.b", DELETED);
  delta.stage("a.b.x.y", 1);
  assert.ok(delta.getDoc("a.b")!.isAtomic());
  assert.ok(!delta.getDoc("a.b.x")!.isAtomic());
});

test("a large document merges with a small one without being copied", () => {
  const big = new Doc();
  for (let i = 0; i < 100_000; i++) big.set(`row${i}`, i);
  const start = performance.now();
  for (let i = 0; i < 1000; i++) big.merge(Doc.from({ [`row${i}`]: "changed" }));
  const elapsed = performance.now() - start;
  assert.equal(big.get("row5"), 5);
  assert.ok(elapsed < 5000, `${elapsed} ms for 1000 merges`); // copying would take minutes
});

test("docCrdt: the contract of stores", () => {
  const delta = Doc.from({ a: { b: 1 } });
  const state = docCrdt.apply!(docCrdt.empty(), delta);
  assert.ok(docCrdt.parse(docCrdt.serialize(state)).equals(docCrdt.merge(docCrdt.empty(), delta)));
  assert.throws(() => docCrdt.parse(new Uint8Array()), { code: "DeserializationFailed" });
});
