import assert from "node:assert/strict";
import { test } from "node:test";
import { Doc } from "../../src/crdt/doc.ts";
import { List, Position } from "../../src/crdt/list.ts";
import { DELETED } from "../../src/crdt/value.ts";
import { CrdtError } from "../../src/util/errors.ts";
import type { RandomSource } from "../../src/util/random.ts";

const LOW = "00000000-0000-4000-8000-000000000001";
const HIGH = "ffffffff-ffff-4fff-bfff-fffffffffff0";

/** A repeatable source of bytes. */
function seeded(seed: number): RandomSource {
  let state = seed;
  return {
    bytes: (length) =>
      Uint8Array.from({ length }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state >>> 24;
      }),
  };
}

function ascending(list: List): void {
  const positions = [...list.iterWithPositions()].map(([position]) => position);
  positions.slice(1).forEach((position, i) => assert.ok(positions[i]!.compare(position) < 0));
}

test("03#30 a shared position takes the right value, others are united in order", () => {
  const [p0, p1, p2] = [0, 1, 2].map((n) => Position.fromParts(n, 1, LOW)) as Position[];
  const [left, right] = [new List(), new List()];
  left.insertAtPosition(p2!, "left 2");
  left.insertAtPosition(p1!, "left 1");
  right.insertAtPosition(p1!, "right 1");
  right.insertAtPosition(p0!, "right 0");
  assert.deepEqual(left.merge(right).toArray(), ["right 0", "right 1", "left 2"]);
  assert.deepEqual(left.toArray(), ["left 1", "left 2"]);
  assert.deepEqual(right.toArray(), ["right 0", "right 1"]);
});

test("03#30 values at a shared position merge; the left position object stays", () => {
  const [left, right] = [new List(), new List()];
  left.insertAtPosition(Position.fromParts(1, 2, LOW), Doc.from({ a: 1 }));
  right.insertAtPosition(Position.fromParts(2, 4, LOW), Doc.from({ b: 2 }));
  const [[position, value]] = [...left.merge(right).iterWithPositions()] as [[Position, Doc]];
  assert.equal(`${position}`, `1/2 (${LOW})`);
  assert.deepEqual(value.toObject(), { a: 1, b: 2 });
});

test("03#31 two lists built apart interleave by fraction, then UUID", () => {
  const [left, right] = [List.from(["a", "b"]), List.from(["c", "d"])];
  const merged = left.merge(right);
  assert.equal(merged.len(), 4);
  ascending(merged);
  assert.equal(merged.merge(left).merge(right).len(), 4);
  assert.ok(left.merge(right).equals(right.merge(left)));
});

test("03#31 merges of long and short lists give the same result either way", () => {
  const long = List.from(Array.from({ length: 500 }, (_, i) => i));
  const edit = long.clone();
  edit.remove(100);
  edit.insert(50, "inserted");
  const short = new List();
  for (const [position, value] of edit.iterWithPositions()) {
    if (value === "inserted" || value === DELETED) short.insertAtPosition(position, value);
  }
  assert.equal(short.totalLen(), 2);
  assert.ok(long.merge(short).equals(edit));
  assert.ok(long.merge(edit).equals(edit));
  assert.ok(new List().merge(long).equals(long) && long.merge(new List()).equals(long));
  assert.equal(long.len(), 500);
});

test("03#32 remove propagates through merge; clear does not", () => {
  const original = List.from(["a", "b"]);
  const removed = original.clone();
  assert.equal(removed.remove(0), "a");
  assert.deepEqual(original.merge(removed).toArray(), ["b"]);
  const cleared = original.clone();
  cleared.clear();
  assert.ok(cleared.isEmpty());
  assert.deepEqual(original.merge(cleared).toArray(), ["a", "b"]);
  assert.deepEqual(original.toArray(), ["a", "b"]);
});

test("03#33 push returns the visible index", () => {
  const list = new List();
  assert.deepEqual(["a", "b", "c"].map((v) => list.push(v)), [0, 1, 2]);
  list.remove(1);
  assert.equal(list.push("d"), 2);
  assert.deepEqual(list.toArray(), ["a", "c", "d"]);
  assert.equal(new List().push(DELETED), 0);
  const numerators = [...list.iterWithPositions()].map(([p]) => [p.numerator, p.denominator]);
  assert.deepEqual(numerators, [[0, 1], [1, 1], [2, 1], [3, 1]]);
});

test("03#34 insert beyond the end fails with index and length", () => {
  const check = (list: List, index: number, len: number) =>
    assert.throws(() => list.insert(index, "x"), {
      name: "CrdtError",
      module: "crdt",
      code: "ListIndexOutOfBounds",
      index,
      len,
    });
  check(new List(), 1, 0);
  check(List.from([1, 2]), 10, 2);
  check(List.from([1, 2]), -1, 2);
  check(List.from([1, 2]), 0.5, 2);
});

test("03#35 insert at start, end and middle", () => {
  const list = List.from(["b", "d"]);
  list.insert(0, "a");
  list.insert(3, "e");
  list.insert(2, "c");
  assert.deepEqual(list.toArray(), ["a", "b", "c", "d", "e"]);
  ascending(list);
});

test("03#35 insert counts visible items only (better#3)", () => {
  const list = List.from(["a", "b", "c"]);
  list.remove(1);
  list.insert(1, "x");
  assert.deepEqual(list.toArray(), ["a", "x", "c"]);
  const front = List.from(["gone", "gone", "a", "b"]);
  front.remove(0);
  front.remove(0);
  front.insert(1, "x");
  assert.deepEqual(front.toArray(), ["a", "x", "b"]);
  front.insert(0, "first");
  front.insert(4, "last");
  assert.deepEqual(front.toArray(), ["first", "a", "x", "b", "last"]);
  ascending(front);
});

test("03#36 a list of tombstones has no visible items but is not empty", () => {
  const list = List.from([1, 2]);
  list.remove(0);
  list.remove(0);
  assert.equal(list.len(), 0);
  assert.equal(list.length, 0);
  assert.equal(list.totalLen(), 2);
  assert.deepEqual([...list], []);
  assert.deepEqual([...list.iterAll()], [DELETED, DELETED]);
  assert.deepEqual(list.toVec(), [DELETED, DELETED]);
  assert.ok(!list.isEmpty());
  assert.ok(new List().isEmpty());
});

test("03#37 order of positions is exact", () => {
  const at = (n: number | bigint, d: number | bigint, id = LOW) => Position.fromParts(n, d, id);
  assert.ok(at(1, 2).compare(at(3, 4)) < 0 && at(3, 4).compare(at(1, 1)) < 0);
  const reduced = Position.of(6, 4);
  assert.deepEqual([reduced.numerator, reduced.denominator], [3, 2]);
  assert.ok(at(1, 2, LOW).compare(at(2, 4, HIGH)) < 0);
  assert.ok(at(1, 2).equals(at(2, 4)) && !at(1, 2).equals(at(1, 2, HIGH)));
  const end = Position.end();
  assert.ok(
    Position.beginning().compare(Position.of(100)) < 0 && Position.of(100).compare(end) < 0,
  );
  assert.equal(end.numerator, 2n ** 63n - 1n);
  const max = 2n ** 64n - 1n;
  assert.ok(at(2n ** 63n - 2n, max).compare(at(2n ** 63n - 1n, max)) < 0);
  assert.ok(at(-(2n ** 63n), 1).compare(at(-(2n ** 63n) + 1n, 1)) < 0);
  assert.ok(at(2n ** 53n, 2n ** 53n + 1n).compare(at(2n ** 53n + 1n, 2n ** 53n + 2n)) < 0);
  assert.ok(!Position.beginning().equals(Position.beginning()));
});

test("positions refuse what does not fit", () => {
  const bad: [number | bigint, number | bigint][] = [
    [0, 0],
    [0, -1],
    [1.5, 1],
    [NaN, 1],
    [2n ** 63n, 1],
    [0, 2n ** 64n],
    [2 ** 53, 1],
  ];
  for (const [n, d] of bad) assert.throws(() => Position.of(n, d), { code: "InvalidValue" });
  assert.throws(() => Position.fromParts(0, 1, "x"), { code: "InvalidUuid", uuid: "x" });
  assert.throws(() => Position.fromParts(0, -1, LOW), { code: "InvalidValue" });
  assert.equal(Position.fromParts(0, 0, LOW.toUpperCase()).uniqueId, LOW);
});

test("03#38 between is strictly between", () => {
  const max = 2n ** 64n - 1n;
  const gaps: [number | bigint, number | bigint, number | bigint, number | bigint, string][] = [
    [0, 1, 1, 1, "1/2"],
    [1, 1, 3, 1, "2/1"],
    [-1, 1, 0, 1, "-1/2"],
    [0, 1, 2n ** 63n - 1n, 1, "1/1"],
    [1, 2, 1, 1, "2/3"],
    [-3, 1, 4, 1, "0/1"],
    [-3, 1, -1, 1, "-2/1"],
    [-1, 2, -1, 3, "-2/5"],
    [0, 1, 1, max - 1n, `1/${max}`],
    [7, 5, 10, 7, "17/12"],
  ];
  for (const [ln, ld, rn, rd, expected] of gaps) {
    const [left, right] = [Position.of(ln, ld), Position.of(rn, rd)];
    const middle = Position.between(left, right);
    assert.ok(left.compare(middle) < 0 && middle.compare(right) < 0);
    assert.equal(`${middle.numerator}/${middle.denominator}`, expected);
  }
  const middle = Position.between(Position.beginning(), Position.end());
  assert.ok(middle.compare(Position.end()) < 0);
});

test("between refuses ends that are not in order", () => {
  const [a, b] = [Position.of(0), Position.of(1)];
  for (const [left, right] of [[b, a], [a, a]]) {
    assert.throws(() => Position.between(left, right), { code: "ListOperationFailed" });
  }
});

test("between open ends takes the next integer, never an item's own place (better#4, #6)", () => {
  const at = (n: number | bigint, d: number | bigint, id = LOW) => Position.fromParts(n, d, id);
  assert.equal(Position.between(undefined, undefined).numerator, 0);
  assert.equal(Position.between(at(-7, 2), undefined).numerator, -3);
  assert.equal(Position.between(undefined, at(-7, 2)).numerator, -4);
  assert.equal(Position.between(undefined, at(7, 2)).numerator, 3);
  assert.equal(Position.between(undefined, at(0, 1)).numerator, -1);
  const [max, min] = [at(2n ** 63n - 1n, 1), at(-(2n ** 63n), 1, HIGH)];
  const after = Position.between(max, undefined);
  assert.ok(max.compare(after) < 0 && after.numerator === max.numerator);
  const before = Position.between(undefined, min);
  assert.ok(before.compare(min) < 0 && before.numerator === min.numerator);
});

test("between equal fractions, or where none is left, the UUID decides (better#5)", () => {
  const max = 2n ** 64n - 1n;
  const [a, b] = [Position.fromParts(1, 2, LOW), Position.fromParts(1, 2, HIGH)];
  const full: [Position, Position] = [
    Position.fromParts(1, max, LOW),
    Position.fromParts(1, max - 1n, LOW),
  ];
  for (const [left, right] of [[a, b], full] as const) {
    const middle = Position.between(left, right);
    assert.ok(left.compare(middle) < 0 && middle.compare(right) < 0);
    assert.match(middle.uniqueId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  }
  const next = Position.fromParts(1, 2, "00000000-0000-4000-8000-000000000002");
  assert.throws(() => Position.between(a, next), (error) => {
    return error instanceof CrdtError && error.code === "ListOperationFailed" &&
      error.fields.operation === "between";
  });
  const infinite = Position.fromParts(1, 0, LOW);
  assert.throws(() => Position.between(infinite, undefined), { code: "ListOperationFailed" });
});

test("03#39 any number of insertions at one place keeps the order", () => {
  const list = List.from(["first", "last"]);
  const expected = ["first", "last"];
  for (let i = 0; i < 300; i++) {
    list.insert(1, i);
    expected.splice(1, 0, i as unknown as string);
  }
  for (let i = 0; i < 300; i++) {
    const at = 1 + (i * 7) % (expected.length - 1);
    list.insert(at, `m${i}`);
    expected.splice(at, 0, `m${i}`);
  }
  assert.deepEqual(list.toArray(), expected);
  ascending(list);
  assert.ok(Doc.parse(Doc.from({ list }).stringify()).getList("list")!.equals(list));
});

test("03#39 alternating insertions, the worst case, keep the order or fail with an explicit error", () => {
  const list = List.from(["l", "r"]);
  let inserted = 0;
  const insert = () => list.insert(1 + (inserted >> 1) + (inserted % 2), inserted);
  assert.throws(() => {
    for (; inserted < 1000; inserted++) insert();
  }, { name: "CrdtError", code: "ListOperationFailed" });
  assert.ok(inserted > 90, `only ${inserted}`);
  assert.equal(list.len(), inserted + 2);
  ascending(list);
});

test("get, set and remove by visible index", () => {
  const list = List.from(["a", "b", "c"]);
  assert.equal(list.set(1, "B"), "b");
  assert.equal(list.remove(0), "a");
  assert.equal(list.get(0), "B");
  assert.equal(list.set(1, "C"), "c");
  for (const index of [2, -1, 0.5, NaN, Infinity]) {
    assert.equal(list.get(index), undefined);
    assert.equal(list.set(index, "x"), undefined);
    assert.equal(list.remove(index), undefined);
  }
  assert.deepEqual(list.toArray(), ["B", "C"]);
  assert.equal(list.totalLen(), 3);
});

test("direct access by position", () => {
  const list = List.from(["a", "b"]);
  const [[first]] = [...list.iterWithPositions()] as [[Position, unknown]];
  assert.equal(list.getByPosition(first), "a");
  list.insertAtPosition(first, "A");
  assert.deepEqual(list.toArray(), ["A", "b"]);
  assert.equal(list.removeByPosition(first), "A");
  assert.equal(list.removeByPosition(first), undefined);
  assert.equal(list.getByPosition(first), undefined);
  assert.equal(list.totalLen(), 1);
});

test("an iteration does not see changes made meanwhile", () => {
  const list = List.from([1, 2, 3]);
  for (const value of list) list.push((value as number) * 10);
  assert.deepEqual(list.toArray(), [1, 2, 3, 10, 20, 30]);
});

test("positions can be made repeatable", () => {
  const make = () => Doc.from({ l: ["a", ["b"]] }, { random: seeded(7) }).stringify();
  assert.equal(make(), make());
  const [one, two] = [seeded(1), seeded(1)].map((random) => {
    const list = List.from(["a"], { random });
    list.push("b", { random });
    list.insert(1, "c", { random });
    return list;
  }) as [List, List];
  assert.ok(one.equals(two));
});
