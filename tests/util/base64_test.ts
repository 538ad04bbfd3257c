import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { decodeBase64, encodeBase64, encodeBase64NoPad } from "../../src/util/base64.ts";
import { utf8 } from "../../src/util/bytes.ts";

/** RFC 4648 §10. */
const VECTORS = [["", ""], ["f", "Zg=="], ["fo", "Zm8="], ["foo", "Zm9v"], ["foob", "Zm9vYg=="], [
  "fooba",
  "Zm9vYmE=",
], ["foobar", "Zm9vYmFy"]];

const BAD = [
  "A",
  "AA",
  "AAA",
  "A===",
  "====",
  "=AAA",
  "AA=A",
  "AA==AAAA",
  "AAA=AAAA",
  "AAAA====",
  "AAA_",
  "AAA-",
  "AAA ",
  "AA\nA",
  "AAAé",
  "AAA\u0100",
  "Zh==",
  "Zm9=",
  "//8\u2028",
];

test("the vectors of RFC 4648", () => {
  for (const [text, encoded] of VECTORS) {
    assert.equal(encodeBase64(utf8(text)), encoded);
    assert.equal(encodeBase64NoPad(utf8(text)), encoded.replaceAll("=", ""));
    assert.deepEqual(decodeBase64(encoded), utf8(text));
  }
});

test("what is not strict standard padded base64 is refused with a SyntaxError", () => {
  for (const text of BAD) assert.throws(() => decodeBase64(text), SyntaxError, text);
});

test("bytes round-trip and agree with another implementation", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const text = encodeBase64(bytes);
    assert.equal(text, btoa(String.fromCharCode(...bytes)));
    assert.deepEqual(decodeBase64(text), bytes);
  }));
});

test("every accepted text is the one its bytes encode to", () => {
  const letters = fc.constantFrom(..."ABYZabyz0189+/=");
  fc.assert(fc.property(fc.array(letters, { maxLength: 12 }), (chosen) => {
    const text = chosen.join("");
    try {
      assert.equal(encodeBase64(decodeBase64(text)), text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }));
});

test("long arrays do not overflow the stack", () => {
  const bytes = Uint8Array.from({ length: 1_000_003 }, (_, index) => index * 7);
  assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
});
