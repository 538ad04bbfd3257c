/**
 * Where the time of a commit goes, as the sampling profiler of Node sees it: `npm run bench:profile`.
 *
 * Shares are of the time of the process; what is native counts for the file that has called it.
 *
 * @module
 */

import { type Profiler, Session } from "node:inspector/promises";
import process from "node:process";
import { bed, type Place, PLACES } from "./bed.ts";
import { commitMany } from "./workloads.ts";

const WARM_UP = 5000;
const COMMITS = 20_000;
const INTERVAL_US = 100;
const SHOWN = 40;

/** What files are about, by a part of their path; the first that fits counts. */
const TOPICS: readonly (readonly [part: string, topic: string])[] = [
  ["internal/crypto/", "signature"],
  ["storage/sqlite", "SQLite"],
  ["wasm/wasm_hash", "hash"],
  ["src/", "this project"],
  ["wasm/", "this project"],
];

async function profiled(place: Place): Promise<Profiler.Profile> {
  const { database, remove } = await bed(place);
  await commitMany(database, 0, WARM_UP);
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
  await session.post("Profiler.start");
  await commitMany(database, WARM_UP, COMMITS);
  const { profile } = await session.post("Profiler.stop");
  await remove();
  return profile;
}

/** The file of each node; of native code the one that has called it. */
function filesOf(profile: Profiler.Profile): Map<number, string> {
  const files = new Map<number, string>();
  for (const node of profile.nodes) {
    const file = node.callFrame.url.replace(/^.*?\/(src|wasm|bench|node_modules)\//, "$1/");
    const own = file || files.get(node.id) || "the engine: microtasks, garbage collection";
    files.set(node.id, own);
    for (const child of node.children ?? []) files.set(child, own);
  }
  return files;
}

/** Microseconds of a commit by file. */
function byFile(profile: Profiler.Profile): Map<string, number> {
  const files = filesOf(profile);
  const times = new Map<string, number>();
  for (const [at, sample] of profile.samples!.entries()) {
    const file = files.get(sample)!;
    times.set(file, (times.get(file) ?? 0) + profile.timeDeltas![at]! / COMMITS);
  }
  return times;
}

function topicOf(file: string): string {
  return TOPICS.find(([part]) => file.includes(part))?.[1] ?? "the engine and the rest";
}

function print(title: string, times: ReadonlyMap<string, number>): void {
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  console.log(`\n${title}, ${total.toFixed(1)} µs`);
  for (const [name, time] of [...times].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)) {
    const share = `${(time / total * 100).toFixed(1)} %`;
    console.log(`${share.padStart(8)} ${time.toFixed(2).padStart(8)} µs  ${name}`);
  }
}

const place = process.argv[2] ?? "sqlite";
if (!PLACES.includes(place as Place)) {
  throw new Error(`Cannot profile "${place}": choose one of ${PLACES.join(", ")}`);
}
const times = byFile(await profiled(place as Place));
const topics = new Map<string, number>();
for (const [file, time] of times) {
  topics.set(topicOf(file), (topics.get(topicOf(file)) ?? 0) + time);
}
print(`A commit, ${place}`, topics);
print("By file", times);
