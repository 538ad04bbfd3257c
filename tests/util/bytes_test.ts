import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { compareBytes, concat, equalBytes, fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";

test("hexadecimal text round-trips; digits of either case are read", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
    assert.deepEqual(fromHex(toHex(bytes)), bytes);
    assert.deepEqual(fromHex(toHex(bytes).toUpperCase()), bytes);
  }));
  assert.equal(toHex(Uint8Array.of(0, 15, 16, 255)), "000f10ff");
});

test("what is not hexadecimal is refused with a SyntaxError", () => {
  for (const text of ["0", "0g", "g0", " 0", "@0", "`0", "/0", ":0", "0x", "é0", "００"]) {
    assert.throws(() => fromHex(text), SyntaxError, text);
  }
});

test("concat joins and copies", () => {
  const part = Uint8Array.of(1, 2);
  const joined = concat(part, new Uint8Array(0), Uint8Array.of(3));
  part[0] = 9;
  assert.deepEqual(joined, Uint8Array.of(1, 2, 3));
  assert.deepEqual(concat(), new Uint8Array(0));
});

test("compareBytes is the order of hexadecimal text, and zero exactly for equal bytes", () => {
  const bytes = fc.uint8Array({ maxLength: 4 });
  fc.assert(fc.property(bytes, bytes, (a, b) => {
    const [x, y] = [toHex(a), toHex(b)];
    assert.equal(Math.sign(compareBytes(a, b)), x < y ? -1 : x > y ? 1 : 0);
    assert.equal(equalBytes(a, b), x === y);
  }));
});

test("UTF-8 round-trips, a leading U+FEFF included; other bytes are a TypeError", () => {
  for (const text of ["", "abc", "\uFEFFabc", "päss", "𝒳", "\0"]) {
    assert.equal(fromUtf8(utf8(text)), text);
  }
  for (const hex of ["80", "c080", "eda080", "f4908080", "ff", "e282"]) {
    assert.throws(() => fromUtf8(fromHex(hex)), TypeError, hex);
  }
});
