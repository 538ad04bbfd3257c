/**
 * `npm test`: the whole suite on Deno, Bun and Node, each installed if need be.
 *
 *   node scripts/test.mjs [--runtime deno|bun|node|node22]… [--node22] [--filter PATTERN]
 *     [--storage sqlite|file|deno-kv|postgres|all]… [FILE…]
 *
 * In CI (the variable CI is set) and with `--node22` Node 22 runs, too, next to the newer Node. With
 * `--storage` the suites that use one run on those in place of memory.
 */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { describe, installDependencies, ROOT, runtime } from "./runtimes.mjs";
import { obstacle, startPostgres, STORAGE_SUITES, storagesOf } from "./storages.mjs";
import { readReport } from "./test_report.mjs";

/** One test may take this long before it counts as hanging (Bun, Node). */
const TEST_TIMEOUT_MS = 300_000;
/** The suite on one runtime may take this long before it is stopped. */
const SUITE_TIMEOUT_MS = 1_200_000;
/** How long a stopped runtime may take to end. */
const GRACE_MS = 10_000;

function options() {
  return parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: "string", multiple: true },
      node22: { type: "boolean" },
      filter: { type: "string" },
      storage: { type: "string", multiple: true },
    },
  });
}

function testFiles(folders) {
  return folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, "tests", folder), { withFileTypes: true, recursive: true })
    )
    .filter((item) => item.isFile() && item.name.endsWith("_test.ts"))
    .map((item) => join(item.parentPath ?? item.path, item.name))
    .sort();
}

/** Paths as all runtimes take them for files, never for patterns. */
function fromRoot(file) {
  if (!existsSync(file)) throw new Error(`Cannot test "${file}": there is no such file`);
  return `./${relative(ROOT, file).replaceAll("\\", "/")}`;
}

function command(name, files, report, filter) {
  switch (name) {
    case "deno": {
      const pattern = filter ? [`--filter=/${filter}/`] : [];
      const options = ["-A", "--no-check", "--no-lock", `--junit-path=${report}`];
      return ["test", ...options, ...pattern, ...files];
    }
    case "bun": {
      const pattern = filter ? ["-t", filter] : [];
      const options = ["--reporter=junit", `--reporter-outfile=${report}`];
      return ["test", `--timeout=${TEST_TIMEOUT_MS}`, ...options, ...pattern, ...files];
    }
    default: {
      const pattern = filter ? [`--test-name-pattern=${filter}`] : [];
      return [
        "--test",
        `--test-timeout=${TEST_TIMEOUT_MS}`,
        "--disable-warning=ExperimentalWarning",
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        "--test-reporter=junit",
        `--test-reporter-destination=${report}`,
        ...pattern,
        ...files,
      ];
    }
  }
}

/** Runs a command in the checkout; resolves to its status, or to why it was stopped. */
function run(path, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    let stopped;
    const timer = setTimeout(() => {
      stopped = `stopped after ${SUITE_TIMEOUT_MS / 1000} s`;
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), GRACE_MS).unref();
    }, SUITE_TIMEOUT_MS);
    child.on("error", reject);
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      resolve(stopped ?? (signal ? `ended by ${signal}` : status));
    });
  });
}

/** The suite on one runtime: a row of the summary. */
async function testOn(name, files, { filter, storage, env }) {
  const path = runtime(name);
  const title = describe(name, path) + (storage === undefined ? "" : `, ${storage}`);
  console.log(`\n=== ${title} ===`);
  const folder = mkdtempSync(join(tmpdir(), "eidetica-test-"));
  const report = join(folder, "report.xml");
  const started = performance.now();
  try {
    const status = await run(path, command(name, files, report, filter), env);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
    return { title, status, seconds, ...readReport(xml, name) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A suite is good when the runtime says so, its report agrees and something ran. */
function complaint({ status, failed, passed }) {
  if (status !== 0) return typeof status === "number" ? `exit status ${status}` : status;
  if (failed > 0) return "failed tests";
  return passed === 0 ? "no test ran" : undefined;
}

function table(rows) {
  const cells = [
    ["runtime", "passed", "failed", "skipped", "seconds", ""],
    ...rows.map((row) => [
      row.title,
      row.passed,
      row.failed,
      row.skipped,
      row.seconds,
      complaint(row) ?? "ok",
    ]),
  ];
  const widths = cells[0].map((_, at) => Math.max(...cells.map((row) => String(row[at]).length)));
  const line = (row) => row.map((cell, at) => String(cell).padEnd(widths[at])).join("  ").trimEnd();
  return cells.map(line).join("\n");
}

/** The skipped tests, each with the runtimes that skipped it and the reason where one is told. */
function skipList(rows) {
  const found = new Map();
  for (const { title, skips } of rows) {
    for (const { name, reason } of skips) {
      const entry = found.get(name) ?? { titles: new Set(), reason: "" };
      entry.titles.add(title);
      if (reason !== "" && reason !== "true") entry.reason = `: ${reason}`;
      found.set(name, entry);
    }
  }
  return [...found].map(([name, { titles, reason }]) =>
    `  ${name}${reason} (${[...titles].join(", ")})`
  );
}

function report(rows) {
  const skips = skipList(rows);
  if (skips.length > 0) console.log(`\nSkipped:\n${skips.join("\n")}`);
  console.log(`\n${table(rows)}`);
}

/** The suites of one storage, on every runtime that has it. */
async function testStorage(storage, names, files, filter) {
  const server = storage === "postgres" ? await startPostgres() : undefined;
  if (storage === "postgres" && server === undefined && process.env.CI) {
    throw new Error("Cannot test on PostgreSQL: it is not installed");
  }
  const env = storage && { EIDETICA_STORAGE: storage, EIDETICA_POSTGRES: server?.url };
  const rows = [];
  try {
    for (const name of names) {
      const reason = storage === "postgres" && server === undefined
        ? "PostgreSQL is not installed"
        : obstacle(storage, name);
      if (reason === undefined) rows.push(await testOn(name, files, { filter, storage, env }));
      else console.log(`\nskipped: ${storage} on ${name}: ${reason}`);
    }
  } finally {
    await server?.stop();
  }
  return rows;
}

async function main() {
  const { values, positionals } = options();
  const node22 = values.node22 || (values.runtime === undefined && process.env.CI);
  const names = new Set(values.runtime ?? ["deno", "bun", "node"]);
  if (node22) names.add("node22");
  const folders = values.storage === undefined ? ["."] : STORAGE_SUITES;
  const files = (positionals.length > 0 ? positionals.map((it) => resolve(it)) : testFiles(folders))
    .map(fromRoot);
  installDependencies();
  const rows = [];
  for (const storage of values.storage ? storagesOf(values.storage) : [undefined]) {
    rows.push(...await testStorage(storage, names, files, values.filter));
  }
  report(rows);
  process.exitCode = rows.every((row) => complaint(row) === undefined) ? 0 : 1;
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
