/**
 * A program that ingests a history on one core: it verifies in place, as on a machine with one processor.
 *
 * ```text
 * one_core.ts ENGINE ENTRIES ROUNDS BATCH    prints { "elapsed": …, "cpu": … }
 * ```
 *
 * Both are entries per second, of the middle round: by the clock, and by the processor time of the whole
 * process, to which the runtime's own threads add (compiler, garbage collection).
 *
 * @module
 */

import process from "node:process";
import { ready } from "../mod.ts";
import { bed } from "./bed.ts";
import { quantile } from "./timing.ts";
import { encodedHistory, ingestInto } from "./workloads.ts";

// Threads for signatures are as many as the host says that there are processors.
Object.defineProperty(navigator, "hardwareConcurrency", { value: 1 });

const [engine, entries, rounds, batch] = process.argv.slice(2);
await ready({ engine: engine as "wasm" | "native" });
const encoded = await encodedHistory(Number(entries));
const elapsed: number[] = [];
const cpu: number[] = [];

async function round(): Promise<void> {
  const target = await bed("sqlite");
  const [started, used] = [performance.now(), process.cpuUsage()];
  await ingestInto(target, encoded, Number(batch));
  elapsed.push(performance.now() - started);
  const { user, system } = process.cpuUsage(used);
  cpu.push((user + system) / 1000);
  await target.remove();
}

function perSecond(millis: number[]): number {
  // The first round warms up.
  const sorted = millis.slice(1).sort((a, b) => a - b);
  return encoded.length / quantile(sorted, 0.5) * 1000;
}

for (let left = Number(rounds) + 1; left > 0; left--) await round();
console.log(JSON.stringify({ elapsed: perSecond(elapsed), cpu: perSecond(cpu) }));
