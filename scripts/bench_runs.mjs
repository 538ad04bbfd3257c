/** Runs `bench/run.ts` of a checkout, or another program of benchmarks, in a process of its own. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, ROOT, runArguments, runtime } from "./runtimes.mjs";

/** Longest report that is read, in bytes. */
const MAX_REPORT = 64 * 1024 * 1024;

/** Takes `--runtime NAME` out of the arguments; all three without it. */
export function namesIn(args, all = ["deno", "bun", "node"]) {
  const at = args.indexOf("--runtime");
  return at < 0 ? all : args.splice(at, 2)[1].split(",");
}

/** Runs the benchmarks and shows what they say; undefined when they fail. */
export function benchmark(name, args, root = ROOT, program = "bench/run.ts") {
  const path = runtime(name);
  const isJson = args.includes("--json");
  if (!isJson) console.log(`=== ${describe(name, path)} ===`);
  const file = join(root, ...program.split("/"));
  const { status, stdout } = spawnSync(path, runArguments(name, file, args, root), {
    cwd: root,
    encoding: "utf8",
    maxBuffer: MAX_REPORT,
    stdio: ["ignore", isJson ? "pipe" : "inherit", "inherit"],
  });
  return status === 0 ? stdout ?? "" : undefined;
}

/** As {@link benchmark}; what was found, read from JSON. */
export function report(name, args, root = ROOT, program = undefined) {
  const text = benchmark(name, [...args, "--json"], root, program);
  if (text === undefined) throw new Error(`The benchmarks failed on ${name} in ${root}`);
  return JSON.parse(text);
}
