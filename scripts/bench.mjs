/**
 * `npm run bench`: the benchmarks on Deno, Bun and Node.
 *
 *   npm run bench -- [--runtime NAME]… [--only put-entry,state] [--quick] [--large]
 *
 * `--only` picks suites of `bench/suites`, `--quick` takes few samples, `--large` adds long histories.
 */

import process from "node:process";
import { answerHelp } from "./help.mjs";
import { installDependencies } from "./runtimes.mjs";
import { benchmark, namesIn } from "./bench_runs.mjs";

answerHelp(import.meta.url);

installDependencies();
const args = process.argv.slice(2);
for (const name of namesIn(args)) {
  console.log();
  if (benchmark(name, args) === undefined) process.exitCode = 1;
}
