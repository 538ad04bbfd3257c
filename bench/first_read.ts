/**
 * A program that opens a SQLite file in a folder and reads one row: prints the milliseconds from its first
 * line.
 *
 * @module
 */

import process from "node:process";

const started = performance.now();
const [{ open }, { readOne }] = await Promise.all([
  import("./storage_workloads.ts"),
  import("./state_workloads.ts"),
]);
const { instance, database } = await open("sqlite", process.argv[2]!);
await readOne(database, 0);
console.log(performance.now() - started);
await instance.close();
