/**
 * `npm run bench`: the benchmarks on Deno, Bun and Node. `--runtime NAME` picks one; everything else goes
 * to `bench/run.ts`: `--only put-entry`, `--quick`, `--large`.
 */

import process from "node:process";
import { installDependencies } from "./runtimes.mjs";
import { benchmark, namesIn } from "./bench_runs.mjs";

installDependencies();
const args = process.argv.slice(2);
for (const name of namesIn(args)) {
  console.log();
  if (benchmark(name, args) === undefined) process.exitCode = 1;
}
