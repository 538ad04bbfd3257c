/**
 * How long each file took when it ran last, on each runtime and storage: for estimates, and to begin
 * with what takes longest. Kept in `.runtimes/`, outside of what is committed; all works without.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { ROOT } from "./runtimes.mjs";

const FILE = join(ROOT, ".runtimes", "test-times.json");
/** What a file is expected to take of which nothing is known, in seconds. */
const UNKNOWN = 1;

function read() {
  try {
    return JSON.parse(readFileSync(FILE, "utf8"));
  } catch {
    return {};
  }
}

/** The seconds that each of the files will take, about; those of `key`, or of anything else. */
export function expectedTimes(key, files) {
  const known = read();
  const others = Object.values(known);
  return new Map(files.map((file) => {
    const times = [known[key]?.[file], ...others.map((other) => other[file])];
    return [file, times.find((time) => typeof time === "number") ?? UNKNOWN];
  }));
}

/** Keeps what the files took. */
export function keepTimes(key, results) {
  const known = read();
  const times = Object.fromEntries(results.map(({ file, seconds }) => [file, seconds]));
  known[key] = { ...known[key], ...times };
  try {
    mkdirSync(dirname(FILE), { recursive: true });
    writeFileSync(`${FILE}.${process.pid}`, JSON.stringify(known));
    renameSync(`${FILE}.${process.pid}`, FILE);
  } catch (error) {
    console.error(`Times of tests are not kept: ${error.message}`);
  }
}
