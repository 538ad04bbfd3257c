import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { Heap } from "../../src/util/heap.ts";

/** A step: a number is pushed, undefined pops. */
const STEPS = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }), {
  maxLength: 200,
});

test("a heap pops what a sorted list would, whatever is pushed between", () => {
  fc.assert(fc.property(STEPS, (steps) => {
    const heap = new Heap<number>((a, b) => a < b);
    const sorted: number[] = [];
    for (const step of steps) {
      if (step === undefined) assert.equal(heap.pop(), sorted.shift());
      else {
        heap.push(step);
        sorted.push(step);
        sorted.sort((a, b) => a - b);
      }
      assert.equal(heap.size, sorted.length);
      assert.equal(heap.top, sorted[0]);
      assert.deepEqual(heap.items.toSorted((a, b) => a - b), sorted);
    }
  }));
});

test("a heap holds undefined like any other item", () => {
  const heap = new Heap<number | undefined>((a, b) => (a ?? 5) < (b ?? 5));
  for (const item of [7, undefined, 1, undefined]) heap.push(item);
  assert.deepEqual([heap.pop(), heap.pop(), heap.pop(), heap.pop()], [1, undefined, undefined, 7]);
});
