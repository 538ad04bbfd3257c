import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { BTree, compareStrings } from "../../src/util/btree.ts";

function sorted(map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].sort(([a], [b]) => compareStrings(a, b));
}

/** Everything that can be read of a tree is as a sorted list says. */
function agree(tree: BTree<string, number>, pairs: readonly [string, number][], at: string): void {
  assert.equal(tree.size, pairs.length);
  assert.deepEqual([...tree.entries()], pairs);
  assert.deepEqual([...tree.entriesReversed()], pairs.toReversed());
  assert.deepEqual([...tree.entries(at)], pairs.filter(([key]) => key >= at));
  assert.deepEqual([...tree.entriesReversed(at)], pairs.filter(([key]) => key < at).toReversed());
  const seen: [string, number][] = [];
  tree.forEachPair((key, value) => void seen.push([key, value]));
  assert.deepEqual(seen, pairs);
}

test("law: it behaves as a sorted Map, and clones are independent", () => {
  const key = fc.string({ maxLength: 2, unit: fc.constantFrom(..."abcdefgh") });
  const step = fc.tuple(fc.constantFrom("set", "set", "delete", "clone"), key);
  const property = fc.property(
    fc.array(step, { maxLength: 300, size: "max" }),
    key,
    (steps, at) => {
      let tree = new BTree<string, number>(compareStrings, 8);
      const map = new Map<string, number>();
      const clones: [BTree<string, number>, [string, number][]][] = [];
      steps.forEach(([what, key], i) => {
        if (what === "set") {
          assert.equal(tree.set(key, i), !map.has(key));
          map.set(key, i);
        } else if (what === "delete") assert.equal(tree.delete(key), map.delete(key));
        else {
          clones.push([tree, sorted(map)]);
          tree = tree.clone();
        }
        assert.equal(tree.get(key), map.get(key));
      });
      agree(tree, sorted(map), at);
      for (const [clone, pairs] of clones) agree(clone, pairs, at);
    },
  );
  fc.assert(property, { numRuns: 60 });
});

for (
  const [order, at] of [
    ["ascending", (i: number) => i],
    ["descending", (i: number) => 1999 - i],
    ["mixed", (i: number) => (i * 719) % 2000],
  ] as const
) {
  test(`many keys in ${order} order go in and out again`, () => {
    const name = (i: number) => String(10_000 + at(i));
    const tree = new BTree<string, number>(compareStrings);
    const map = new Map<string, number>();
    for (let i = 0; i < 2000; i++) {
      tree.set(name(i), i);
      map.set(name(i), i);
    }
    agree(tree, sorted(map), "11234");
    for (let i = 0; i < 1990; i++) {
      assert.equal(tree.delete(name(i)), map.delete(name(i)));
      assert.equal(tree.get(name(i)), undefined);
      if (i % 500 === 0) agree(tree, sorted(map), "11234");
    }
    agree(tree, sorted(map), "11234");
    for (let i = 1990; i < 2000; i++) tree.delete(name(i));
    agree(tree, [], "1");
    assert.equal(tree.delete("none"), false);
  });
}
