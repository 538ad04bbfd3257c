/**
 * The benchmarks on any runtime.
 *
 * ```text
 * --only NAME[,NAME]   suites, or groups
 * --quick              only tries whether everything runs
 * --large              also histories of 100,000 and a million entries
 * --json               results as one line of JSON, nothing else
 * ```
 *
 * @module
 */

import { cpus, totalmem } from "node:os";
import process from "node:process";
import type { Case, Figure } from "./case.ts";
import { SUITES } from "./suites/mod.ts";
import { timeGroup, type Timing } from "./timing.ts";

/** What a run has found. */
export interface Report {
  /** Runtime and version. */
  readonly runtime: string;
  /** Processor, cores and memory. */
  readonly machine: string;
  /** When, as an ISO date. */
  readonly date: string;
  /** Timed cases. */
  readonly timings: readonly Timing[];
  /** Counted figures. */
  readonly figures: readonly { group: string; name: string; unit: string; value: number }[];
}

const { argv } = process;
const isJson = argv.includes("--json");
const scope = { quick: argv.includes("--quick"), large: argv.includes("--large") };
const only = argv.includes("--only") ? argv[argv.indexOf("--only") + 1]!.split(",") : undefined;

function runtimeName(): string {
  const { deno, bun, node } = process.versions as Record<string, string>;
  return deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
}

function machineName(): string {
  const [first] = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `${first?.model.trim() ?? process.arch}, ${cpus().length} cores, ${gibibytes} GiB`;
}

function show(number: number): string {
  return number >= 100 ? Math.round(number).toLocaleString("en") : number.toPrecision(3);
}

function print(name: string, ...columns: string[]): void {
  if (!isJson) {
    console.log(`${name} `.padEnd(56) + columns.map((text) => text.padStart(16)).join(""));
  }
}

function printTiming({ name, unit, each, median, low, high, ratio }: Timing): void {
  const spread = `± ${((high - low) / 2 / median * 100).toFixed(0)} %`;
  const perSecond = `${show(1e6 * each / median)}/s`;
  print(
    `  ${name}`,
    `${show(median / each)} µs`,
    spread,
    perSecond,
    unit,
    ratio ? `× ${show(ratio)}` : "",
  );
}

function byGroup(cases: readonly Case[]): Map<string, Case[]> {
  const groups = new Map<string, Case[]>();
  for (const one of cases) groups.set(one.group, [...groups.get(one.group) ?? [], one]);
  return groups;
}

async function count({ group, name, unit, measure }: Figure): Promise<Report["figures"][number]> {
  const value = await measure();
  print(`${group}: ${name}`, `${show(value)} ${unit}`);
  return { group, name, unit, value };
}

const timings: Timing[] = [];
const figures: Report["figures"][number][] = [];
for (const make of SUITES) {
  const suite = make(scope);
  const isWanted = (group: string) =>
    only === undefined || only.includes(suite.name) || only.includes(group);
  for (const [group, cases] of byGroup(suite.cases ?? [])) {
    if (!isWanted(group)) continue;
    print(group);
    const found = await timeGroup(cases, scope);
    found.forEach(printTiming);
    timings.push(...found);
  }
  for (const figure of suite.figures ?? []) {
    if (isWanted(figure.group)) figures.push(await count(figure));
  }
}
const date = new Date().toISOString();
const report: Report = { runtime: runtimeName(), machine: machineName(), date, timings, figures };
if (isJson) console.log(JSON.stringify(report));
