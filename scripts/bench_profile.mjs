/**
 * `npm run bench:profile`: where the time of a commit goes. It takes a storage, `sqlite` by default, and runs
 * on Node, whose profiler it asks.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";

installDependencies();
const args = runArguments("node", join(ROOT, "bench", "profile.ts"), process.argv.slice(2));
const { status } = spawnSync(runtime("node"), args, { cwd: ROOT, stdio: "inherit" });
process.exitCode = status ?? 1;
