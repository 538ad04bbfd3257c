/**
 * Kills a writing process again and again, and looks at what it leaves.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { DocStore, Instance, NewUser, Table } from "../../mod.ts";
import { forgetLogs } from "../helpers/old_heads.ts";
import { settled, withStorage } from "../helpers/shared.ts";
import { checkTrees } from "../helpers/store_check.ts";

/** After so many kills a new storage is begun, so that checks stay short. */
const RUNS_PER_STORAGE = 20;
/** One kill in so many comes while the process is still opening, or making, its instance. */
const EARLY_EVERY = 5;
/** Before one kill in so many the storage is made one of the version before arrival logs. */
const OLD_EVERY = 3;
/** Longest time that a process may commit before it is killed, in milliseconds. */
const MAX_COMMITTING_MS = 120;
/** A process that has acknowledged nothing for so long will never do, in milliseconds. */
const HANGS_AFTER_MS = 120_000;

/** What to do. */
export interface CrashOptions {
  /** Addresses of new storages. */
  readonly newUrl: () => Promise<string>;
  /** How many processes are killed. */
  readonly runs: number;
  /** Decides on the moments. */
  readonly seed: number;
  /** Is told after every run. */
  readonly progress?: (report: CrashReport) => void;
}

/** What was found; nothing of it is an error, since an error ends the runs. */
export interface CrashReport {
  /** Processes killed. */
  runs: number;
  /** Of these, before they had acknowledged anything. */
  early: number;
  /** Entries that were acknowledged, all of which were found. */
  acknowledged: number;
  /** Entries that were found though their process died before it could say so. */
  unacknowledged: number;
}

/** Kills and checks; throws at the first thing that is wrong. */
export async function crashRuns(options: CrashOptions): Promise<CrashReport> {
  const report: CrashReport = { runs: 0, early: 0, acknowledged: 0, unacknowledged: 0 };
  const random = generator(options.seed);
  let startupMs = 500;
  while (report.runs < options.runs) {
    const url = await options.newUrl();
    const told = new Set<string>();
    for (let at = 0; at < RUNS_PER_STORAGE && report.runs < options.runs; at++) {
      const before = told.size;
      const isEarly = at % EARLY_EVERY === 0;
      if (at % OLD_EVERY === 1) await withStorage(url, forgetLogs);
      startupMs = await kill(url, told, isEarly, random, startupMs);
      report.runs++;
      if (told.size === before) report.early++;
      await settled(url);
      await check(url, told);
      options.progress?.(report);
    }
    report.acknowledged += told.size;
    report.unacknowledged += await countOf(url) - told.size;
  }
  return report;
}

/** Starts a process and kills it at a random moment; returns how long it took to the first commit. */
async function kill(
  url: string,
  told: Set<string>,
  isEarly: boolean,
  random: () => number,
  startupMs: number,
): Promise<number> {
  const started = performance.now();
  const child = startWriter(url);
  const ended = new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_, signal) => resolve(signal));
  });
  const die = () => void child.kill("SIGKILL");
  const hangs = setTimeout(() => child.kill("SIGABRT"), HANGS_AFTER_MS);
  if (isEarly) setTimeout(die, random() * 1.2 * startupMs);
  let first: number | undefined;
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.length === ID_LENGTH) told.add(line);
    if (first !== undefined) continue;
    first = performance.now() - started;
    clearTimeout(hangs);
    setTimeout(die, random() * MAX_COMMITTING_MS);
  }
  clearTimeout(hangs);
  assert.equal(await ended, "SIGKILL", "the process ended by itself, or did nothing for long");
  return first ?? startupMs;
}

/** Length of the text of an ID: the last line may be torn. */
const ID_LENGTH = 59;

function startWriter(url: string): ChildProcess {
  const file = fileURLToPath(new URL("./writer_main.ts", import.meta.url));
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const options = "Deno" in globalThis
    ? ["run", "-A", "--no-check", "--no-lock", "--unstable-kv", "--config", config]
    : "Bun" in globalThis
    ? []
    : ["--disable-warning=ExperimentalWarning"];
  return spawn(process.execPath, [...options, file, url], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Opens what the process has left, checks all of it, and goes on with it. */
async function check(url: string, told: ReadonlySet<string>): Promise<void> {
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  try {
    await checkTrees(instance);
    const ada = user ?? await instance.loginUser("ada");
    const [database] = await ada.findDatabase("crash").catch(() => []);
    const entries = await database?.getAllEntries() ?? [];
    const held = new Set(entries.map(({ id }) => `${id}`));
    for (const id of told) assert.ok(held.has(id), `${id} was acknowledged and is lost`);
    if (database === undefined) return;
    const written = entries.filter(({ subtrees }) => subtrees.includes("pages")).length;
    const pages = await (await database.getStoreViewer(DocStore, "pages")).getAll();
    const rows = await (await database.getStoreViewer(Table, "log")).count();
    assert.deepEqual([pages.len(), rows], [written, written], "an entry is in one store only");
  } finally {
    await instance.close();
  }
}

async function countOf(url: string): Promise<number> {
  const instance = await Instance.connect(url);
  const ada = await instance.loginUser("ada");
  const [database] = await ada.findDatabase("crash").catch(() => []);
  const entries = await database?.getAllEntries() ?? [];
  await instance.close();
  return entries.filter(({ subtrees }) => subtrees.includes("pages")).length;
}

/** Numbers from 0 to 1 that a seed decides. */
function generator(seed: number): () => number {
  let state = seed % 2147483646 + 1;
  return () => (state = state * 48271 % 2147483647) / 2147483647;
}
