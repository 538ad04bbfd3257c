import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Entry } from "../../mod.ts";
import {
  BLOCKS_AHEAD,
  type CheckSignatures,
  inCheckedBlocks,
} from "../../src/database/checked_blocks.ts";
import { CheckedSignatures } from "../../src/database/checked_signatures.ts";

const ENTRIES: readonly Entry[] = Array.from({ length: 21 }, () => Entry.rootBuilder().build());

/** Checks that are noted when they begin; some fail. */
class Checks {
  readonly begun: (readonly Entry[])[] = [];
  readonly check: CheckSignatures;

  constructor(failing: readonly number[] = []) {
    this.check = async (entries) => {
      const number = this.begun.push(entries) - 1;
      const signatures = await CheckedSignatures.of(entries);
      if (failing.includes(number)) throw new Error(`block ${number} cannot be checked`);
      return signatures;
    };
  }
}

describe("blocks of a batch that are checked ahead", () => {
  for (
    const [count, most, sizes] of [
      [0, 5, []],
      [1, 5, [1]],
      [5, 5, [5]],
      [6, 5, [3, 3]],
      [21, 5, [5, 5, 5, 5, 1]],
      [21, 6, [6, 6, 6, 3]],
      [21, 1, Array(21).fill(1)],
    ] as const
  ) {
    it(`${count} entries in blocks of at most ${most} keep their order, each in one block`, async () => {
      const entries = ENTRIES.slice(0, count);
      const found: (readonly Entry[])[] = [];
      for await (const block of inCheckedBlocks(entries, most)) found.push(block.entries);
      assert.deepEqual(found.map(({ length }) => length), sizes);
      assert.deepEqual(found.flat(), entries);
    });
  }

  it("the next two are under way while one is in use, and no more", async () => {
    const { begun, check } = new Checks();
    let taken = 0;
    for await (const { entries } of inCheckedBlocks(ENTRIES, 2, check)) {
      assert.equal(entries, begun[taken++]);
      await new Promise((resolve) => setTimeout(resolve));
      assert.equal(begun.length, Math.min(taken + BLOCKS_AHEAD, 11));
    }
    assert.equal(taken, 11);
  });

  it("one that cannot be checked fails behind those before it, and takes none of them along", async () => {
    const { begun, check } = new Checks([2, 3]);
    const taken: (readonly Entry[])[] = [];
    await assert.rejects(async () => {
      for await (const { entries } of inCheckedBlocks(ENTRIES, 4, check)) {
        taken.push(entries);
        // The blocks ahead have failed before anybody waits for them: that is no unhandled rejection.
        await new Promise((resolve) => setTimeout(resolve));
      }
    }, /^Error: block 2 cannot be checked$/);
    assert.deepEqual(taken, begun.slice(0, 2));
  });

  it("whoever leaves begins no more checks, and hears of none that fails", async () => {
    const { begun, check } = new Checks([1, 2]);
    for await (const _ of inCheckedBlocks(ENTRIES, 4, check)) break;
    await new Promise((resolve) => setTimeout(resolve));
    assert.equal(begun.length, 1 + BLOCKS_AHEAD);
  });
});
