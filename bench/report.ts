/**
 * Measures suites as the command line asks for, prints what it finds, and reports it.
 *
 * @module
 */

import { cpus, totalmem } from "node:os";
import process from "node:process";
import type { Case, Figure, Scope, Suite } from "./case.ts";
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
  readonly figures: readonly Found[];
}

/** A figure that was found. */
export interface Found {
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  readonly value: number;
}

const { argv } = process;
const only = argv.includes("--only") ? argv[argv.indexOf("--only") + 1]!.split(",") : undefined;

/** Whether only JSON is to be printed. */
export const isJson: boolean = argv.includes("--json");

/** How much is to be measured. */
export const scope: Scope = { quick: argv.includes("--quick"), large: argv.includes("--large") };

/** Name and version of this runtime. */
export function runtimeName(): string {
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

/** Prints a line of the table, unless JSON is wanted. */
export function print(name: string, ...columns: string[]): void {
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

async function count({ group, name, unit, measure }: Figure): Promise<Found> {
  const value = await measure();
  print(`${group}: ${name}`, `${show(value)} ${unit}`);
  return { group, name, unit, value };
}

async function measureSuite(suite: Suite, timings: Timing[], figures: Found[]): Promise<void> {
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

/** Measures the suites. */
export async function measure(suites: readonly ((scope: Scope) => Suite)[]): Promise<Report> {
  const timings: Timing[] = [];
  const figures: Found[] = [];
  for (const make of suites) await measureSuite(make(scope), timings, figures);
  const date = new Date().toISOString();
  return { runtime: runtimeName(), machine: machineName(), date, timings, figures };
}
