/**
 * A program that opens a SQLite history in a folder, commits once, and prints the bytes that it
 * occupies then.
 *
 * @module
 */

import process from "node:process";
import { openAndCommit } from "./storage_workloads.ts";

await openAndCommit("sqlite", process.argv[2]!);
console.log(process.memoryUsage().rss);
