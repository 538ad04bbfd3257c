import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { BTree, compareStrings } from "../../src/util/btree.ts";

test("the class is found whatever the runtime makes of the package", () => {
  const tree = new BTree<string, number>([["b", 2], ["a", 1]], compareStrings);
  assert.deepEqual([...tree.entries()], [["a", 1], ["b", 2]]);
  assert.equal(tree.size, 2);
});

test("ranges forward and backward", () => {
  const tree = new BTree<string, number>(undefined, compareStrings);
  for (let i = 0; i < 500; i++) tree.set(String(1000 + i), i);
  assert.deepEqual([...tree.keys("1498x")], ["1499"]);
  assert.equal(tree.entriesReversed("1005", undefined, true).next().value![1], 4);
  assert.equal(tree.entriesReversed("1005").next().value![1], 5);
  assert.deepEqual([tree.minKey(), tree.maxKey()], ["1000", "1499"]);
  const seen: number[] = [];
  tree.forRange("1010", "1012", false, (_key, value) => void seen.push(value));
  assert.deepEqual(seen, [10, 11]);
  assert.equal(tree.deleteRange("1000", "1100", false), 100);
  assert.ok(!tree.has("1050") && tree.has("1100") && tree.delete("1100"));
  assert.equal(tree.size, 399);
});

test("law: it behaves as a sorted Map, and clones are independent", () => {
  const step = fc.tuple(fc.constantFrom("set", "delete", "clone"), fc.string({ maxLength: 2 }));
  fc.assert(fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
    let tree = new BTree<string, number>(undefined, compareStrings, 4);
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
    });
    assert.deepEqual([...tree.entries()], sorted(map));
    for (const [clone, pairs] of clones) assert.deepEqual([...clone.entries()], pairs);
  }));
});

function sorted(map: Map<string, number>): [string, number][] {
  return [...map].sort(([a], [b]) => compareStrings(a, b));
}
