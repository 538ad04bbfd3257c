import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RUNTIME } from "../helpers/shared.ts";
import { ALONE, skip } from "../transport/iroh_bed.ts";
import { lastingPort } from "./kill/side.ts";
import { arrives, get, put, withNodes } from "./live_bed.ts";

const MAIN = fileURLToPath(new URL("./iroh_main.ts", import.meta.url));

const { runArguments } = await import(
  new URL("../../scripts/runtimes.mjs", import.meta.url).href
) as { runArguments(name: string, file: string, args: readonly string[]): string[] };

/** A node in a process of its own. */
interface Other {
  readonly process: ChildProcess;
  readonly ticket: string;
  order(line: string): void;
  /** Resolves with the code with which the process ends. */
  readonly ended: Promise<number | null>;
}

async function start(options: object): Promise<Other> {
  const args = runArguments(RUNTIME, MAIN, [JSON.stringify(options)]);
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const ticket = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("ticket ")) resolve(line.slice("ticket ".length));
    });
    void ended.then(() => reject(new Error("it has ended before it said its ticket")));
  });
  return { process: child, ticket, ended, order: (line) => void child.stdin.write(`${line}\n`) };
}

describe("two processes that exchange over Iroh", () => {
  it(
    "one that is killed comes back with the same identity, and nothing is lost; one that is closed ends",
    {
      skip,
    },
    () =>
      withNodes(async (nodes) => {
        const folder = mkdtempSync(join(tmpdir(), "eidetica-iroh-"));
        const options = { url: `sqlite://${folder}/home.db`, port: await lastingPort() };
        let home: Other | undefined;
        try {
          home = await start(options);
          const away = await nodes.node(ALONE);
          const copy = await away.user.join(home.ticket);
          home.order("put early 1");
          await arrives(copy, "early", "1");
          const { ticket } = home;
          home.process.kill("SIGKILL");
          await home.ended;
          home = await start(options);
          assert.equal(home.ticket, ticket);
          // Whoever was connected hears of it when QUIC gives up, after 30 seconds; others are not kept waiting.
          const other = await nodes.node(ALONE);
          const late = await other.user.join(ticket);
          assert.equal(await get(late, "early"), "1");
          await put(late, "back", "2");
          await other.sync.flush();
          home.order("put late 3");
          await arrives(late, "late", "3");
          home.process.stdin!.end();
          assert.equal(await home.ended, 0);
        } finally {
          home?.process.kill("SIGKILL");
          rmSync(folder, { recursive: true, force: true });
        }
      }),
  );
});
