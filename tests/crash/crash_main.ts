/**
 * `npm run crash` on one runtime: storage, runs, seed. The last line says what was found.
 *
 * @module
 */

import process from "node:process";
import { urlOf } from "../helpers/shared.ts";
import { crashRuns } from "./crash_runs.ts";

const [storage, runs, seed] = process.argv.slice(2);
const started = performance.now();
const report = await crashRuns({
  newUrl: () => urlOf(storage!),
  runs: Number(runs),
  seed: Number(seed),
  progress: ({ runs }) => {
    if (runs % 50 === 0) console.log(`${runs} processes killed`);
  },
});
console.log(
  `${storage}: ${report.runs} processes killed (${report.early} before their first commit), ` +
    `${report.acknowledged} acknowledged entries, none lost; ` +
    `${report.unacknowledged} more were durable when the end came; ` +
    `${Math.round((performance.now() - started) / 1000)} s`,
);
process.exit(0);
