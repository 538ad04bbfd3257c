import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadScript } from "./run_script.ts";

interface Stream {
  readonly isTTY: boolean;
  readonly columns?: number;
  write(text: string): void;
}

interface Progress {
  tests(count: number): void;
  file(result: { file: string; seconds: number; failed: number; fault?: string }): void;
  print(text: string): void;
  line(seconds: number): string;
}

interface Script {
  readonly Progress: new (
    title: string,
    expected: ReadonlyMap<string, number>,
    jobs: number,
    stream: Stream,
  ) => Progress;
  duration(seconds: number): string;
}

const { duration, Progress } = await loadScript<Script>("test_progress.mjs");

/** A stream that keeps what is written to it. */
function stream(isTTY: boolean): Stream & { readonly written: string[] } {
  const written: string[] = [];
  return { isTTY, columns: 40, written, write: (text) => void written.push(text) };
}

const CLEAR = "\r\x1b[K";
const EXPECTED = new Map([["a", 10], ["b", 20], ["c", 30]]);

describe("the progress of tests", () => {
  it("tells how much is done and estimates what is left by the pace so far", () => {
    const progress = new Progress("deno 2", EXPECTED, 2, stream(false));
    assert.equal(progress.line(0), "deno 2: 0 of 3 files, 0 tests, 0 s, about 30 s left");
    progress.tests(7);
    progress.file({ file: "a", seconds: 20, failed: 0 });
    assert.equal(progress.line(20), "deno 2: 1 of 3 files, 7 tests, 20 s, about 50 s left");
    progress.file({ file: "b", seconds: 40, failed: 1, fault: "exit status 2" });
    assert.match(progress.line(61), /2 failed, 1 min 1 s, about 30 s left/);
    progress.file({ file: "c", seconds: 60, failed: 0 });
    assert.match(progress.line(90), /about 0 s left$/);
  });

  it("writes whole lines to a log, and no control characters", () => {
    const log = stream(false);
    const progress = new Progress("deno 2", EXPECTED, 2, log);
    for (let at = 0; at < 1000; at++) progress.tests(1);
    progress.print("FAILED x");
    assert.deepEqual(log.written, ["FAILED x\n"], "a log is told from time to time only");
  });

  it("keeps to one line of a terminal, which makes way for other text", async () => {
    const terminal = stream(true);
    const progress = new Progress("a very long name of a runtime", EXPECTED, 2, terminal);
    await new Promise((done) => setTimeout(done, 110));
    progress.tests(1);
    progress.print("FAILED x");
    const [line, clear, text] = terminal.written;
    assert.equal(line, `${CLEAR}a very long name of a runtime: 0 of 3 f`);
    assert.deepEqual([clear, text], [CLEAR, "FAILED x\n"]);
  });

  it("says times as people do", () => {
    assert.deepEqual([0.4, 59.4, 60, 200].map(duration), [
      "0 s",
      "59 s",
      "1 min 0 s",
      "3 min 20 s",
    ]);
  });
});
