import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../transport/bed.ts";

/** How often each side is killed; `EIDETICA_THOROUGH` makes it more. */
const KILLS = 2 * Number(process.env["EIDETICA_THOROUGH"] ?? 1);

const MAIN = fileURLToPath(new URL("./kill_main.ts", import.meta.url));

/** A side that may be killed and started again, with all that it ever said to be durable. */
class Side {
  readonly durable = new Set<string>();
  readonly #role: string;
  readonly #url: string;
  #process: ChildProcessWithoutNullStreams | undefined;
  #said = "";
  #lines: string[] = [];
  #wake = () => {};

  constructor(role: string, url: string) {
    this.#role = role;
    this.#url = url;
  }

  start(where: string): void {
    const before = "Deno" in globalThis
      ? ["run", "-A", "--no-lock", "--no-check"]
      : "Bun" in globalThis
      ? []
      : ["--disable-warning=ExperimentalWarning"];
    this.#lines = [];
    this.#said = "";
    const child = spawn(process.execPath, [...before, MAIN, this.#role, this.#url, where]);
    child.stdout.on("data", (chunk) => this.#hear(String(chunk)));
    child.stderr.on("data", (chunk) => this.#hear(`\nerror ${chunk}`));
    this.#process = child;
  }

  #hear(text: string): void {
    const parts = (this.#said + text).split("\n");
    this.#said = parts.pop()!;
    for (const line of parts) {
      if (line.startsWith("wrote ")) this.durable.add(line.slice(6));
      this.#lines.push(line);
    }
    this.#wake();
  }

  /** The first line that begins so. */
  async line(start: string): Promise<string> {
    for (;;) {
      const found = this.#lines.find((line) => line.startsWith(start));
      if (found !== undefined) return found.slice(start.length);
      const error = this.#lines.find((line) => line.startsWith("error "));
      if (this.#process!.exitCode !== null) throw new Error(`${this.#role} has ended: ${error}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  say(line: string): void {
    this.#process!.stdin.write(`${line}\n`);
  }

  async kill(): Promise<void> {
    const child = this.#process!;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
  }
}

describe("two processes that are killed", () => {
  for (const storage of ["sqlite", "file"]) {
    it(`lose nothing that either has called durable, and come to the same, on ${storage}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "eidetica-kill-"));
      const urlOf = (name: string) =>
        storage === "sqlite" ? `sqlite://${folder}/${name}.db` : `file://${folder}/${name}`;
      const server = new Side("server", urlOf("server"));
      const client = new Side("client", urlOf("client"));
      const port = String(await freePort());
      try {
        server.start(port);
        const [ticket] = (await server.line("ticket ")).split(" ");
        client.start(ticket!);
        await client.line("wrote ");
        for (let kill = 0; kill < KILLS; kill++) {
          await client.kill();
          client.start(ticket!);
          await client.line("wrote ");
          await server.kill();
          server.start(port);
          await server.line("wrote ");
        }
        server.say("done");
        await server.line("end");
        client.say("done");
        await client.line("end");
        const keys = new Set(JSON.parse(await client.line("keys ")) as string[]);
        for (const key of [...server.durable, ...client.durable]) assert.ok(keys.has(key), key);
        assert.ok(server.durable.size > 0 && client.durable.size > 0);
      } finally {
        await client.kill();
        await server.kill();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
