import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { RUNTIME, SHARED_STORAGES, urlOf, whyNot } from "../helpers/shared.ts";
import { cases, timeLimit } from "../helpers/thorough.ts";
import { runScript } from "../house/run_script.ts";
import { crashRuns } from "./crash_runs.ts";

/** Every fifth comes early; the second of these meets what the others have left. */
const RUNS = cases(6);

describe("kill -9 at random moments", () => {
  for (const kind of SHARED_STORAGES) {
    it(`05 §12 loses nothing that was acknowledged, and leaves nothing half done, on ${kind}`, {
      skip: whyNot(kind),
      timeout: timeLimit(240_000),
    }, async () => {
      const seed = Date.now() % 1_000_000;
      const report = await crashRuns({ newUrl: () => urlOf(kind), runs: RUNS, seed });
      assert.equal(report.runs, RUNS);
      assert.ok(report.acknowledged > 0, `seed ${seed}: nothing was committed`);
    });
  }

  it("happen by the script, too, and it says what it has found", { timeout: 240_000 }, () => {
    const args = ["--runtime", RUNTIME, "--storage", "sqlite", "--runs", "2", "--seed", "7"];
    const { status, text } = runScript("crash.mjs", ...args);
    assert.equal(status, 0, text);
    assert.match(text, /sqlite: 2 processes killed .* acknowledged entries, none lost/);
  });

  it("must be some, with a seed", () => {
    assert.match(runScript("crash.mjs", "--runs", "0").text, /--runs 0: it takes a whole number/);
    assert.match(runScript("crash.mjs", "--seed", "x").text, /--seed x: it takes a whole number/);
  });
});
