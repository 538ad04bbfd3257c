/**
 * Daemons in another process, which ends with this one.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import process from "node:process";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import type { NewUser } from "../../mod.ts";
import { newPath } from "./shared.ts";

const MAIN = fileURLToPath(new URL("./daemon_main.ts", import.meta.url));

/** What one daemon is to be. */
interface Order {
  readonly path: string;
  readonly username: string;
  readonly password: string | undefined;
}

/** A process with as many daemons as are asked for. */
class DaemonProcess {
  readonly #child: ChildProcess;
  readonly #waiting: ((answer: string) => void)[] = [];

  constructor() {
    const flags = "Deno" in globalThis ? ["run", "-A"] : [];
    const stdio = ["pipe", "pipe", "inherit"] as const;
    this.#child = spawn(process.execPath, [...flags, MAIN], { stdio: [...stdio] });
    const lines = createInterface({ input: this.#child.stdout! });
    lines.on("line", (line) => this.#waiting.shift()?.(line));
    lines.on("close", () => this.#waiting.splice(0).forEach((answer) => answer("it has ended")));
  }

  async start(order: Order): Promise<void> {
    const answer = new Promise<string>((resolve) => this.#waiting.push(resolve));
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
    const said = await answer;
    if (said !== "serving") throw new Error(`The daemon did not start: ${said}`);
  }

  end(): void {
    this.#child.stdin!.end();
  }
}

let daemons: DaemonProcess | undefined;
// A process that waits for orders would keep this one alive for ever.
after(() => daemons?.end());

/** The address of a new daemon on an instance in memory with its first user. */
export async function newDaemon({ username, password }: NewUser): Promise<string> {
  daemons ??= new DaemonProcess();
  const path = newPath();
  await daemons.start({ path, username, password });
  return `unix://${path}`;
}
