/**
 * `npm run bench:profile`: where the time of a commit goes.
 *
 *   npm run bench:profile -- [STORAGE]
 *
 * The storage is `sqlite` by default. It runs on Node, whose profiler it asks.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";

answerHelp(import.meta.url);

installDependencies();
const args = runArguments("node", join(ROOT, "bench", "profile.ts"), process.argv.slice(2));
const { status } = spawnSync(runtime("node"), args, { cwd: ROOT, stdio: "inherit" });
process.exitCode = status ?? 1;
