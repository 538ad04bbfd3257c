/** `npm start`: installs what is missing and runs the main job of the README. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";

/** The runtime that this script runs on, if it is new enough; otherwise Node. */
const name = globalThis.Deno ? "deno" : globalThis.Bun ? "bun" : "node";

try {
  installDependencies();
  const file = join(ROOT, "examples", "start.ts");
  const args = runArguments(name, file, process.argv.slice(2));
  process.exitCode = spawnSync(runtime(name), args, { stdio: "inherit" }).status ?? 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
