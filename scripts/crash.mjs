/**
 * `npm run crash`: kills a writing process again and again, and checks what it leaves.
 *
 *   npm run crash -- [--storage NAME]… [--runs 1000] [--runtime NAME] [--seed NUMBER]
 *
 * Storages are sqlite, file, deno-kv, postgres and all, the default; runtimes deno, bun and node. What a
 * runtime does not have runs on Deno.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { answerHelp } from "./help.mjs";
import { describe, installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";
import { obstacle, startPostgres, storagesOf } from "./storages.mjs";

answerHelp(import.meta.url);

/** The options; throws when one makes no sense. */
function options() {
  const { values } = parseArgs({
    options: {
      storage: { type: "string", multiple: true, default: ["all"] },
      runs: { type: "string", default: "1000" },
      runtime: { type: "string", default: "node" },
      seed: { type: "string", default: String(1 + Math.floor(Math.random() * 1e9)) },
    },
  });
  for (const name of ["runs", "seed"]) {
    if (/^[1-9]\d*$/.test(values[name])) continue;
    throw new Error(`Cannot crash with --${name} ${values[name]}: it takes a whole number above 0`);
  }
  return { ...values, storages: storagesOf(values.storage) };
}

/** Runs on one storage; true when all is well. */
async function crash(storage, { runs, seed, runtime: wanted }) {
  const name = obstacle(storage, wanted) === undefined ? wanted : "deno";
  const path = runtime(name);
  const server = storage === "postgres" ? await startPostgres() : undefined;
  if (storage === "postgres" && server === undefined) {
    console.log("\nskipped: postgres: PostgreSQL is not installed");
    return !process.env.CI;
  }
  console.log(`\n=== ${storage} on ${describe(name, path)}, seed ${seed} ===`);
  const script = join(ROOT, "tests", "crash", "crash_main.ts");
  const env = { ...process.env, ...server && { EIDETICA_POSTGRES: server.url } };
  const args = runArguments(name, script, [storage, runs, seed]);
  const { status } = spawnSync(path, args, { cwd: ROOT, stdio: "inherit", env });
  await server?.stop();
  return status === 0;
}

try {
  const settings = options();
  installDependencies();
  for (const storage of settings.storages) {
    if (!await crash(storage, settings)) process.exitCode = 1;
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
