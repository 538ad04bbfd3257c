import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadScript } from "./run_script.ts";

interface Lines {
  readonly counts: { readonly passed: number; readonly failed: number; readonly skipped: number };
  readonly last?: string;
  read(text: string): number;
}

interface Script {
  readonly TestLines: new (runtime: string) => Lines;
  withoutGood(text: string, runtime: string): string;
}

const { TestLines, withoutGood } = await loadScript<Script>("test_lines.mjs");

/** The same tests, as each runtime tells of them. */
const OUTPUTS: Readonly<Record<string, string>> = {
  deno: `running 1 test from ./a_test.ts
outer ...
  good ... ok (1ms)
  later ... \u001b[33mignored\u001b[0m (0ms)
  bad ...
------- output -------
said by a test
----- output end -----
  bad ... FAILED (1ms)
  inner ...
    deep ... ok (12s)
  inner ... ok (2ms)
outer ... FAILED (due to 1 failed step) (5ms)
alone ... ok (1ms)
`,
  bun: `bun test v1.4.5
(pass) outer > good [0.70ms]
(skip) outer > later
said by a test
(fail) outer > bad [0.25ms]
(pass) outer > inner > deep [12.00s]
(pass) alone
`,
  node: `▶ outer
  ✔ good (0.404092ms)
  ﹣ later (0.086128ms) # for a reason
said by a test
  ✖ bad (0.468338ms)
  ▶ inner
    ✔ deep (12000.2ms)
  ✔ inner (0.334759ms)
✖ outer (2.5ms)
✔ alone (1ms)
ℹ tests 5

✖ failing tests:

test at a_test.ts:5:3
✖ bad (0.468338ms)
`,
};

describe("the lines of running tests", () => {
  for (const [runtime, output] of Object.entries(OUTPUTS)) {
    it(`of ${runtime} count each test once and no suite`, () => {
      const lines = new TestLines(runtime);
      assert.equal(lines.read(output), 5);
      assert.deepEqual(lines.counts, { passed: 3, failed: 1, skipped: 1 });
      assert.match(lines.last!, /alone$/);
    });

    it(`of ${runtime} may be torn anywhere`, () => {
      const lines = new TestLines(runtime);
      const ended = [...output].reduce((sum, character) => sum + lines.read(character), 0);
      assert.equal(ended, 5);
      assert.deepEqual(lines.counts, { passed: 3, failed: 1, skipped: 1 });
    });

    it(`of ${runtime} that tell of nothing good are left`, () => {
      const left = withoutGood(output, runtime);
      assert.match(left, /said by a test/);
      assert.match(left, /bad/);
      assert.doesNotMatch(left, /good|later|deep|alone/);
    });
  }

  it("of Node 22 are those of Node", () => {
    assert.equal(new TestLines("node22").read(OUTPUTS.node!), 5);
  });
});
