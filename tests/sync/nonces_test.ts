import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { PrivateKey, ready } from "../../mod.ts";
import { FRESHNESS_MS, MAX_NONCES, NonceStore } from "./parts.ts";
import { FixedClock } from "../../src/testing/mod.ts";
import { utf8 } from "../../src/util/bytes.ts";

const START = 1_750_000_000_000;
let keys: readonly PrivateKey[];

before(async () => {
  await ready();
  keys = [1, 2].map((n) => PrivateKey.fromSeed(new Uint8Array(32).fill(n)));
});

function heldClock(millis = START): FixedClock {
  const clock = new FixedClock(millis);
  clock.hold();
  return clock;
}

describe("nonces", () => {
  it("09 §5.3 are spent once per key, whatever their length and time", () => {
    const nonces = new NonceStore({ clock: heldClock() });
    const spend = (key: number, nonce: Uint8Array, at = START) =>
      nonces.spend(keys[key]!.publicKey, nonce, at);
    for (const length of [0, 1, 32, 1000]) {
      const nonce = new Uint8Array(length).fill(9);
      assert.deepEqual([spend(0, nonce), spend(0, nonce), spend(1, nonce)], [
        "fresh",
        "spent",
        "fresh",
      ]);
      assert.equal(spend(0, nonce, START + FRESHNESS_MS), "spent");
      assert.equal(spend(0, nonce, START - FRESHNESS_MS), "spent");
    }
  });

  it("law: nothing is fresh twice while it is fresh, and everything is forgotten", () => {
    const step = fc.record({
      nonce: fc.nat(5),
      offset: fc.integer({ min: -FRESHNESS_MS, max: FRESHNESS_MS }),
      passes: fc.nat(40_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clock = heldClock();
        const nonces = new NonceStore({ clock });
        const spent = new Map<number, number>();
        for (const { nonce, offset, passes } of steps) {
          clock.advance(passes);
          const now = clock.get();
          const last = spent.get(nonce);
          const verdict = nonces.spend(keys[0]!.publicKey, Uint8Array.of(nonce), now + offset);
          if (last !== undefined && Math.abs(last - now) <= FRESHNESS_MS) {
            assert.equal(verdict, "spent");
          }
          if (last === undefined) assert.equal(verdict, "fresh");
          if (verdict === "fresh") spent.set(nonce, now + offset);
        }
        clock.advance(10 * FRESHNESS_MS);
        nonces.spend(keys[0]!.publicKey, utf8("another"), clock.get());
        assert.equal(nonces.size, 1);
      }),
      { numRuns: 100 },
    );
  });

  it("a flood of other times costs those times, not the present, and nothing is fresh twice", () => {
    const clock = heldClock();
    const nonces = new NonceStore({ clock, limit: 100 });
    const { publicKey } = keys[0]!;
    const ahead = START + 50_000;
    assert.equal(nonces.spend(publicKey, utf8("early"), ahead), "fresh");
    for (let at = 0; at < 500; at++) nonces.spend(publicKey, utf8(`flood ${at}`), ahead);
    assert.ok(nonces.size <= 100);
    assert.equal(nonces.spend(publicKey, utf8("now"), START), "fresh");
    assert.equal(nonces.spend(publicKey, utf8("now"), START), "spent");
    // What was forgotten is of a time that is refused as a whole.
    assert.equal(nonces.spend(publicKey, utf8("early"), ahead), "crowded");
    assert.equal(nonces.spend(publicKey, utf8("later"), ahead), "crowded");
    clock.advance(3 * FRESHNESS_MS);
    assert.equal(nonces.spend(publicKey, utf8("early"), clock.get()), "fresh");
    assert.equal(nonces.size, 1);
  });

  it("a flood of the present is refused while it lasts, and costs no more memory", () => {
    const clock = heldClock();
    const nonces = new NonceStore({ clock, limit: 100 });
    const verdicts = Array.from({ length: 150 }, (_, at) => {
      return nonces.spend(keys[0]!.publicKey, utf8(`${at}`), START);
    });
    assert.deepEqual(new Set(verdicts.slice(0, 100)), new Set(["fresh"]));
    assert.deepEqual(new Set(verdicts.slice(100)), new Set(["crowded"]));
    assert.ok(nonces.size <= 100);
    assert.equal(nonces.spend(keys[0]!.publicKey, utf8("0"), START), "crowded");
    clock.advance(10_000);
    assert.equal(nonces.spend(keys[0]!.publicKey, utf8("again"), clock.get()), "fresh");
  });

  it("MAX_NONCES is the most that is remembered", () => {
    const clock = heldClock();
    const nonces = new NonceStore({ clock });
    const { publicKey } = keys[0]!;
    const nonce = new Uint8Array(4);
    const view = new DataView(nonce.buffer);
    for (let at = 0; at < MAX_NONCES; at++) {
      view.setUint32(0, at);
      nonces.spend(publicKey, nonce, START - 30_000);
    }
    assert.equal(nonces.size, MAX_NONCES);
    view.setUint32(0, MAX_NONCES);
    assert.equal(nonces.spend(publicKey, nonce, START), "fresh");
    assert.equal(nonces.size, 1); // the bucket farthest from now made room
  });
});
