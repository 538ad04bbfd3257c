/**
 * What a bootstrap over HTTP takes of memory on both sides, which are processes of their own with SQLite files:
 * `bootstrap_memory.ts [ENTRIES] [WARM] [PACKAGE]`. Linux alone tells, and forgets, the peak of another process.
 *
 * ```text
 * { "entries": 100000, "ms": …, "server": { "started": …, "idle": …, "peak": … }, "client": … }    in MiB
 * ```
 *
 * `started` is after the start; `idle` after a smaller bootstrap of WARM entries, so that all code is there, threads run
 * and caches are in use; `peak` is the most during the bootstrap of ENTRIES.
 *
 * Node strips types with a compiler of its own in every thread, some 20 MiB each, which the package on npm does not take: to
 * measure that, `npm run build` first, and name `dist/node/mod.js` as PACKAGE.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Database, User } from "../mod.ts";
import { bed, temporaryFolder } from "./bed.ts";
import { commitMany } from "./workloads.ts";

/** How long a process has been idle when its memory is read, in milliseconds. */
const IDLE_MS = 3000;
/** Keys that are written again and again. */
const KEYS = 1000;

/** Mebibytes of memory that a process has in use. */
interface Memory {
  readonly started: number;
  readonly idle: number;
  readonly peak: number;
}

/** A process, and its lines. */
class Side {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(...args: readonly string[]) {
    const file = fileURLToPath(new URL("./bootstrap_side.ts", import.meta.url));
    const before = "Deno" in globalThis ? ["run", "-A", "--no-lock"] : process.execArgv;
    this.#child = spawn(process.execPath, [...before, file, eidetica, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** Its next line. */
  async line(): Promise<string> {
    return (await this.#lines.next()).value;
  }

  /** Has it take its next step; its answer. */
  async step(): Promise<string> {
    this.#child.stdin!.write("\n");
    return await this.line();
  }

  /** What it has in use; its peak is counted from now on. */
  idle(): number {
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, "5");
    return this.#memory("VmRSS");
  }

  /** The most that it had in use. */
  peak(): number {
    return this.#memory("VmHWM");
  }

  #memory(field: string): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Math.round(Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)![1]) / 1024);
  }

  end(): void {
    this.#child.stdin!.end();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function fill(database: Database, count: number): Promise<void> {
  await database.grant("everyone", "read");
  for (let left = count; left > 0; left -= KEYS) {
    await commitMany(database, 0, Math.min(left, KEYS));
  }
}

/** A closed storage with both databases. */
async function source(entries: number, warm: number): Promise<string> {
  const { instance, database, folder } = await bed("sqlite");
  const user: User = await instance.loginUser("bench_user");
  await fill(database, entries);
  await fill(await user.createDatabase({ name: "warm" }), warm);
  await instance.close();
  return folder;
}

/** Lets one process join what another one serves; the memory of both, and how long it took. */
async function bootstrap(served: string, empty: string) {
  const server = new Side(served);
  const client = new Side(empty, ...(await server.line()).split(" "));
  const sides = { server, client };
  await client.line();
  const of = <T>(look: (side: Side) => T) =>
    Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, look(side)]));
  await pause(IDLE_MS);
  const started = of((side) => side.idle());
  await client.step();
  await pause(IDLE_MS);
  const idle = of((side) => side.idle());
  const [ms, entries] = (await client.step()).split(" ").map(Number);
  const peak = of((side) => side.peak());
  of((side) => side.end());
  const memory = (name: string): Memory => {
    return { started: started[name]!, idle: idle[name]!, peak: peak[name]! };
  };
  return { entries, ms, server: memory("server"), client: memory("client") };
}

const [large, small, built] = process.argv.slice(2);
const entries = Number(large ?? 100_000);
const warm = Number(small ?? entries / 5);
/** The package that both sides import. */
const eidetica = built === undefined
  ? new URL("../mod.ts", import.meta.url).href
  : pathToFileURL(built).href;
const served = await source(entries, warm);
const { folder, remove } = temporaryFolder();
console.log(JSON.stringify(await bootstrap(served, folder)));
remove();
rmSync(served, { recursive: true, force: true });
