/**
 * `npm run examples`: runs every example on Deno, Bun and Node, twice in one empty folder, since examples
 * must go on.
 *
 *   npm run examples
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { failureOf, inParallel, JOBS } from "./parallel.mjs";
import { describe, installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";

/** An example may take this long, in milliseconds. */
const TIMEOUT_MS = 120_000;

answerHelp(import.meta.url);

/** Runs an example twice in one empty folder; counts the failures. */
async function twice(example, name, path) {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-example-"));
  let failed = 0;
  for (const time of ["first", "second"]) {
    const args = runArguments(name, join(ROOT, "examples", example));
    const failure = await failureOf(path, args, { cwd: folder, timeout: TIMEOUT_MS });
    if (failure === undefined) continue;
    failed++;
    console.error(`FAILED  ${example}, ${time} run, on ${describe(name, path)}\n${failure}`);
  }
  rmSync(folder, { recursive: true, force: true });
  return failed;
}

installDependencies();
const examples = readdirSync(join(ROOT, "examples")).filter((name) => name.endsWith(".ts")).sort();
for (const name of ["deno", "bun", "node"]) {
  const path = runtime(name);
  const failed = await inParallel(examples, JOBS, (example) => twice(example, name, path));
  if (failed.some((count) => count > 0)) process.exitCode = 1;
  console.log(`${examples.length} examples on ${describe(name, path)}`);
}
