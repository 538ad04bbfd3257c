/** Small byte arrays that share slabs. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { allocate, copyOf } from "../../src/util/allocate.ts";

test("law: arrays are fresh, of the wanted length, and never overlap", () => {
  const lengths = fc.array(fc.oneof(fc.nat(600), fc.constantFrom(511, 512, 513, 4096, 5000)));
  fc.assert(fc.property(lengths, (wanted) => {
    const arrays = wanted.map(allocate);
    arrays.forEach((array, at) => {
      assert.equal(array.length, wanted[at]);
      assert.ok(array.every((byte) => byte === 0));
    });
    arrays.forEach((array, at) => array.fill(at % 255 + 1));
    arrays.forEach((array, at) => assert.ok(array.every((byte) => byte === at % 255 + 1)));
  }));
});

test("law: a copy has the bytes of its range, and keeps them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(700), fc.nat(700), (bytes, a, b) => {
      const [start, end] = [a, b].map((at) => Math.min(at, bytes.length)).sort((x, y) => x - y);
      const expected = [...bytes.slice(start, end)];
      const copy = copyOf(bytes, start, end);
      bytes.fill(7);
      assert.deepEqual([...copy], expected);
      assert.equal(Object.getPrototypeOf(copyOf(Buffer.from(bytes))), Uint8Array.prototype);
    }),
  );
});
