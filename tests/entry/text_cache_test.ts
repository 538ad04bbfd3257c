/** Texts of entries that come again and again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { TextCache } from "../../src/codec/text_cache.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { cases } from "../helpers/thorough.ts";

test("law: a text is the one of its bytes, or not remembered, whatever came before it", () => {
  const cache = new TextCache();
  // Few characters, so that many texts share a place.
  const texts = fc.string({ unit: fc.constantFrom("a", "b", "é", "💡"), maxLength: 70 });
  fc.assert(
    fc.property(texts, fc.nat(5), (text, offset) => {
      const bytes = new Uint8Array(offset + utf8(text).length + 3).fill(0x61);
      bytes.set(utf8(text), offset);
      const end = bytes.length - 3;
      const found = cache.get(bytes, offset, end);
      assert.ok(found === undefined || found === fromUtf8(bytes.subarray(offset, end)));
      cache.set(bytes, offset, end, text);
      bytes.fill(0x7a, 0, offset);
      assert.equal(cache.get(bytes, offset, end), end - offset > 64 ? undefined : text);
    }),
    { numRuns: cases(3000) },
  );
});

test("what is remembered does not change with the array that it came from", () => {
  const cache = new TextCache();
  const bytes = utf8("settings");
  cache.set(bytes, 0, bytes.length, "settings");
  bytes.fill(0x61);
  assert.equal(cache.get(utf8("settings"), 0, 8), "settings");
  assert.equal(cache.get(utf8("aaaaaaaa"), 0, 8), undefined);
});
