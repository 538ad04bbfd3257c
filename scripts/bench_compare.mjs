/**
 * `npm run bench:compare`: the same benchmarks on two commits, in turns.
 *
 *   npm run bench:compare -- [BEFORE] [AFTER] [--runtime NAME]… [--rounds 5] [--only SUITE,GROUP]
 *
 * The commits are `main` and `HEAD` by default; `.` stands for this working tree. Both checkouts run the
 * benchmarks of this working tree. A difference is told only where it is beyond noise: the medians of the
 * rounds of one side all lie on one side of those of the other. Exits with 1 when something became slower.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { namesIn, report } from "./bench_runs.mjs";
import { installDependencies, ROOT } from "./runtimes.mjs";

answerHelp(import.meta.url);

/** Ratios nearer to 1 than this are no news, even if all rounds agree. */
const WORTH_TELLING = 0.03;
const DEFAULT_ROUNDS = 5;
const DEFAULT_SUITES = "put-entry,dispatch,state,ingest";

function option(args, name, fallback) {
  const at = args.indexOf(name);
  return at < 0 ? fallback : args.splice(at, 2)[1];
}

function git(...args) {
  const { status, stdout, stderr } = spawnSync("git", args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot compare: git ${args.join(" ")} failed: ${stderr}`);
  return stdout.trim();
}

/** Copies a folder without what is installed in it. */
function copy(from, to) {
  const filter = (path) => !/[\\/](node_modules|\.git|\.runtimes)$/.test(path);
  cpSync(from, to, { recursive: true, filter });
}

/** A checkout of a commit with the benchmarks and dependencies of this one. */
function checkout(home, name, revision) {
  const root = join(home, name);
  if (revision === ".") {
    copy(ROOT, root);
  } else {
    git("worktree", "add", "--detach", "--quiet", root, revision);
    rmSync(join(root, "bench"), { recursive: true, force: true });
    copy(join(ROOT, "bench"), join(root, "bench"));
  }
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"), "junction");
  return root;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** What the rounds say about one case. */
function verdict(before, after) {
  const ratio = median(after) / median(before);
  const apart = Math.min(...after) > Math.max(...before) ||
    Math.max(...after) < Math.min(...before);
  if (!apart || Math.abs(ratio - 1) < WORTH_TELLING) return { ratio, says: "same, within noise" };
  return { ratio, says: ratio > 1 ? "SLOWER" : "faster" };
}

function collect(into, { timings }) {
  for (const { group, name, median: time } of timings) {
    const key = `${group}: ${name}`;
    into.set(key, [...into.get(key) ?? [], time]);
  }
}

function spread(numbers) {
  return ((Math.max(...numbers) - Math.min(...numbers)) / 2 / median(numbers) * 100).toFixed(0);
}

function printCase(key, before, after) {
  const { ratio, says } = verdict(before, after);
  const time = (numbers) => `${median(numbers).toPrecision(3)} µs ± ${spread(numbers)} %`;
  const columns = [time(before).padStart(18), time(after).padStart(18), `× ${ratio.toFixed(3)}`];
  console.log(`${key.padEnd(56)} ${columns.join("  ")}  ${says}`);
  return says === "SLOWER";
}

/** Runs both sides in turns, each round beginning with the other side. */
function compare(name, roots, rounds, args) {
  const found = [new Map(), new Map()];
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
      collect(found[side], report(name, args, roots[side]));
    }
  }
  let slower = 0;
  for (const [key, before] of found[0]) {
    const after = found[1].get(key);
    if (after !== undefined && printCase(key, before, after)) slower++;
  }
  return slower;
}

function main() {
  const args = process.argv.slice(2);
  const names = namesIn(args, ["deno"]);
  const rounds = Number(option(args, "--rounds", DEFAULT_ROUNDS));
  const only = option(args, "--only", DEFAULT_SUITES);
  const [before = "main", after = "HEAD", ...rest] = args;
  installDependencies();
  const home = mkdtempSync(join(tmpdir(), "eidetica-compare-"));
  let slower = 0;
  try {
    const roots = [checkout(home, "before", before), checkout(home, "after", after)];
    for (const name of names) {
      console.log(`\n=== ${name}: ${before} → ${after}, ${rounds} rounds ===`);
      slower += compare(name, roots, rounds, ["--only", only, ...rest]);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
    git("worktree", "prune");
  }
  if (slower > 0) process.exitCode = 1;
}

main();
