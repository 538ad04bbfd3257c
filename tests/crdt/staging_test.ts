import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Doc } from "../../src/crdt/doc.ts";
import { List } from "../../src/crdt/list.ts";
import { changeOf, completion } from "../../src/crdt/staging.ts";
import { DELETED, type ValueInput } from "../../src/crdt/value.ts";

/** What others read after `delta` was stored on top of `history`. */
function stored(history: Doc, delta: Doc): Doc {
  const whole = completion(delta)?.(history) ?? delta;
  assert.equal(completion(whole), undefined, "what is written says all");
  return history.merge(Doc.parse(whole.stringify()));
}

/** Documents and lists of few keys and texts, so that they meet. */
const plain: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.constantFrom<unknown>(1, "x", null),
  doc: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { maxKeys: 3 }),
  list: fc.array(tie("value"), { maxLength: 3 }),
  value: fc.oneof({ depthSize: "small" }, tie("leaf"), tie("doc"), tie("list")),
})).value;

const path = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 });
const history = fc.dictionary(fc.constantFrom("a", "b"), plain, { maxKeys: 2 }).map((object) =>
  Doc.from(object)
);
const step = fc.record({ path, value: fc.oneof(plain, plain, fc.constant(DELETED)) });

test("law: what a transaction reads of itself is what everybody reads after it", () => {
  fc.assert(
    fc.property(history, fc.array(step, { maxLength: 6 }), (before, steps) => {
      const delta = new Doc();
      for (const { path, value } of steps) delta.stageOpen(path, value as ValueInput);
      const view = before.merge(delta);
      assert.deepEqual(stored(before, delta).toObject(), view.toObject());
    }),
    { numRuns: 500 },
  );
});

test("law: what is put in place of what was deleted or replaced stands as in two transactions", () => {
  const gone = fc.oneof(fc.constant(DELETED), fc.constantFrom<unknown>(5, null, "text"));
  const below = fc.array(fc.constantFrom("a", "b"), { maxLength: 2 });
  fc.assert(
    fc.property(history, path, gone, below, plain, (before, path, gone, below, value) => {
      const [one, first, second] = [new Doc(), new Doc(), new Doc()];
      for (const delta of [one, first]) delta.stageOpen(path, gone as ValueInput);
      for (const delta of [one, second]) delta.stageOpen([...path, ...below], value as ValueInput);
      const apart = before.merge(first).merge(second);
      assert.deepEqual(stored(before, one).toObject(), apart.toObject());
    }),
    { numRuns: 500 },
  );
});

test("law: a deletion stays, whatever document is put around it afterwards", () => {
  fc.assert(
    fc.property(history, fc.dictionary(fc.constantFrom("b", "c"), plain), (before, around) => {
      before.set("k.a", "old");
      before.set("k.deep.a", "old");
      const delta = new Doc();
      for (const path of ["k.a", "k.deep.a"]) delta.stageOpen(path, DELETED);
      delta.stageOpen("k", around);
      const after = stored(before, delta);
      assert.ok(!after.has("k.a") && !after.has("k.deep.a"));
    }),
    { numRuns: 100 },
  );
});

test("law: the change of a value leaves what is in it, and what others have added", () => {
  fc.assert(
    fc.property(plain, plain, (from, to) => {
      const before = Doc.from({ k: from });
      const after = before.clone();
      after.set("k", to as ValueInput);
      const delta = new Doc();
      delta.set("k", changeOf(before.get("k")!, after.get("k")!));
      assert.deepEqual(before.merge(delta).toObject(), after.toObject());
      if (!(before.get("k") instanceof Doc) || !(after.get("k") instanceof Doc)) return;
      const others = before.clone();
      others.set("k.others", 1);
      assert.deepEqual(others.merge(delta).getDoc("k")!.get("others"), 1);
    }),
    { numRuns: 300 },
  );
});

test("items of a list that was edited in place are deleted, changed and kept", () => {
  const before = Doc.from({ list: [{ a: 1, b: 2 }, "gone", { a: 3 }] });
  const list = before.getList("list")!;
  list.remove(1);
  list.set(0, { c: 3 });
  list.push("new");
  const delta = Doc.from({ list: changeOf(before.getList("list")!, list) });
  assert.deepEqual(before.merge(delta).toObject(), { list: [{ c: 3 }, { a: 3 }, "new"] });
  const cleared = new List();
  const clearing = Doc.from({ list: changeOf(before.getList("list")!, cleared) });
  assert.deepEqual(before.merge(clearing).toObject(), { list: [] });
});

test("a document that replaces another one is atomic only where it must be", () => {
  const delta = new Doc();
  delta.stageOpen("a", { x: 1 });
  delta.stageOpen("a", { y: 1 });
  delta.stageOpen("list", ["a"]);
  delta.stageOpen("list", ["b"]);
  assert.doesNotMatch(delta.stringify(), /_a/);
  assert.equal(completion(delta), undefined);
  assert.deepEqual(delta.toObject(), { a: { y: 1 }, list: ["b"] });
});

test("a replacing list leaves what it has kept of the old one, and replaces what it holds there", () => {
  const before = Doc.from({ k: [{ a: 1 }, "second"] });
  const kept = before.getList("k")!;
  kept.remove(1);
  kept.set(0, { b: 2 });
  const delta = new Doc();
  delta.stageOpen("k", DELETED);
  delta.stageOpen("k", kept);
  for (const state of [before.merge(delta), stored(before, delta)]) {
    assert.deepEqual(state.toObject(), { k: [{ b: 2 }] });
  }
});
