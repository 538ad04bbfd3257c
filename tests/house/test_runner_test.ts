import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { runScript, scriptCommand } from "./run_script.ts";

const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const NAMES = ["mixed", "hanging", "crashing", "empty"];
const FILES = NAMES.map((name) => `tests/house/fixtures/${name}.ts`);
/** Long enough for a slow machine to start a process, in seconds. */
const PATIENCE = "6";

/** What is said of a file in full, at the end. */
function told(text: string, name: string): string {
  const full = text.slice(text.indexOf("Slowest files"));
  const start = full.indexOf(`tests/house/fixtures/${name}.ts (`);
  assert.ok(start >= 0, `nothing is said of ${name}:\n${text}`);
  const end = full.slice(start).search(/\n--- FAILED|\n\nruntime /);
  return full.slice(start, start + end);
}

/** Whether a process runs; nobody may have asked for the end of one that is dead. */
function isAlive(pid: string): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" });
  return /^[^Z]/.test(stdout.trim());
}

describe("npm test", () => {
  const args = ["--runtime", RUNTIME, "--patience", PATIENCE, "--jobs", "4", ...FILES];
  const { status, text } = runScript("test.mjs", ...args);

  it("fails, counts what ran, also in what was stopped or died, and each fault as a failure", () => {
    assert.equal(status, 1, text);
    const row = /4 +(\d+) +(\d+) +(\d+) +\d+\.\d +failed in 4 files$/m.exec(text)?.slice(1);
    // Node may die before it has told of the test that came first.
    assert.ok(["5,4,1", "4,4,1"].includes(String(row)), text);
  });

  it("tells failures in full, without what was good", () => {
    const mixed = told(text, "mixed");
    assert.match(mixed, /\(1 failed\)/);
    assert.match(mixed, /what went wrong[\s\S]*mixed\.ts/);
    assert.doesNotMatch(mixed, /✔|\(pass\)|\.\.\. ok/);
    assert.match(text, /Skipped:\n {2}later/);
  });

  it("stops a file when no test ends for long, with all that it has started", () => {
    const hanging = told(text, "hanging");
    assert.match(hanging, /stopped: no test ended for 6 s; the last was ".*also good"/);
    assert.ok(isAlive(String(process.pid)));
    const [, ...both] = /child (\d+) of (\d+)/.exec(hanging)!;
    assert.deepEqual(both.filter(isAlive), []);
  });

  it("takes a death, and a file without tests, for failures", () => {
    assert.match(told(text, "crashing"), /ended by SIGKILL/);
    assert.match(told(text, "empty"), /no test ran/);
  });

  it("writes whole lines where there is no terminal", () => {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(text, /[\r\x1b]/);
  });

  it("says what it had when it is told to end", async () => {
    const args = scriptCommand("test.mjs", "--runtime", RUNTIME, FILES[1]!);
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => output += chunk);
    // After child.kill() Deno tells the signal in place of the status.
    child.stdout.once("data", () => process.kill(child.pid!, "SIGTERM"));
    const status = await new Promise((done) => child.on("close", done));
    assert.equal(status, 130, output);
    assert.match(output, /hanging\.ts \(stopped by SIGTERM\)/);
    assert.match(output, /stopped by SIGTERM$/m);
  });

  it("refuses what it does not know, and says what there is", () => {
    const unknown = runScript("test.mjs", "--runtime", "browser", "tests/util/bytes_test.ts");
    assert.equal(unknown.status, 1);
    assert.match(unknown.text, /choose deno, bun, node or node22/);
    const number = runScript("test.mjs", "--jobs", "many");
    assert.match(number.text, /--jobs many: it takes a whole number/);
    const file = runScript("test.mjs", "tests/nowhere_test.ts");
    assert.match(file.text, /Cannot test ".*nowhere_test\.ts": there is no such file/);
    assert.match(runScript("test.mjs", "--storage", "tape").text, /There is no storage "tape"/);
  });
});
