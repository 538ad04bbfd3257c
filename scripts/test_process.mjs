/** One test file on one runtime, in a process of its own. */

import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./runtimes.mjs";
import { TestLines } from "./test_lines.mjs";
import { readReport } from "./test_report.mjs";

/** How long a process that is told to stop may take to end, and one that has ended to close its output. */
const GRACE_MS = 3_000;
/** So much of the end of an output is kept, in characters. */
const KEPT_OUTPUT = 4_000_000;
/** What Bun says, and fails for, when a filter leaves nothing of a file. */
const NOTHING_MATCHED = /matched 0 tests|had no matches/;

function command(name, file, report, filter) {
  switch (name) {
    case "deno": {
      const options = ["-A", "--no-check", "--no-lock", `--junit-path=${report}`];
      return ["test", ...options, ...filter ? [`--filter=/${filter}/`] : [], file];
    }
    case "bun": {
      // Bun ends a test after 5 s by itself; here the silence does.
      const options = ["--timeout=2147483647", "--reporter=junit", `--reporter-outfile=${report}`];
      return ["test", ...options, ...filter ? ["-t", filter] : [], file];
    }
    default:
      // Without --test, which would start a second process for the file.
      return [
        "--disable-warning=ExperimentalWarning",
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        "--test-reporter=junit",
        `--test-reporter-destination=${report}`,
        ...filter ? [`--test-name-pattern=${filter}`] : [],
        file,
      ];
  }
}

/** The processes that run now. */
const running = new Set();

/** Stops all that runs, for this reason. */
export function stopAll(reason) {
  for (const one of running) one.stop(reason);
}

class TestProcess {
  #child;
  #patience;
  #timer;
  #lines;
  #output = "";

  /** Why it was stopped; undefined if it ended by itself. */
  stopped;

  constructor(path, args, { name, env, patienceMs, onTests }) {
    this.#patience = patienceMs;
    this.#lines = new TestLines(name);
    this.#child = spawn(path, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what it has started ends with it.
      detached: process.platform !== "win32",
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => this.#read(text, onTests));
    }
    this.#wait();
  }

  #read(text, onTests) {
    this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    const ended = this.#lines.read(text);
    if (ended === 0) return;
    this.#wait();
    onTests(ended);
  }

  /** Begins to wait for the next test that ends. */
  #wait() {
    clearTimeout(this.#timer);
    const seconds = this.#patience / 1000;
    this.#timer = setTimeout(() => {
      const last = this.#lines.last === undefined ? "" : `; the last was "${this.#lines.last}"`;
      this.stop(`stopped: no test ended for ${seconds} s${last}`);
    }, this.#patience);
  }

  stop(reason) {
    this.stopped ??= reason;
    this.#signal("SIGTERM");
    setTimeout(() => this.#signal("SIGKILL"), GRACE_MS).unref();
  }

  /** Signals the process and what it has started. */
  #signal(signal) {
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // There is no such group: all have ended, or there are no groups here.
      this.#child.kill(signal);
    }
  }

  /** Resolves when it has ended: how, and what it has said. */
  async end() {
    running.add(this);
    try {
      const status = await this.#status();
      const { counts } = this.#lines;
      return { status: this.stopped ?? status, counts, output: this.#output };
    } finally {
      clearTimeout(this.#timer);
      running.delete(this);
      this.#signal("SIGKILL");
    }
  }

  #status() {
    return new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("exit", (status, signal) => {
        const how = signal === null ? status : `ended by ${signal}`;
        this.#child.on("close", () => resolve(how));
        // What it has started and left behind may keep its output open.
        setTimeout(() => resolve(how), GRACE_MS).unref();
      });
    });
  }
}

/** Why a file is not good beyond its failed tests; undefined when nothing else is wrong. */
function fault({ status, stopped, counts, output }, filter) {
  if (stopped !== undefined) return stopped;
  const { passed, failed, skipped } = counts;
  const isEmpty = passed + failed + skipped === 0;
  if (isEmpty && filter && (status === 0 || NOTHING_MATCHED.test(output))) return undefined;
  const how = typeof status === "string" ? status : `exit status ${status}`;
  if (isEmpty) return status === 0 ? "no test ran" : `no test ran, ${how}`;
  const isExplained = status === 0 || (failed > 0 && typeof status === "number");
  return isExplained ? undefined : how;
}

/**
 * Runs a file. Resolves to its counts, its skipped tests, its output, how long it took, and its `fault`:
 * what is wrong besides failed tests.
 */
export async function runFile({ name, path, file, filter, env, patienceMs, onTests }) {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-test-"));
  // The server of a test, which may be another user, passes through.
  chmodSync(folder, 0o711);
  const report = join(folder, "report.xml");
  const started = performance.now();
  try {
    const args = command(name, file, report, filter);
    const places = { TMPDIR: folder, TEMP: folder, TMP: folder };
    const test = new TestProcess(path, args, {
      name,
      env: { ...env, ...places },
      patienceMs,
      onTests,
    });
    const { status, counts: seen, output } = await test.end();
    const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
    const { skips, ...told } = readReport(xml, name);
    // Who is stopped, or crashes, writes no report, or a part of one.
    const counts = typeof status === "number" && xml !== "" ? told : seen;
    const seconds = (performance.now() - started) / 1000;
    const why = fault({ status, stopped: test.stopped, counts, output }, filter);
    return { name, file, ...counts, skips, output, seconds, fault: why };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
