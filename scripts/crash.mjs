/**
 * `npm run crash`: kills a writing process again and again, and checks what it leaves.
 *
 *   node scripts/crash.mjs [--storage sqlite|file|deno-kv|postgres|all]… [--runs 1000]
 *     [--runtime deno|bun|node] [--seed NUMBER]
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { describe, installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";
import { obstacle, startPostgres, storagesOf } from "./storages.mjs";

const { values } = parseArgs({
  options: {
    storage: { type: "string", multiple: true, default: ["all"] },
    runs: { type: "string", default: "1000" },
    runtime: { type: "string", default: "node" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
  },
});

/** Runs on one storage; true when all is well. */
async function crash(storage) {
  const name = obstacle(storage, values.runtime) === undefined ? values.runtime : "deno";
  const path = runtime(name);
  const server = storage === "postgres" ? await startPostgres() : undefined;
  console.log(`\n=== ${storage} on ${describe(name, path)}, seed ${values.seed} ===`);
  const script = join(ROOT, "tests", "crash", "crash_main.ts");
  const args = runArguments(name, script, [storage, values.runs, values.seed]);
  const env = { ...process.env, ...server && { EIDETICA_POSTGRES: server.url } };
  const { status } = spawnSync(path, args, { stdio: "inherit", env });
  await server?.stop();
  return status === 0;
}

installDependencies();
for (const storage of storagesOf(values.storage)) {
  if (!await crash(storage)) process.exitCode = 1;
}
