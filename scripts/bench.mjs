/** `npm run bench`: the benchmarks on Deno, Bun and Node. `--runtime NAME` picks, `--quick` only tries. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { describe, installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";

installDependencies();
const args = process.argv.slice(2);
const at = args.indexOf("--runtime");
const names = at >= 0 ? args.splice(at, 2).slice(1) : ["deno", "bun", "node"];
for (const name of names) {
  const path = runtime(name);
  console.log(`\n=== ${describe(name, path)} ===`);
  const { status } = spawnSync(path, runArguments(name, join(ROOT, "bench", "run.ts"), args), {
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
