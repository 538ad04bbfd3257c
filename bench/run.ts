/**
 * The benchmarks on any runtime: counts and ratios of one run. `--quick` only shows that they work.
 *
 * @module
 */

import process from "node:process";
import { Entry } from "../mod.ts";
import * as work from "./workloads.ts";

const quick = process.argv.includes("--quick");
const scale = quick ? 0.02 : 1;

interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const lines: Line[] = [];

function report(name: string, value: number, unit: string): number {
  lines.push({ name, value, unit });
  const shown = value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
  console.log(`${name.padEnd(58)} ${shown.padStart(10)} ${unit}`);
  return value;
}

/** Milliseconds that `step` takes, the least of several rounds. */
async function best(rounds: number, step: () => Promise<void> | void): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await step();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

/** Commits at a short and at a long history of one database, and their ratio. */
async function commits(place: work.Place): Promise<void> {
  const bed = await work.bed(place);
  const small = 100;
  const large = Math.max(400, Math.round(10_000 * scale));
  const sample = Math.max(20, Math.round(500 * scale));
  let next = 0;
  const run = (count: number) => async () => {
    await work.commitMany(bed.database, next, count);
    next += count;
  };
  // Warm-up on a database of its own, so that the short history stays short.
  const warm = await work.bed(place);
  await work.commitMany(warm.database, 0, Math.round(2000 * scale) + 20);
  await warm.remove();
  await run(small)();
  const early = await best(5, run(sample)) / sample;
  await run(large - next)();
  const late = await best(5, run(sample)) / sample;
  report(`commit, ${place}, history ≥ ${small}`, 1000 / early, "commits/s");
  report(`commit, ${place}, history ≥ ${large}`, 1000 / late, "commits/s");
  report(`commit, ${place}: ${large} entries cost, × ${small} entries`, late / early, "×");
  await readAfterCommit(bed, place);
  await bed.remove();
}

async function readAfterCommit(bed: work.Bed, place: work.Place): Promise<void> {
  await work.readOne(bed.database, "key_1");
  const rounds = Math.max(5, Math.round(200 * scale));
  let total = 0;
  for (let at = 0; at < rounds; at++) {
    await work.commitOne(bed.database, `read_${at}`, "value");
    const started = performance.now();
    await work.readOne(bed.database, "key_1");
    total += performance.now() - started;
  }
  report(`read one key right after a commit, ${place}`, 1000 * total / rounds, "µs");
}

async function against(): Promise<void> {
  const count = Math.max(50, Math.round(3000 * scale));
  const floor = await work.floor();
  const bed = await work.bed("sqlite");
  await work.commitMany(bed.database, 0, count);
  const bottom = await best(3, async () => {
    for (let at = 0; at < count; at++) await floor.step();
  });
  let next = count;
  const ours = await best(3, async () => {
    await work.commitMany(bed.database, next, count);
    next += count;
  });
  report("floor: sign + hash + insert, sqlite", count / bottom * 1000, "per s");
  report("commit, sqlite, × floor", ours / bottom, "×");
  await floor.remove();
  await bed.remove();
}

async function ingestion(): Promise<void> {
  const bed = await work.bed("memory");
  await work.commitMany(bed.database, 0, Math.max(100, Math.round(5000 * scale)));
  const encoded = (await bed.database.getAllEntries()).map((entry) => entry.bytes);
  await bed.remove();
  const decode = await best(3, () => {
    for (const bytes of encoded) Entry.decode(bytes);
  });
  report("decode", encoded.length / decode * 1000, "entries/s");
  const entries = encoded.map((bytes) => Entry.decode(bytes));
  const write = await best(3, () => {
    for (const entry of entries) work.encode(entry);
  });
  report("encode", encoded.length / write * 1000, "entries/s");
  const time = await best(1, async () => {
    await work.ingest(encoded.map((bytes) => Entry.decode(bytes)), 500);
  });
  report("verified ingest, sqlite, batches of 500", encoded.length / time * 1000, "entries/s");
}

await commits("memory");
await commits("sqlite");
await against();
await ingestion();
if (process.argv.includes("--json")) console.log(JSON.stringify(lines));
