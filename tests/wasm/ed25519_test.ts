import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "../helpers/fast_check.ts";
import { SELF_TEST_SIGNATURES } from "../../wasm/self_test.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";
import { CORES } from "./cores.ts";
import { oneByOne } from "./counted.ts";
import { expectedVerdicts, SIGNATURE_FILES, SIGNATURES, skip } from "./signature_vectors.ts";
import { cases } from "../helpers/thorough.ts";

/** RFC 8032 §7.1, tests 1 and 2: seed, public key, message, signature. */
const RFC_8032 = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
] as const;

/** The order L, to add to S. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function plusOrder(signature: Uint8Array): Uint8Array {
  let s = ORDER;
  for (let i = 0; i < 32; i++) s += BigInt(signature[32 + i]) << BigInt(8 * i);
  const out = signature.slice();
  for (let i = 0; i < 32; i++) out[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
  return out;
}

for (const [name, load] of CORES) {
  describe(`Ed25519 on the ${name} engine`, () => {
    test("is the engine that was asked for", async () => {
      assert.equal((await load()).engine, name);
    });

    for (const [file, count] of SIGNATURE_FILES) {
      test(`gives the reference's verdicts on ${file} (00 §B3)`, { skip }, async () => {
        assert.equal(SIGNATURES[file].length, count);
        assert.deepEqual(oneByOne(await load(), SIGNATURES[file]), expectedVerdicts(file));
      });
    }

    test("signs and verifies as RFC 8032 says", async () => {
      const { ed25519 } = await load();
      for (const [seed, publicKey, message, signature] of RFC_8032) {
        const [key, data] = [fromHex(seed), fromHex(message)];
        assert.equal(toHex(ed25519.publicKey(key)), publicKey);
        assert.equal(toHex(ed25519.sign(key, data)), signature);
        assert.equal(ed25519.verify(fromHex(publicKey), data, fromHex(signature)), true);
      }
    });

    test("results are plain Uint8Arrays that own their memory", async () => {
      const { ed25519 } = await load();
      const seed = fromHex(RFC_8032[0][0]);
      for (const bytes of [ed25519.publicKey(seed), ed25519.sign(seed, seed)]) {
        assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
        assert.equal(bytes.buffer.byteLength, bytes.length);
      }
    });

    test("accepts torsion only where the equation without cofactor holds", async () => {
      const { ed25519 } = await load();
      for (const one of SELF_TEST_SIGNATURES) {
        const [key, signature] = [fromHex(one.publicKey), fromHex(one.signature)];
        assert.equal(ed25519.verify(key, utf8(one.message), signature), one.accepted, one.about);
      }
    });

    test("02#1 rejects wrong lengths, S ≥ L, and keys that are no point", async () => {
      const { ed25519 } = await load();
      const [seed, text, message, signatureText] = RFC_8032[1];
      const [key, data, signature] = [fromHex(text), fromHex(message), fromHex(signatureText)];
      for (const length of [0, 10, 63, 65]) {
        const wrong = new Uint8Array(length);
        wrong.set(signature.subarray(0, length));
        assert.equal(ed25519.verify(key, data, wrong), false);
      }
      assert.equal(ed25519.verify(key, data, plusOrder(signature)), false);
      assert.equal(ed25519.verify(key.subarray(1), data, signature), false);
      const noPoint = Uint8Array.of(2, ...new Uint8Array(31));
      assert.equal(ed25519.verify(noPoint, data, signature), false);
      assert.throws(() => ed25519.sign(fromHex(seed).subarray(1), data), {
        code: "InvalidSeedLength",
        expected: 32,
        actual: 31,
      });
    });

    test("one changed bit anywhere is rejected", async () => {
      const { ed25519 } = await load();
      const seed = new Uint8Array(32).fill(9);
      const [data, key] = [utf8("some data"), ed25519.publicKey(seed)];
      const signature = ed25519.sign(seed, data);
      for (let bit = 0; bit < 512; bit += 31) {
        const changed = signature.slice();
        changed[bit >> 3] ^= 1 << (bit & 7);
        assert.equal(ed25519.verify(key, data, changed), false, `bit ${bit}`);
      }
    });

    test("a wiped signer signs no more", async () => {
      const signer = (await load()).ed25519.signer(new Uint8Array(32).fill(1));
      const data = utf8("data");
      assert.deepEqual(signer.sign(data), signer.sign(data));
      signer.wipe();
      assert.throws(() => signer.sign(data), { name: "CryptoError", code: "KeyWiped" });
    });
  });
}

test("engines agree on public keys and signatures, byte for byte", async () => {
  const cores = await Promise.all(CORES.map(([, load]) => load()));
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(seeds, fc.uint8Array({ maxLength: 300 }), (seed, data) => {
      const made = cores.map(({ ed25519 }) =>
        toHex(ed25519.publicKey(seed)) + toHex(ed25519.sign(seed, data))
      );
      assert.equal(new Set(made).size, 1);
    }),
    { numRuns: cases(25) },
  );
});

test("engines agree on arbitrary bytes, and never throw", async () => {
  const cores = await Promise.all(CORES.map(([, load]) => load()));
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(bytes(32), fc.uint8Array({ maxLength: 40 }), bytes(64), (key, data, signature) => {
      signature[63] &= 0x0f;
      const given = cores.map(({ ed25519 }) => ed25519.verify(key, data, signature));
      assert.equal(new Set(given).size, 1);
    }),
    { numRuns: cases(60) },
  );
});
