import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { base10 } from "multiformats/bases/base10";
import * as base16 from "multiformats/bases/base16";
import { base2 } from "multiformats/bases/base2";
import { base256emoji } from "multiformats/bases/base256emoji";
import * as base32 from "multiformats/bases/base32";
import * as base36 from "multiformats/bases/base36";
import * as base58 from "multiformats/bases/base58";
import * as base64 from "multiformats/bases/base64";
import { base8 } from "multiformats/bases/base8";
import { decodeMultibase, encodeBase58 } from "../../src/codec/multibase.ts";
import { utf8 } from "../../src/util/bytes.ts";

const BASES = [
  ...[base2, base8, base10, base256emoji],
  ...[base16, base32, base36, base58, base64].flatMap((family) => Object.values(family)),
];

/** To a multiple of how many letters these pad. */
const PADDED: Readonly<Record<string, number>> = { c: 8, C: 8, t: 8, T: 8, M: 4, U: 4 };

const bytes = fc.uint8Array({ maxLength: 40 });

/** What decoding gives, or that it fails. */
function outcome(decode: () => Uint8Array | undefined): unknown {
  try {
    return decode();
  } catch {
    return "refused";
  }
}

for (const base of BASES) {
  test(`01 §2 ${base.name} is read as multiformats writes it, zeros in front included`, () => {
    const property = fc.property(fc.nat(3), bytes, (zeros, tail) => {
      const all = Uint8Array.of(...new Uint8Array(zeros), ...tail);
      assert.deepEqual(decodeMultibase(base.encode(all)), all);
    });
    fc.assert(property, { numRuns: 50 });
  });

  test(`${base.name} refuses what multiformats refuses`, () => {
    const letters = [...new Set(base.encode(Uint8Array.from({ length: 64 }, (_, n) => n * 4)))];
    const letter = fc.constantFrom(...letters.filter((one) => one !== "="), "A", "z", "!", " ");
    const property = fc.property(fc.array(letter, { maxLength: 12 }), (chosen) => {
      const width = PADDED[base.prefix] ?? 1;
      const padding = "=".repeat((width - chosen.length % width) % width);
      const text = base.prefix + chosen.join("") + padding;
      const theirs = outcome(() => base.decode(text));
      assert.deepEqual(outcome(() => decodeMultibase(text)), theirs, text);
      // multiformats lets any padding pass, the reference does not.
      assert.throws(() => decodeMultibase(`${text}=`), SyntaxError);
    });
    fc.assert(property, { numRuns: 200 });
  });
}

test("foreign letters, also those whose lower case is a letter, and padding within are refused", () => {
  for (const text of ["k\u212a", "fé", "zé", "9٣", "🚀a", "b😀", "MYQ==YQ==", "MYQ", "mYQ=="]) {
    assert.throws(() => decodeMultibase(text), SyntaxError, text);
  }
});

test("the identity is UTF-8; other prefixes, and no text, are unknown", () => {
  assert.deepEqual(decodeMultibase("\0aé"), utf8("aé"));
  for (const text of ["", "!", "a", "\ud83d"]) assert.equal(decodeMultibase(text), undefined);
});

test("base58btc is written as multiformats writes it", () => {
  const property = fc.property(fc.nat(3), bytes, (zeros, tail) => {
    const all = Uint8Array.of(...new Uint8Array(zeros), ...tail);
    assert.equal(encodeBase58(all), base58.base58btc.baseEncode(all));
  });
  fc.assert(property, { numRuns: 50 });
});
