import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { utf8 } from "../../src/util/bytes.ts";
import { toHex } from "../../src/util/hex.ts";
import { CORES } from "./cores.ts";
import { skip, thirdParty } from "./third_party.ts";

const ABC = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";

/** The input of the official BLAKE3 vectors: 0, 1, … 250, again and again. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}

for (const [name, load] of CORES) {
  describe(`hashes with the ${name} engine`, () => {
    test("BLAKE3 of the official vectors", { skip }, async () => {
      const { blake3 } = await load();
      const { cases } = thirdParty("blake3.json");
      assert.equal(cases.length, 35);
      for (const { input_len, hash } of cases) {
        assert.equal(toHex(blake3(pattern(input_len))), hash.slice(0, 64), `${input_len} bytes`);
      }
    });

    test("BLAKE3 of `abc`; results own their memory and stay as they are", async () => {
      const { blake3 } = await load();
      const first = blake3(utf8("abc"));
      assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype);
      assert.equal(first.buffer.byteLength, 32);
      assert.notDeepEqual(blake3(utf8("abd")), first);
      assert.equal(toHex(first), ABC);
    });

    test("SHA-256 as another implementation gives it, of any length", async () => {
      const { sha256 } = await load();
      for (const length of [0, 1, 55, 56, 63, 64, 65, 1000, 70_000]) {
        const wanted = createHash("sha256").update(pattern(length)).digest("hex");
        assert.equal(toHex(sha256(pattern(length))), wanted, `${length} bytes`);
      }
    });

    test("views into larger buffers are hashed alone", async () => {
      const { blake3, sha256 } = await load();
      const view = new Uint8Array([9, 97, 98, 99, 9]).subarray(1, 4);
      assert.equal(toHex(blake3(view)), ABC);
      assert.deepEqual(sha256(view), sha256(utf8("abc")));
    });
  });
}
