/**
 * `npm run bench:peers`: other databases and this one at the same work, on Deno, Bun and Node.
 *
 *   npm run bench:peers -- [--runtime NAME]… [--save] [--quick]
 *
 * Installs the others into `bench/peers/` first, where nothing else uses them. `--save` writes
 * `docs/performance/peers.json` and draws it; everything else goes to `bench/peers/run.ts`.
 */

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { benchmark, namesIn, report } from "./bench_runs.mjs";
import { installDependencies, installFolder, ROOT } from "./runtimes.mjs";

answerHelp(import.meta.url);

const PROGRAM = "bench/peers/run.ts";

function show(names, args) {
  for (const name of names) {
    console.log();
    if (benchmark(name, args, ROOT, PROGRAM) === undefined) process.exitCode = 1;
  }
}

function save(names, args) {
  const runs = names.map((name) => {
    console.log(`Measuring on ${name} …`);
    return { name, ...report(name, args, ROOT, PROGRAM) };
  });
  const file = join(ROOT, "docs", "performance", "peers.json");
  writeFileSync(file, `${JSON.stringify(runs, null, 1)}\n`);
  const draw = [join(ROOT, "scripts", "bench_report.mjs"), "--draw"];
  process.exitCode = spawnSync(process.execPath, draw, { stdio: "inherit" }).status ?? 1;
}

installDependencies();
installFolder(join(ROOT, "bench", "peers"), "the other databases");
const args = process.argv.slice(2);
const names = namesIn(args);
const isSaved = args.includes("--save");
(isSaved ? save : show)(names, args.filter((one) => one !== "--save"));
