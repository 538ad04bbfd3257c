/**
 * The `eidetica` command in processes of its own, on the runtime that runs the tests.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../bin/eidetica", import.meta.url));

/** What Node has compiled before, for all runs of the tests. */
const CACHE = join(tmpdir(), `eidetica-cli-cache-${process.getuid?.() ?? ""}`);
mkdirSync(CACHE, { recursive: true, mode: 0o700 });

/** How many processes run at once. */
const AT_ONCE = 3;

/** The arguments by which the runtime of this process runs the command. */
export const COMMAND_LINE: readonly string[] = [
  ..."Deno" in globalThis ? ["run", "--quiet", "-A", "--no-lock"] : [],
  COMMAND,
];

/** What a process has said. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process is begun. */
export interface Begin {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Whether more input is to come, which is written to `child.stdin`. */
  readonly staysOpen?: boolean;
}

/** The environment of a child: nothing of ours but what a runtime needs. */
function environment(env: Readonly<Record<string, string>>): Record<string, string> {
  const { PATH = "", HOME = "", DENO_DIR } = process.env;
  return {
    PATH,
    HOME,
    XDG_CACHE_HOME: CACHE,
    ...DENO_DIR === undefined ? {} : { DENO_DIR },
    ...env,
  };
}

/** Commands that run now, with their folders. */
const running = new Map<Running, string>();

/** A command that runs. */
export class Running {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #closed: Promise<unknown[]>;

  constructor(words: readonly string[], { cwd, env = {}, input, staysOpen }: Begin) {
    this.child = spawn(process.execPath, [...COMMAND_LINE, ...words], {
      cwd,
      env: environment(env),
      stdio: "pipe",
    });
    this.#closed = once(this.child, "close");
    running.set(this, cwd);
    void this.#closed.finally(() => running.delete(this));
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => this.stdout += text);
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => this.stderr += text);
    this.child.stdin!.on("error", () => undefined);
    this.child.stdin!.write(input ?? "");
    if (!staysOpen) this.child.stdin!.end();
  }

  /** Waits until standard output has a text; fails when the process ends before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    return await this.#has(pattern, this.child.stdout!, () => this.stdout);
  }

  /** As {@link until}, for standard error. */
  async errors(pattern: RegExp): Promise<RegExpExecArray> {
    return await this.#has(pattern, this.child.stderr!, () => this.stderr);
  }

  async #has(pattern: RegExp, stream: Readable, text: () => string): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(text());
      if (found !== null) return found;
      const more = once(stream, "data").then(() => true);
      if (await Promise.race([more, this.#closed.then(() => false)])) continue;
      throw new Error(`It has ended without ${pattern}\n${this.stdout}${this.stderr}`);
    }
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals): Promise<Outcome> {
    // Deno takes a child for killed when `child.kill` was called, however it has ended.
    process.kill(this.child.pid!, signal);
    return await this.ended();
  }

  /** Waits for the end. */
  async ended(): Promise<Outcome> {
    const [code] = await this.#closed as [number | null];
    return { code, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs a command to its end. */
export async function eidetica(words: readonly string[], begin: Begin): Promise<Outcome> {
  return await new Running(words, begin).ended();
}

/** Does something for each item, a few at a time. */
export async function fewAtOnce<T>(
  items: Iterable<T>,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** An empty folder as long as `act` works. */
export async function inFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-cli-"));
  try {
    return await act(folder);
  } finally {
    // A test that has failed leaves its servers behind.
    for (const [{ child }, cwd] of running) if (cwd === folder) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}
