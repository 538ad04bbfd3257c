/**
 * `npm start`: installs what is missing and runs the main job of the README, examples/start.ts: it opens or
 * creates a SQLite file, imports rows in signed entries, queries, branches, merges, verifies the history, and shares
 * it by a ticket, over HTTP on this machine, with a second instance that has everything in the end.
 *
 *   npm start                                   the 250 countries of the npm package world-countries
 *   npm start -- --file people.csv              rows of your own: .csv, .tsv, .json (an array), .ndjson, .jsonl
 *   npm start -- --file newer.csv --name people brings what was imported before up to date
 *
 *   --file FILE   what is imported; all values of a CSV file are texts
 *   --key COLUMN  the column that tells rows apart; "id" where there is one, otherwise the whole row does
 *   --name NAME   the database it belongs to; the name of the file without its ending by default
 *   --db FILE     the SQLite file; ./eidetica.db by default. The second instance is beside it, in ./eidetica-copy.db
 *
 * Rows that have not changed are left alone, and those that are in the database and not in the file stay. The
 * branches are made in a store beside the rows, and change none of them.
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
