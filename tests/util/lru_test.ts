import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { LruMap } from "../../src/util/lru.ts";

const KEPT = 4;
const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
const STEPS = fc.array(
  fc.tuple(fc.constantFrom("get", "set", "delete"), fc.constantFrom(...KEYS)),
  { maxLength: 120 },
);

test("the entries used last are kept, each with the value set last, and at most twice as many", () => {
  fc.assert(fc.property(STEPS, (steps) => {
    const lru = new LruMap<number>(KEPT);
    const used = new Map<string, number>(); // in the order of use
    steps.forEach(([verb, key], step) => {
      if (verb === "delete") {
        lru.delete(key);
        used.delete(key);
        return;
      }
      if (verb === "set") lru.set(key, step);
      const value = verb === "set" ? step : lru.get(key);
      const isRecent = [...used.keys()].slice(-KEPT).includes(key);
      if (verb === "get") {
        if (isRecent) assert.equal(value, used.get(key));
        else assert.ok(value === undefined || value === used.get(key));
      }
      used.delete(key);
      if (value !== undefined) used.set(key, value);
    });
    const held = KEYS.filter((key) => lru.get(key) !== undefined);
    assert.ok(held.length <= 2 * KEPT);
  }));
});

test("a cleared map holds nothing of either generation", () => {
  const lru = new LruMap<number>(2);
  for (const [value, key] of ["a", "b", "c"].entries()) lru.set(key, value);
  lru.clear();
  assert.deepEqual(["a", "b", "c"].map((key) => lru.get(key)), [undefined, undefined, undefined]);
});
