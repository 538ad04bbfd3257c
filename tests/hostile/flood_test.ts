/** What a sender can heap up (docs/security.md). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Entry, ID } from "../../mod.ts";
import { BACKLOG_LIMITS } from "../../src/backend/backlog/limits.ts";
import { STORAGES } from "../helpers/storages.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { withModel } from "./craft.ts";
import { expectUnharmed, inWorld, onTip, send, statusOf, type World } from "./world.ts";

/** Three times what is held back of entries that nobody builds on. */
const FLOOD = 3 * BACKLOG_LIMITS.tips;
const BATCH = 500;
const TIMEOUT_MS = 240_000;

const nowhere = (label: string): ID => ID.ofDagCbor(utf8(label));

/** Entries that nobody can judge, since their parents are not there: made cheaply, never signed. */
function undecidable(world: World, count: number): Entry[] {
  const model = onTip(world, { key: undefined });
  return Array.from({ length: count }, (_, at) => {
    return withModel(model, { parents: [nowhere(`parent ${at}`)], height: 1000 + at });
  });
}

describe("a flood", () => {
  for (const storage of STORAGES) {
    it(`of thousands of undecidable entries ends bounded, and honest work goes on, on ${storage}`, {
      timeout: TIMEOUT_MS,
    }, () =>
      inWorld(async (world) => {
        const flood = undecidable(world, FLOOD);
        let refused = 0;
        let held = 0;
        for (let at = 0; at < flood.length; at += BATCH) {
          const report = await send(world, ...flood.slice(at, at + BATCH));
          refused += report.rejected.length;
          held = report.unverified;
          assert.equal(report.verified, 0);
          const codes = new Set(report.rejected.map(({ error }) => error.code));
          assert.deepEqual([...codes], report.rejected.length > 0 ? ["BacklogFull"] : []);
        }
        assert.equal(held + refused, FLOOD);
        assert.ok(held <= BACKLOG_LIMITS.tips, `${held} wait`);
        for (const { id } of flood.slice(0, 50)) {
          assert.ok(["Unverified", undefined].includes(await statusOf(world, id)));
        }
        await expectUnharmed(world);
      }, storage));
  }

  it("of thousands of entries that are judged at once is over when it is over", {
    timeout: TIMEOUT_MS,
  }, () =>
    inWorld(async (world) => {
      const one = onTip(world, { key: undefined });
      const flood = Array.from({ length: FLOOD }, (_, at) => withModel(one, { height: 1000 + at }));
      const report = await send(world, ...flood);
      assert.equal(report.verified, 0);
      assert.equal(report.failed + report.rejected.length, FLOOD);
      assert.equal(report.unverified, 0);
      await expectUnharmed(world);
    }));
});
