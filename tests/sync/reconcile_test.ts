import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { firstWindows } from "../../src/sync/native/reconcile.ts";
import { bytesOf } from "../../src/sync/native/range_table.ts";
import { anEntry, minus, overTheWire, type RangedEntry, reconcile, tableOf } from "./native_bed.ts";

/** A history of so many entries, one a height, that a seed decides. */
function chain(length: number, seed: bigint, from = 0): RangedEntry[] {
  let state = seed | 1n;
  return Array.from({ length }, (_, at) => {
    state = state * 6364136223846793005n + 1442695040888963407n & (1n << 64n) - 1n;
    return { height: from + at, short: state };
  });
}

describe("reconciliation by ranges", () => {
  it("finds exactly what each side lacks, whatever they hold", () => {
    for (const heights of [0, 3, 1000]) {
      const set = fc.uniqueArray(anEntry(heights), {
        selector: ({ short }) => short,
        maxLength: 600,
      });
      fc.assert(
        fc.property(set, (all) => {
          // Short IDs are the same by chance alone; what then is not found is asked for by its whole ID.
          const left = all.filter(({ short }) => short % 5n !== 0n);
          const right = all.filter(({ short }) => short % 5n !== 1n);
          const found = reconcile(left, right);
          assert.deepEqual(found.aLacks, minus(right, left));
          assert.deepEqual(found.bLacks, minus(left, right));
        }),
        { numRuns: 60 },
      );
    }
  });

  it("needs no more messages and bytes than promised", () => {
    const base = chain(30_000, 7n);
    const cases: [string, RangedEntry[], RangedEntry[], number, number][] = [
      ["equal", base, base, 1, 600],
      ["one side 100 ahead", base, [...base, ...chain(100, 9n, 30_000)], 3, 2_000],
      [
        "a fork of 10 and 10",
        [...base, ...chain(10, 9n, 30_000)],
        [...base, ...chain(10, 11n, 30_000)],
        2,
        1_000,
      ],
      [
        "a fork of 5,000 and 5,000",
        [...base, ...chain(5_000, 9n, 30_000)],
        [...base, ...chain(5_000, 11n, 30_000)],
        5,
        6 * 10_000,
      ],
      ["a branch from half height", base, [...base, ...chain(20, 13n, 50_000)], 5, 12_000],
      ["nothing in common", chain(1_000, 3n), chain(1_000, 5n), 5, 40_000],
    ];
    for (const [what, a, b, messages, bytes] of cases) {
      const found = reconcile(a, b);
      assert.deepEqual([found.aLacks, found.bLacks], [minus(b, a), minus(a, b)], what);
      assert.ok(found.messages <= messages, `${what}: ${found.messages} messages`);
      assert.ok(found.bytes <= bytes, `${what}: ${found.bytes} bytes`);
    }
  });

  it("a side without entries is told everything", () => {
    const all = chain(500, 3n);
    assert.deepEqual(reconcile([], all).aLacks, minus(all, []));
    assert.deepEqual(reconcile(all, []).bLacks, minus(all, []));
  });

  it("the first windows list the newest entries and reach down to the root", () => {
    const table = tableOf(chain(1_000, 3n));
    const ranges = firstWindows(table);
    assert.equal(ranges.at(-1)!.mode, "list");
    const counted = ranges.reduce((sum, range) => {
      return sum + (range.mode === "fingerprint" ? range.count : 32);
    }, 0);
    assert.equal(counted, 1_000);
    assert.ok(ranges.length < 10);
    assert.ok(overTheWire(ranges).bytes < 600);
  });
});

describe("the table of ranges", () => {
  it("knows places, bounds and sums", () => {
    fc.assert(
      fc.property(fc.array(anEntry(3), { maxLength: 600 }), fc.nat(), fc.nat(), (entries, i, j) => {
        const table = tableOf(entries);
        const [from, to] = [i % (table.size + 1), j % (table.size + 1)].sort((a, b) => a - b);
        let sum = 0n;
        for (let at = from!; at < to!; at++) sum += table.shortAt(at);
        assert.equal(table.sum(from!, to!), sum & (1n << 64n) - 1n);
        if (from! >= table.size) return;
        const at = table.indexOf(table.boundAt(from!));
        const isTwin = at < from! && table.shortAt(at) === table.shortAt(from!);
        assert.ok(at === from! || isTwin);
        assert.equal(bytesOf(table.shortAt(from!)).length, 8);
      }),
      { numRuns: 200 },
    );
  });
});
