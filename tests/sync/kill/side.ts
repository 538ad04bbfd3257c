import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createServer } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { RUNTIME } from "../../helpers/shared.ts";
import type { Role, Runtime } from "./plan.ts";

const MAIN = fileURLToPath(new URL("./side_main.ts", import.meta.url));
/** Ports that systems do not give to outgoing connections, which could take one while its owner is dead. */
const [FIRST_PORT, PORTS] = [15_000, 15_000];

const { findRuntime, runArguments } = await import(
  new URL("../../../scripts/runtimes.mjs", import.meta.url).href
) as {
  findRuntime(name: string): string | undefined;
  runArguments(name: string, file: string, args: readonly string[]): string[];
};

/** The executable of a runtime: this one, or one that is installed. */
export function executableOf(name: Runtime): string | undefined {
  return name === RUNTIME ? process.execPath : findRuntime(name);
}

/** What a side is told at its start. */
export interface SideOptions {
  readonly role: Role;
  readonly url: string;
  /** Where it serves; nowhere when there is none. */
  readonly port: number | undefined;
  readonly ticket?: string;
}

/** A process that may be killed and started again, with all that it ever said to be durable. */
export class Side {
  /** Keys of what it has acknowledged. */
  readonly durable: Set<string> = new Set();
  readonly #runtime: Runtime;
  #child: ChildProcessWithoutNullStreams | undefined;
  #isEnded = true;
  #unread = "";
  #errors = "";
  #lines: string[] = [];
  #waiting: (() => void)[] = [];

  /** A side that is not started yet. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Starts the process, again or for the first time. */
  start(options: SideOptions): void {
    [this.#unread, this.#errors, this.#lines, this.#isEnded] = ["", "", [], false];
    const args = runArguments(this.#runtime, MAIN, [JSON.stringify(options)]);
    const child = spawn(executableOf(this.#runtime)!, args);
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.#errors += text);
    // A process that was killed takes no more orders.
    child.stdin.on("error", () => {});
    child.on("close", () => {
      this.#isEnded = true;
      this.#wake();
    });
    this.#child = child;
  }

  #read(text: string): void {
    const lines = (this.#unread + text).split("\n");
    this.#unread = lines.pop()!;
    this.#lines.push(...lines);
    for (const line of lines) if (line.startsWith("wrote ")) this.durable.add(line.slice(6));
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Waits until something is so; fails when the process ends before. */
  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#isEnded) throw new Error(`It has ended before it said ${what}: ${this.#errors}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The rest of the first line since the start that begins so. */
  async line(start: string): Promise<string> {
    const line = await this.#until(start, () => this.#lines.find((it) => it.startsWith(start)));
    return line.slice(start.length).trim();
  }

  /** Waits until it has acknowledged so many entries more. */
  async more(count: number): Promise<void> {
    const enough = this.durable.size + count;
    await this.#until("wrote", () => this.durable.size >= enough || undefined);
  }

  /** Gives it an order, and waits for the answer. */
  async ask(order: string): Promise<string> {
    this.#lines = [];
    this.#child!.stdin.write(`${order}\n`);
    return await this.line(`${order} `);
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    if (this.#isEnded) return;
    const ended = new Promise((resolve) => this.#child!.once("close", resolve));
    this.#child!.kill("SIGKILL");
    await ended;
  }
}

/** A port on which nobody listens, and that nothing gets by chance. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
