import assert from "node:assert/strict";
import { test } from "node:test";
import { Doc } from "../../src/crdt/doc.ts";
import { List } from "../../src/crdt/list.ts";
import { Position } from "../../src/crdt/position.ts";
import { positionFor } from "../../src/crdt/runs.ts";
import type { RandomSource } from "../../src/util/random.ts";

/** A repeatable source of bytes: with these seeds no two runs meet in one cell. */
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

/** The list as another transaction, another process or another device reads it. */
const reread = (list: List): List => Doc.parse(Doc.from({ list }).stringify()).getList("list")!;

/** A way to add the items of a run to a list of `base` items. */
type Way = (list: List, item: string, nth: number, base: number, random: RandomSource) => void;

const WAYS: Readonly<Record<string, Way>> = {
  "pushed": (list, item, _nth, _base, random) => list.push(item, { random }),
  "inserted before all": (list, item, _nth, _base, random) => list.insert(0, item, { random }),
  "typed before all": (list, item, nth, _base, random) => list.insert(nth, item, { random }),
  "typed in the middle": (list, item, nth, base, random) =>
    list.insert((base >> 1) + nth, item, { random }),
  "inserted in the middle, backwards": (list, item, _nth, base, random) =>
    list.insert(base >> 1, item, { random }),
};

const WRITERS = ["a", "b", "c"];
const LENGTH = 12;

/** What is left when each writer has added a run to its copy of `base`, and all were merged. */
function merged(base: List, way: Way, randoms: readonly RandomSource[], each: (l: List) => List) {
  return WRITERS.map((writer, at) => {
    let list = base.clone();
    for (let nth = 0; nth < LENGTH; nth++) {
      way(list, `${writer}${nth}`, nth, base.len(), randoms[at]!);
      list = each(list);
    }
    return list;
  }).reduce((all, list) => all.merge(list));
}

/** How many runs there are of items of one writer. */
function runsIn(list: List): number {
  const writers = (list.toArray() as string[]).map((item) => item[0]).filter((it) => it !== "0");
  return writers.filter((writer, at) => writer !== writers[at - 1]).length;
}

for (const [how, way] of Object.entries(WAYS)) {
  test(`runs of several writers stay together: ${how}`, () => {
    const bases = [["0"], ["0", "0", "0", "0"], []].map((items) => List.from(items));
    for (const base of bases) {
      for (const each of [(list: List) => list, reread]) {
        const apart = WRITERS.map((_writer, at) => seeded(at + 1));
        const one = seeded(99);
        for (const randoms of [apart, WRITERS.map(() => one)]) {
          const list = merged(base, way, randoms, each);
          assert.equal(list.len(), base.len() + WRITERS.length * LENGTH);
          assert.equal(runsIn(list), WRITERS.length, list.toArray().join(" "));
        }
      }
    }
  });
}

test("a run that is merged and gone on with on two devices parts into two", () => {
  const [one, other] = [seeded(5), seeded(6)];
  const base = List.from(["0"]);
  base.push("a", { random: one });
  const [left, right] = [reread(base), reread(base)];
  for (let nth = 0; nth < LENGTH; nth++) {
    left.push(`a${nth}`, { random: one });
    right.push(`b${nth}`, { random: other });
  }
  assert.equal(runsIn(left.merge(right)), 2);
});

test("arrays that are stored at one place side by side do not alternate", () => {
  const [one, other] = [seeded(1), seeded(2)].map((random) => {
    return List.from(random === undefined ? [] : ["0", "0", "0"], { random });
  });
  const [left, right] = [List.from(["a0", "a1", "a2"]), List.from(["b0", "b1", "b2"])];
  assert.equal(one!.merge(other!).len(), 6);
  const list = left.merge(right);
  assert.ok(runsIn(list) === 2 || samePlace(left, right), list.toArray().join(" "));
});

/** One in 4096 pairs of arrays begins at the same place. */
function samePlace(left: List, right: List): boolean {
  const [[l], [r]] = [[...left.iterWithPositions()][0]!, [...right.iterWithPositions()][0]!];
  return l!.numerator === r!.numerator;
}

test("a new list counts from zero; its numbers stay small, and whole while it is pushed to", () => {
  const list = new List();
  for (let at = 0; at < 1000; at++) list.push(at);
  const numerators = [...list.iterWithPositions()].map(([position]) => position.numerator);
  assert.deepEqual(numerators, Array.from({ length: 1000 }, (_, at) => at));
  assert.ok([...list.iterWithPositions()].every(([position]) => position.denominator === 1));
});

test("a long run in the middle keeps its order and fits its cell", () => {
  const random = seeded(3);
  const list = List.from(["first", "last"], { random });
  for (let at = 0; at < 3000; at++) list.insert(1 + at, at, { random });
  assert.deepEqual(list.toArray().slice(1, -1), Array.from({ length: 3000 }, (_, at) => at));
  const positions = [...list.iterWithPositions()].map(([position]) => position);
  assert.ok(positions.slice(1).every((position, at) => positions[at]!.compare(position) < 0));
});

test("where there is no room for a cell, a position is found all the same", () => {
  const id = "00000000-0000-4000-8000-000000000001";
  const at = (n: number | bigint, d: number | bigint) => Position.fromParts(n, d, id);
  const [most, least] = [2n ** 63n - 1n, -(2n ** 63n)];
  const gaps: [Position | undefined, Position | undefined][] = [
    [at(most, 1), undefined],
    [undefined, at(least, 1)],
    [at(most - 1n, 1), at(most, 1)],
    [at(1, 2n ** 64n - 1n), at(1, 2n ** 64n - 2n)],
    [at(least, 1), at(most, 1)],
    [at(1, 2), Position.fromParts(1, 2, id.replace("1", "f"))],
  ];
  for (const [left, right] of gaps) {
    const position = positionFor(left, right);
    assert.ok(left === undefined || left.compare(position) < 0);
    assert.ok(right === undefined || position.compare(right) < 0);
  }
});
