/**
 * Times cases anywhere: a group in turns, sample by sample, medians with their spread.
 *
 * @module
 */

import type { Case, Run, Scope } from "./case.ts";

/** A timed case. Times are of one step, in microseconds. */
export interface Timing {
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  readonly each: number;
  /** Median of the samples. */
  readonly median: number;
  /** Lower and upper quartile. */
  readonly low: number;
  readonly high: number;
  /** The best sample: what the machine can do when nothing disturbs it. */
  readonly best: number;
  /** How many samples there are. */
  readonly samples: number;
  /** Median of the ratios to the baseline for one of the unit, sample by sample, where the group has one. */
  readonly ratio?: number;
}

/** How long a sample takes at least, in milliseconds. */
const SAMPLE_MS = 25;
const MAX_SAMPLES = 21;
/** How long the samples of a case take in all, about, in milliseconds. */
const CASE_MS = 1500;

interface Prepared {
  readonly what: Case;
  readonly run: Run;
  /** Steps in a sample. */
  count: number;
  /** Milliseconds spent on samples, with what is done before steps. */
  spent: number;
  readonly times: number[];
}

/** Milliseconds that `count` steps take. */
async function sample(prepared: Prepared, count: number): Promise<number> {
  const started = performance.now();
  const { run } = prepared;
  const time = await (run.before === undefined ? allSteps(run, count) : stepByStep(run, count));
  prepared.spent += performance.now() - started;
  return time;
}

async function allSteps(run: Run, count: number): Promise<number> {
  const started = performance.now();
  for (let at = 0; at < count; at++) {
    const result = run.step();
    // A step that is not asynchronous is not made so.
    if (result instanceof Promise) await result;
  }
  return performance.now() - started;
}

async function stepByStep(run: Run, count: number): Promise<number> {
  let total = 0;
  for (let at = 0; at < count; at++) {
    await run.before!();
    const started = performance.now();
    await run.step();
    total += performance.now() - started;
  }
  return total;
}

/** Warms a case up, and chooses how many steps make a sample. */
async function calibrate(prepared: Prepared, scope: Scope): Promise<void> {
  let count = 1;
  for (let spent = await spentOn(prepared, 1); spent < SAMPLE_MS && !scope.quick;) {
    const wanted = Math.ceil(count * SAMPLE_MS / spent);
    count = Math.max(count + 1, Math.min(count * 4, wanted));
    spent = await spentOn(prepared, count);
  }
  prepared.count = count;
  prepared.spent = 0;
}

async function spentOn(prepared: Prepared, count: number): Promise<number> {
  const before = prepared.spent;
  await sample(prepared, count);
  // A clock may be too coarse to see a single step.
  return Math.max(prepared.spent - before, 1e-3);
}

/** Times the cases of one group in turns. */
export async function timeGroup(cases: readonly Case[], scope: Scope): Promise<Timing[]> {
  const all: Prepared[] = [];
  try {
    for (const what of cases) {
      all.push({ what, run: await what.prepare(), count: 1, spent: 0, times: [] });
    }
    for (const prepared of all) await calibrate(prepared, scope);
    for (let round = 0; round < MAX_SAMPLES; round++) {
      for (const prepared of all) await take(prepared, scope);
    }
  } finally {
    for (const { run } of all) await run.end?.();
  }
  const baseline = all.find(({ what }) => what.baseline === true);
  return all.map((prepared) => summary(prepared, baseline));
}

async function take(prepared: Prepared, scope: Scope): Promise<void> {
  const { what, times, count, spent } = prepared;
  const most = scope.quick ? 1 : what.samples ?? MAX_SAMPLES;
  // A case that takes long gets fewer samples, but never less than three.
  if (times.length >= most || (times.length >= 3 && spent > CASE_MS)) return;
  times.push(await sample(prepared, count) / count * 1000);
}

function summary({ what, times }: Prepared, baseline: Prepared | undefined): Timing {
  const sorted = [...times].sort((a, b) => a - b);
  const { group, name, unit, each = 1 } = what;
  const ratios = baseline === undefined || baseline.what === what
    ? []
    : times.slice(0, baseline.times.length).map((time, at) => {
      return time / each / (baseline.times[at]! / (baseline.what.each ?? 1));
    });
  return {
    group,
    name,
    unit,
    each,
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    best: sorted[0]!,
    samples: sorted.length,
    ...(ratios.length > 0 ? { ratio: quantile(ratios.sort((a, b) => a - b), 0.5) } : {}),
  };
}

/** A quantile of sorted numbers. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}
