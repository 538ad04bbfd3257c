import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { baseTimesMinus, decodePoint, encodePoint, numberOf } from "../../wasm/curve.ts";
import { fromHex, toHex } from "../../src/util/hex.ts";

const { Point } = ed25519;
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Points of order 1, 2, 4 and 8, canonical and not, with either sign. */
const SMALL = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
].map(fromHex);

function theirs(bytes: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(bytes, true);
  } catch {
    return undefined;
  }
}

function agree(encoding: Uint8Array, s: bigint, k: bigint): void {
  const [ours, other] = [decodePoint(encoding), theirs(encoding)];
  assert.equal(ours === undefined, other === undefined, toHex(encoding));
  if (ours === undefined || other === undefined) return;
  assert.equal(toHex(encodePoint(ours)), toHex(other.toBytes()));
  const wanted = Point.BASE.multiplyUnsafe(s).subtract(other.multiplyUnsafe(k));
  assert.equal(toHex(encodePoint(baseTimesMinus(s, k, ours))), toHex(wanted.toBytes()));
}

describe("the group of Ed25519", () => {
  test("numbers are read with the lowest byte first", () => {
    assert.equal(numberOf(Uint8Array.of(1, 2, 3)), 0x030201n);
    fc.assert(fc.property(bytes32, (bytes) => numberOf(bytes) === bytesToNumberLE(bytes)), {
      numRuns: 20,
    });
  });

  test("points and products are those of @noble/curves, for any bytes", () => {
    const order = Point.Fn.ORDER;
    const property = fc.property(bytes32, bytes32, bytes32, (encoding, s, k) => {
      agree(encoding, numberOf(s) % order, numberOf(k) % order);
    });
    fc.assert(property, { numRuns: 30 });
  });

  test("and for points of small order and numbers at the ends", () => {
    const last = Point.Fn.ORDER - 1n;
    for (const encoding of SMALL) {
      for (const [s, k] of [[0n, 0n], [1n, 1n], [0n, last], [last, 0n], [last, last]] as const) {
        agree(encoding, s, k);
      }
    }
  });

  test("what has not 32 bytes is no point", () => {
    for (const length of [0, 31, 33]) assert.equal(decodePoint(new Uint8Array(length)), undefined);
  });
});
