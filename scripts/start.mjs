/**
 * `npm start`: installs what is missing and runs the main job of the README.
 *
 *   npm start
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { anyRuntime, installDependencies, ROOT, runArguments } from "./runtimes.mjs";

answerHelp(import.meta.url);

try {
  installDependencies();
  const { name, path } = anyRuntime();
  const args = runArguments(name, join(ROOT, "examples", "start.ts"), process.argv.slice(2));
  process.exitCode = spawnSync(path, args, { stdio: "inherit" }).status ?? 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
