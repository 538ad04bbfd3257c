import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { newUrl, SHARED_STORAGES, whyNot } from "../helpers/storages.ts";
import { crashRuns } from "./crash_runs.ts";

const RUNS = 10;

describe("kill -9 at random moments", () => {
  for (const kind of SHARED_STORAGES) {
    it(`05 §12 loses nothing that was acknowledged, and leaves nothing half done, on ${kind}`, {
      skip: whyNot(kind),
      timeout: 240_000,
    }, async () => {
      const seed = Date.now() % 1_000_000;
      const report = await crashRuns({ newUrl: () => newUrl(kind), runs: RUNS, seed });
      assert.equal(report.runs, RUNS);
      assert.ok(report.acknowledged > 0, `seed ${seed}: nothing was committed`);
    });
  }
});
