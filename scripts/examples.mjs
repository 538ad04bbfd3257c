/**
 * `npm run examples`: runs every example on Deno, Bun and Node, twice in one empty folder, since examples
 * must go on.
 *
 *   npm run examples
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { describe, installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";

answerHelp(import.meta.url);

installDependencies();
const examples = readdirSync(join(ROOT, "examples")).filter((name) => name.endsWith(".ts")).sort();
let failed = 0;
for (const name of ["deno", "bun", "node"]) {
  const path = runtime(name);
  for (const example of examples) {
    const folder = mkdtempSync(join(tmpdir(), "eidetica-example-"));
    for (const time of ["first", "second"]) {
      const args = runArguments(name, join(ROOT, "examples", example));
      const { status, stdout, stderr } = spawnSync(path, args, { cwd: folder, encoding: "utf8" });
      if (status !== 0) {
        failed++;
        console.error(
          `FAILED  ${example}, ${time} run, on ${describe(name, path)}\n${stdout}${stderr}`,
        );
      }
    }
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${examples.length} examples on ${describe(name, path)}`);
}
process.exitCode = failed === 0 ? 0 : 1;
