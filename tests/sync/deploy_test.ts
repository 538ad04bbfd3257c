/** The relay of `deploy/deno`, as several isolates on one Deno KV. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Database } from "../../mod.ts";
import { DatabaseTicket } from "../../src/sync/ticket.ts";
import { freePort } from "../transport/bed.ts";
import { arrives, madeBy, put, withNodes } from "./live_bed.ts";

const ISOLATES = 3;
const CLIENTS = 5;

/** Starts the relay; resolves when it listens. */
async function start(folder: string, port: number): Promise<ChildProcess> {
  const main = fileURLToPath(new URL("../../deploy/deno/main.ts", import.meta.url));
  const flags = ["--parallel", "--unstable-kv", "-A", "--no-check", "--no-lock"];
  const where = ["--host", "127.0.0.1", "--port", String(port)];
  const env = {
    ...process.env,
    DENO_JOBS: String(ISOLATES),
    RELAY_STORAGE: `denokv:${join(folder, "relay.db")}`,
  };
  const child = spawn(process.execPath, ["serve", ...flags, ...where, main], {
    env,
    stdio: "pipe",
  });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on("data", (chunk) => {
        said += chunk;
        if (said.includes("Listening on")) resolve();
      });
    }
    child.on("close", () => reject(new Error(`the relay has ended\n${said}`)));
  });
  return child;
}

async function withRelay(test: (address: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-relay-"));
  const port = await freePort();
  const child = await start(folder, port);
  const ended = new Promise((resolve) => child.on("close", resolve));
  try {
    await test(`127.0.0.1:${port}`);
  } finally {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the relay of deploy/deno", () => {
  it("clients at several isolates on one Deno KV see each other's commits live", async (t) => {
    if (!("deno" in process.versions)) return t.skip("it runs on Deno");
    await withRelay((address) =>
      withNodes(async (nodes) => {
        const relay = { transportType: "http", address };
        const ada = await nodes.node();
        const db = await madeBy(ada);
        await (await ada.sync.follow(db, { peers: [relay] })).synced();
        const copies: Database[] = [];
        for (let n = 0; n < CLIENTS; n++) {
          const { user } = await nodes.node();
          copies.push(await user.join(new DatabaseTicket(db.rootId, [relay])));
        }
        await put(db, "all", "of ada");
        await Promise.all(copies.map((copy) => arrives(copy, "all", "of ada")));
        for (const [n, copy] of copies.entries()) await put(copy, `k${n}`, `of ${n}`);
        for (const other of [db, ...copies]) {
          await Promise.all(copies.map((_, n) => arrives(other, `k${n}`, `of ${n}`)));
        }
      })
    );
  });
});
