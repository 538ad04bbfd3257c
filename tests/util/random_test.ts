import assert from "node:assert/strict";
import { test } from "node:test";
import { type RandomSource, randomU64, systemRandom, uuidV4 } from "../../src/util/random.ts";

function filled(byte: number): RandomSource {
  return { bytes: (length) => new Uint8Array(length).fill(byte) };
}

test("systemRandom gives as many bytes as asked, also beyond one call's limit", () => {
  for (const length of [0, 1, 32, 65_536, 200_000]) {
    assert.equal(systemRandom.bytes(length).length, length);
  }
  assert.notDeepEqual(systemRandom.bytes(32), systemRandom.bytes(32));
  const tail = systemRandom.bytes(200_000).subarray(-64);
  assert.ok(tail.some((byte) => byte !== 0));
});

test("randomU64 uses all 64 bits", () => {
  assert.equal(randomU64(filled(0)), 0n);
  assert.equal(randomU64(filled(255)), 2n ** 64n - 1n);
  assert.equal(
    randomU64({ bytes: () => Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 128) }),
    2n ** 63n + 513n,
  );
});

test("uuidV4 sets version and variant and keeps the other bits", () => {
  assert.equal(uuidV4(filled(0)), "00000000-0000-4000-8000-000000000000");
  assert.equal(uuidV4(filled(255)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  const V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(uuidV4(systemRandom), V4);
  assert.notEqual(uuidV4(systemRandom), uuidV4(systemRandom));
});

test("uuidV4 comes from the source that is given, also from one that wraps the system's", () => {
  const wrapped: RandomSource = { ...systemRandom, bytes: filled(1).bytes };
  assert.equal(uuidV4(wrapped), "01010101-0101-4101-8101-010101010101");
});
