/**
 * `npm test`: the whole suite on Deno, Bun and Node, each installed if need be.
 *
 *   npm test -- [OPTION…] [FILE…]
 *
 *   --runtime NAME      deno, bun, node or node22; may be repeated; all but node22 by default
 *   --node22            Node 22, too; so in CI, where the variable CI is set
 *   --storage NAME      the suites that use a storage run on sqlite, file, deno-kv, postgres or all, each
 *                       where its driver is another one unless runtimes are named; with unix, those that need
 *                       no storage of their own run as clients of a daemon in another process, with
 *                       unix-plain by the messages of the reference alone
 *   --random            only files with random tests, which EIDETICA_THOROUGH=10 makes ten times as long
 *   --filter PATTERN    only tests whose name matches
 *   --jobs COUNT        files that run at once; one more than there are cores by default
 *   --patience SECONDS  a file is stopped when none of its tests ends for so long; 300 by default
 *   --slowest COUNT     how many of the slowest files are told; 5 by default
 *   --verbose           all that the files say, not only what failed
 *
 * With `EIDETICA_THOROUGH` above 1 every runtime also repeats what usually one of them tries for all.
 */

import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { answerHelp } from "./help.mjs";
import { inParallel, JOBS } from "./parallel.mjs";
import { describe, installDependencies, ROOT, runtime } from "./runtimes.mjs";
import { HOMES, obstacle, startPostgres, storagesOf } from "./storages.mjs";
import { filesOn, filesToRun, wantsPostgres } from "./test_files.mjs";
import { runFile, stopAll } from "./test_process.mjs";
import { Progress } from "./test_progress.mjs";
import { complaint, failure, isGood, printSummary, rowOf } from "./test_summary.mjs";
import { expectedTimes, keepTimes } from "./test_times.mjs";

answerHelp(import.meta.url);

/** Exit status after a signal that asked to end. */
const INTERRUPTED = 130;
/** Node keeps here what it makes of the sources; it halves the start of each process. */
const COMPILED = join(ROOT, ".runtimes", "node-compile-cache");

/** The signal that asked to end. */
let interrupted;

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: "string", multiple: true },
      node22: { type: "boolean" },
      storage: { type: "string", multiple: true },
      random: { type: "boolean" },
      filter: { type: "string" },
      jobs: { type: "string", default: String(JOBS) },
      patience: { type: "string", default: "300" },
      slowest: { type: "string", default: "5" },
      verbose: { type: "boolean" },
    },
  });
  const numbers = {
    jobs: positive("jobs", values.jobs),
    patienceMs: positive("patience", values.patience) * 1000,
    slowest: positive("slowest", values.slowest, 0),
  };
  return { ...values, ...numbers, named: positionals };
}

function positive(name, text, least = 1) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`Cannot test with --${name} ${text}: it takes a whole number from ${least} on`);
}

/** The runtimes to test on. */
function runtimesOf({ runtime, node22 }, storage) {
  const usual = storage === undefined ? ["deno", "bun", "node"] : HOMES[storage];
  const names = new Set(runtime ?? usual);
  const isComplete = runtime === undefined && storage === undefined && process.env.CI;
  if (node22 || isComplete) names.add("node22");
  return [...names];
}

/** Runs the files, so many at once, those first that take longest; resolves to what became of them. */
async function runAll(files, expected, jobs, run) {
  const queue = [...files].sort((a, b) => expected.get(b) - expected.get(a));
  const results = await inParallel(queue, jobs, (file) => interrupted ? undefined : run(file));
  return results.filter((result) => result !== undefined);
}

/** The suite on one runtime: a row of the summary. */
async function testOn(name, files, { filter, jobs, patienceMs, verbose, storage, env }) {
  const path = runtime(name);
  const title = describe(name, path) + (storage === undefined ? "" : `, ${storage}`);
  const key = storage === undefined ? name : `${name}, ${storage}`;
  const expected = expectedTimes(key, files);
  const progress = new Progress(title, expected, jobs);
  progress.print(`${title}: ${files.length} ${files.length === 1 ? "file" : "files"}`);
  const started = performance.now();
  const results = await runAll(files, expected, jobs, async (file) => {
    const onTests = (count) => progress.tests(count);
    const result = await runFile({ name, path, file, filter, env, patienceMs, onTests });
    progress.file(result);
    if (verbose) progress.print(`\n--- ${name}: ${file.slice(2)} ---\n${result.output}`);
    else if (!isGood(result)) progress.print(failure(result).trim().split("\n")[0]);
    return result;
  });
  const seconds = (performance.now() - started) / 1000;
  if (filter === undefined && interrupted === undefined) keepTimes(key, results);
  progress.print(progress.line(seconds));
  return rowOf(title, results, seconds, interrupted && `stopped by ${interrupted}`);
}

/** The suites of one storage, or of none, on every runtime that has it. */
async function testStorage(storage, names, files, settings) {
  if (storage === "postgres" && settings.postgres === undefined) {
    if (process.env.CI) throw new Error("Cannot test on PostgreSQL: it is not installed");
    console.log(`skipped: postgres: PostgreSQL is not installed`);
    return [];
  }
  const rows = [];
  for (const name of names) {
    if (interrupted !== undefined) break;
    const reason = obstacle(storage, name);
    if (reason !== undefined) console.log(`skipped: ${storage} on ${name}: ${reason}`);
    else {rows.push(
        await testOn(name, filesOn(storage, files), {
          ...settings,
          storage,
          env: variables(storage, settings),
        }),
      );}
  }
  return rows;
}

/** What the tests find in their environment. */
function variables(storage, { postgres }) {
  return {
    NODE_COMPILE_CACHE: COMPILED,
    ...!process.stdout.isTTY && { NO_COLOR: "1" },
    ...storage && { EIDETICA_STORAGE: storage },
    ...postgres && { EIDETICA_POSTGRES: postgres },
  };
}

function stopOnSignals() {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      interrupted ??= signal;
      stopAll(`stopped by ${signal}`);
    });
  }
}

async function main() {
  const settings = options();
  const storages = settings.storage ? storagesOf(settings.storage) : [undefined];
  const isOnStorage = settings.storage !== undefined;
  const files = filesToRun(settings.named, { isOnStorage, isRandom: settings.random });
  installDependencies();
  stopOnSignals();
  // One server for all, since each start takes seconds.
  const server = wantsPostgres(files, storages) ? await startPostgres() : undefined;
  const rows = [];
  try {
    for (const storage of storages) {
      const names = runtimesOf(settings, storage);
      rows.push(
        ...await testStorage(storage, names, files, { ...settings, postgres: server?.url }),
      );
    }
  } finally {
    await server?.stop();
  }
  if (rows.length === 0) throw new Error("No test ran");
  printSummary(rows, settings.slowest);
  const isGreen = rows.every((row) => complaint(row) === undefined);
  process.exitCode = interrupted ? INTERRUPTED : isGreen ? 0 : 1;
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
