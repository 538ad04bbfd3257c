/**
 * `npm test`: the whole suite on Deno, Bun and Node, each installed if need be.
 *
 *   node scripts/test.mjs [--runtime deno|bun|node|node22] [--filter NAME] [FILE…]
 *
 * In CI (the variable CI is set) Node 22 runs, too, next to the newer Node.
 */

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { describe, installDependencies, ROOT, runtime } from "./runtimes.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: "string", multiple: true },
    filter: { type: "string" },
  },
});

/** One test file may take this long before it counts as hanging. */
const TIMEOUT_MS = 300_000;

function testFiles(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((item) => item.isFile() && item.name.endsWith("_test.ts"))
    .map((item) => `./${relative(ROOT, join(item.parentPath ?? item.path, item.name))}`)
    .sort();
}

function command(name, files) {
  const { filter } = values;
  switch (name) {
    case "deno":
      return [
        "test",
        "-A",
        "--no-check",
        "--no-lock",
        ...(filter ? ["--filter", filter] : []),
        ...files,
      ];
    case "bun":
      return ["test", `--timeout=${TIMEOUT_MS}`, ...(filter ? ["-t", filter] : []), ...files];
    default:
      return [
        "--test",
        "--test-reporter=spec",
        `--test-timeout=${TIMEOUT_MS}`,
        "--disable-warning=ExperimentalWarning",
        ...(filter ? [`--test-name-pattern=${filter}`] : []),
        ...files,
      ];
  }
}

/** Reads the totals that each runtime prints at its end. */
function totals(output) {
  // deno-lint-ignore no-control-regex
  const text = output.replace(/\x1b\[[0-9;]*m/g, "");
  const number = (pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  if (/^. tests \d+$/m.test(text)) {
    return {
      passed: number(/^. pass (\d+)$/m),
      failed: number(/^. fail (\d+)$/m) + number(/^. cancelled (\d+)$/m),
      skipped: number(/^. skipped (\d+)$/m),
    };
  }
  if (/\d+ passed/.test(text)) {
    const last = text.slice(text.lastIndexOf(" passed") - 40);
    return {
      // Deno counts a suite as one test and what is in it as its steps.
      passed: Number(/(\d+) passed/.exec(last)?.[1] ?? 0) +
        Number(/\((\d+) steps?\)/.exec(text.slice(-200))?.[1] ?? 0),
      failed: Number(/(\d+) failed/.exec(last)?.[1] ?? 0),
      skipped: Number(/(\d+) ignored/.exec(last)?.[1] ?? 0),
    };
  }
  return {
    passed: number(/^\s*(\d+) pass$/m),
    failed: number(/^\s*(\d+) fail$/m),
    skipped: number(/^\s*(\d+) skip$/m),
  };
}

function run(name, path, files) {
  return new Promise((resolve) => {
    const child = spawn(path, command(name, files), {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
        process.stdout.write(chunk);
      });
    }
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}

function table(rows) {
  const cells = [["runtime", "passed", "failed", "skipped", "seconds"], ...rows];
  const widths = cells[0].map((_, at) => Math.max(...cells.map((row) => String(row[at]).length)));
  return cells.map((row) => row.map((cell, at) => String(cell).padEnd(widths[at])).join("  ")).join(
    "\n",
  );
}

async function main() {
  installDependencies();
  const names = values.runtime ?? ["deno", "bun", "node", ...(process.env.CI ? ["node22"] : [])];
  const files = positionals.length > 0 ? positionals : testFiles(join(ROOT, "tests"));
  const rows = [];
  let ok = true;
  for (const name of names) {
    const path = runtime(name);
    const title = describe(name, path);
    console.log(`\n=== ${title} ===`);
    const started = performance.now();
    const { status, output } = await run(name, path, files);
    const { passed, failed, skipped } = totals(output);
    ok &&= status === 0 && failed === 0 && passed > 0;
    rows.push([title, passed, failed, skipped, ((performance.now() - started) / 1000).toFixed(1)]);
  }
  console.log(`\n${table(rows)}`);
  if (!ok) console.error("\nThe suite failed on at least one runtime");
  process.exitCode = ok ? 0 : 1;
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
