import assert from "node:assert/strict";
import { test } from "node:test";
import { FIXED_CLOCK_START, FixedClock } from "../../src/testing/fixed_clock.ts";
import { formatRfc3339, SystemClock } from "../../src/util/clock.ts";

test("01#37 FixedClock ticks by one with each reading; get does not tick", () => {
  const clock = new FixedClock();
  assert.equal(clock.get(), 1_704_067_200_000);
  assert.deepEqual([clock.nowMillis(), clock.nowMillis()], [
    FIXED_CLOCK_START,
    FIXED_CLOCK_START + 1,
  ]);
  assert.equal(clock.nowSecs(), 1_704_067_200);
  assert.deepEqual([clock.get(), clock.get()], [FIXED_CLOCK_START + 3, FIXED_CLOCK_START + 3]);
});

test("01#37 hold freezes; the first reading after release is the frozen value", () => {
  const clock = new FixedClock(5_000);
  const hold = clock.hold();
  assert.deepEqual([clock.nowMillis(), clock.nowMillis()], [5_000, 5_000]);
  assert.equal(clock.nowRfc3339(), "1970-01-01T00:00:05+00:00");
  hold.release();
  assert.deepEqual([clock.nowMillis(), clock.nowMillis()], [5_000, 5_001]);
});

test("01#37 releasing any hold lets the clock tick; disposing is releasing, once", () => {
  const clock = new FixedClock(0);
  const [one, other] = [clock.hold(), clock.hold()];
  one[Symbol.dispose]();
  assert.deepEqual([clock.nowMillis(), clock.nowMillis()], [0, 1]);
  const later = clock.hold();
  one.release();
  assert.deepEqual([clock.nowMillis(), clock.nowMillis()], [2, 2]);
  other.release();
  later.release();
  assert.deepEqual([clock.nowMillis(), clock.nowMillis()], [2, 3]);
});

test("01#37 advance and set work, also while held", () => {
  const clock = new FixedClock(10);
  clock.advance(5);
  assert.equal(clock.nowMillis(), 15);
  const hold = clock.hold();
  clock.set(100);
  clock.advance(1);
  assert.equal(clock.nowMillis(), 101);
  hold.release();
  assert.equal(clock.get(), 101);
});

test("01#37 a clone is independent and not held", () => {
  const clock = new FixedClock(10);
  clock.hold();
  const clone = clock.clone();
  assert.deepEqual([clone.nowMillis(), clone.nowMillis(), clock.nowMillis()], [10, 11, 10]);
});

test("01#37 RFC 3339: offset +00:00, no zero fraction, three digits otherwise; it ticks", () => {
  const clock = new FixedClock();
  assert.equal(clock.nowRfc3339(), "2024-01-01T00:00:00+00:00");
  assert.equal(clock.nowRfc3339(), "2024-01-01T00:00:00.001+00:00");
  assert.equal(formatRfc3339(1_704_067_200_120), "2024-01-01T00:00:00.120+00:00");
});

test("FixedClock refuses what is no time", () => {
  for (const millis of [-1, 0.5, NaN, Infinity]) {
    assert.throws(() => new FixedClock(millis), RangeError);
  }
  assert.throws(() => new FixedClock(5).advance(-6), RangeError);
});

test("SystemClock tells the real time in all three forms", () => {
  const clock = new SystemClock();
  const before = Date.now();
  const millis = clock.nowMillis();
  assert.ok(Number.isInteger(millis) && millis >= before);
  assert.ok(Math.abs(clock.nowSecs() - before / 1000) < 60);
  assert.ok(Math.abs(Date.parse(clock.nowRfc3339()) - before) < 60_000);
});

test("SystemClock before the epoch reads 0", (t) => {
  t.mock.method(Date, "now", () => -5);
  const clock = new SystemClock();
  assert.equal(clock.nowMillis(), 0);
  assert.equal(clock.nowSecs(), 0);
  assert.equal(clock.nowRfc3339(), "1970-01-01T00:00:00+00:00");
});
