import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after } from "node:test";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A folder of its own for one test file, removed after its tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-storage-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a script of `fixtures/` with the runtime that runs the tests. */
export function startChild(script: string, ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(`./fixtures/${script}`, import.meta.url));
  const isDeno = "deno" in process.versions;
  const options = isDeno
    ? ["run", "-A", "--no-check", "--no-lock", "--unstable-kv"]
    : "bun" in process.versions
    ? []
    : ["--disable-warning=ExperimentalWarning"];
  return spawn(process.execPath, [...options, path, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
}

/** Resolves with the exit code of a child; null when a signal has ended it. */
export function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}

/** Runs a script to its end and fails unless it ends well within `timeoutMs`. */
export async function runChild(
  timeoutMs: number,
  script: string,
  ...args: string[]
): Promise<void> {
  const child = startChild(script, ...args);
  child.stdout!.resume();
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const code = await exitCode(child);
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
}

function isReady({ stdout }: ChildProcess): Promise<unknown> {
  return new Promise((done) => stdout!.once("data", done));
}

/** Runs several at once, and lets them go when all have said that they are ready. */
export async function runTogether(scripts: ChildProcess[]): Promise<void> {
  const codes = Promise.all(scripts.map(exitCode));
  await Promise.race([Promise.all(scripts.map(isReady)), Promise.any(scripts.map(exitCode))]);
  for (const { stdin } of scripts) stdin!.end("go\n");
  const failed = (await codes).filter((code) => code !== 0);
  if (failed.length > 0) throw new Error(`${failed.length} processes ended with ${failed}`);
}

/** Reads the lines of a child, kills it with SIGKILL after `count` of them, and returns all. */
export async function killAfterLines(child: ChildProcess, count: number): Promise<string[]> {
  const lines: string[] = [];
  const ended = exitCode(child);
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line);
    if (lines.length === count) child.kill("SIGKILL");
  }
  await ended;
  return lines;
}

/** Waits for something that only timers announce which do not keep a process alive. */
export async function awake<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 1000);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}
