/**
 * All benchmarks under `deno bench`: `deno task bench`, `deno task bench --filter commit`.
 *
 * @module
 */

import type { Case, Run } from "./case.ts";
import { SUITES } from "./suites/mod.ts";

const running = new Set<Run>();

function define(what: Case): void {
  let run: Promise<Run> | undefined;
  const { group, name, baseline } = what;
  Deno.bench(`${group}: ${name}`, { group, baseline }, async (bench) => {
    run ??= Promise.resolve(what.prepare());
    const made = await run;
    running.add(made);
    await made.before?.();
    bench.start();
    await made.step();
    bench.end();
  });
}

for (const suite of SUITES) suite({ quick: false, large: false }).cases?.forEach(define);

// Beds keep their files until the end.
globalThis.addEventListener("beforeunload", async () => {
  for (const run of running) await run.end?.();
});
