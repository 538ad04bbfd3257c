import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadScript } from "./run_script.ts";

interface Report {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: readonly { readonly name: string; readonly reason: string }[];
}

interface Script {
  readReport(xml: string, runtime: string): Report;
}

const { readReport } = await loadScript<Script>("test_report.mjs");

describe("the reader of test reports", () => {
  it("counts what Node writes, and takes the reason of a skip", () => {
    const xml = `<testsuites>
      <testsuite name="a > b" tests="2"><testcase name="one > two" time="0.1" classname="test"/>
        <testcase name="skipped &quot;one&quot;" time="0" classname="test">
          <skipped type="skipped" message="no server &amp; no net"/></testcase></testsuite>
      <testcase name="bad" time="0"><failure type="x" message="no">text</failure></testcase>
    </testsuites>`;
    assert.deepEqual(readReport(xml, "node"), {
      passed: 1,
      failed: 1,
      skipped: 1,
      skips: [{ name: 'skipped "one"', reason: "no server & no net" }],
    });
  });

  it("counts what Bun writes", () => {
    const xml = `<testcase name="good" classname="s" time="0.1" assertions="0" />
      <testcase name="later" time="0"><skipped /></testcase>
      <testcase name="bad" time="0"><failure type="AssertionError" /></testcase>`;
    const { passed, failed, skipped } = readReport(xml, "bun");
    assert.deepEqual([passed, failed, skipped], [1, 1, 1]);
  });

  it("does not count the suites that Deno lists among the tests", () => {
    const xml = `<testcase name="suite"></testcase>
      <testcase name="suite &gt; good"></testcase>
      <testcase name="suite &gt; group"></testcase>
      <testcase name="suite &gt; group &gt; later"><skipped/></testcase>
      <testcase name="alone"></testcase>`;
    assert.deepEqual(readReport(xml, "deno"), {
      passed: 2,
      failed: 0,
      skipped: 1,
      skips: [{ name: "later", reason: "" }],
    });
  });

  it("counts one failure inside of a suite once, and a suite that fails by itself", () => {
    const inside = `<testcase name="suite"><failure>1 step failed</failure></testcase>
      <testcase name="suite &gt; good"></testcase>
      <testcase name="suite &gt; bad"><failure>no</failure></testcase>`;
    assert.equal(readReport(inside, "deno").failed, 1);
    const itself = `<testcase name="suite"><failure>after</failure></testcase>
      <testcase name="suite &gt; good"></testcase>`;
    assert.equal(readReport(itself, "deno").failed, 1);
  });

  it("finds nothing in the report of a runtime that wrote none", () => {
    assert.deepEqual(readReport("", "bun"), { passed: 0, failed: 0, skipped: 0, skips: [] });
  });
});
