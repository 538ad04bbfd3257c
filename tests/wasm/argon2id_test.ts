import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MAX_ITERATIONS, MAX_MEMORY_KIB } from "../../wasm/argon2id.ts";
import type { Argon2idOptions } from "../../wasm/mod.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { toHex } from "../../src/util/hex.ts";
import { CORES } from "./cores.ts";
import { skip, thirdParty } from "./third_party.ts";

interface Case extends Argon2idOptions {
  readonly passwordLength: number;
  readonly saltLength: number;
}

/** The first case of each of the six groups of `argon2.json`; the others change some members. */
const BASE: Case = {
  passwordLength: 32,
  saltLength: 16,
  length: 32,
  iterations: 1,
  parallelism: 1,
  memoryKiB: 8,
};

/** Those of the fifteen cases of a group that need no secret input, by their number. */
const CASES: readonly (readonly [number, Case])[] = [
  [0, BASE],
  [1, { ...BASE, passwordLength: 0, saltLength: 8, length: 4 }],
  [2, { ...BASE, passwordLength: 1, saltLength: 9, length: 16 }],
  [8, { ...BASE, iterations: 2, parallelism: 2, memoryKiB: 16 }],
  [9, { ...BASE, iterations: 4, parallelism: 3, memoryKiB: 24 }],
  [10, { ...BASE, iterations: 8, parallelism: 4, memoryKiB: 32 }],
  [11, { ...BASE, iterations: 32, memoryKiB: 64 }],
  [12, { ...BASE, parallelism: 16, memoryKiB: 128 }],
  [13, { ...BASE, memoryKiB: 1024 }],
  [14, { ...BASE, memoryKiB: 4096, length: 1024 }],
];

/** The groups are Argon2d, Argon2i, Argon2id, each in version 0x10 and 0x13: ours is the last. */
const FIRST = 75;

function pattern(bytes: readonly number[], length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => bytes[index % bytes.length]);
}

const GOOD: Argon2idOptions = { memoryKiB: 8, iterations: 1, parallelism: 1, length: 32 };
const BAD: readonly Argon2idOptions[] = [
  { ...GOOD, memoryKiB: 7 },
  { ...GOOD, memoryKiB: 15, parallelism: 2 },
  { ...GOOD, memoryKiB: MAX_MEMORY_KIB + 1 },
  { ...GOOD, memoryKiB: NaN },
  { ...GOOD, iterations: 0 },
  { ...GOOD, iterations: 1.5 },
  { ...GOOD, iterations: MAX_ITERATIONS + 1 },
  { ...GOOD, parallelism: 0 },
  { ...GOOD, parallelism: 256, memoryKiB: 4096 },
  { ...GOOD, length: 3 },
  { ...GOOD, length: 1025 },
];

for (const [name, load] of CORES) {
  describe(`Argon2id with the ${name} engine`, () => {
    test("derives what the third-party vectors say", { skip }, async () => {
      const { argon2id } = await load();
      const wanted: string[] = thirdParty("argon2.json");
      assert.equal(wanted.length, 90);
      for (const [number, { passwordLength, saltLength, ...options }] of CASES) {
        const password = pattern([1, 2, 3, 4, 5], passwordLength);
        const salt = pattern([6, 7, 8, 9, 10], saltLength);
        const key = await argon2id(password, salt, options);
        assert.equal(toHex(key), wanted[FIRST + number], `case ${number}`);
      }
    });

    test("refuses costs out of bounds before it spends them", async () => {
      const { argon2id } = await load();
      for (const options of BAD) {
        await assert.rejects(argon2id(utf8("p"), utf8("somesalt"), options), {
          name: "CryptoError",
          code: "InvalidArgon2Parameters",
        }, JSON.stringify(options));
      }
      await assert.rejects(argon2id(utf8("p"), utf8("sevenby"), GOOD), {
        code: "InvalidArgon2Parameters",
      });
    });
  });
}
