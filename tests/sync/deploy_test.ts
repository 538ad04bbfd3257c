/** The relay of `deploy/deno`, as several isolates on one Deno KV. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Database } from "../../mod.ts";
import type { Address } from "../../src/transport/port.ts";
import { DatabaseTicket } from "../../src/sync/ticket.ts";
import { freePort } from "../transport/bed.ts";
import { arrives, madeBy, type Nodes, put, withNodes } from "./live_bed.ts";

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

/** A relay that can be killed and started again on the same storage. */
class Deployed {
  readonly #folder = mkdtempSync(join(tmpdir(), "eidetica-relay-"));
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<Deployed> {
    const relay = new Deployed(await freePort());
    await relay.start();
    return relay;
  }

  get address(): Address {
    return { transportType: "http", address: `127.0.0.1:${this.#port}` };
  }

  async start(): Promise<void> {
    this.#child = await start(this.#folder, this.#port);
  }

  async kill(): Promise<void> {
    const child = this.#child!;
    const ended = new Promise((resolve) => child.on("close", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function withRelay(test: (relay: Deployed, nodes: Nodes) => Promise<void>): Promise<void> {
  const relay = await Deployed.start();
  try {
    await withNodes((nodes) => test(relay, nodes));
  } finally {
    await relay.close();
  }
}

describe("the relay of deploy/deno", () => {
  it("clients at several isolates on one Deno KV see each other's commits live", async (t) => {
    if (!("deno" in process.versions)) return t.skip("it runs on Deno");
    await withRelay(async (relay, nodes) => {
      const ada = await nodes.node();
      const db = await madeBy(ada);
      await (await ada.sync.follow(db, { peers: [relay.address] })).synced();
      const copies: Database[] = [];
      for (let n = 0; n < CLIENTS; n++) {
        const { user } = await nodes.node();
        copies.push(await user.join(new DatabaseTicket(db.rootId, [relay.address])));
      }
      await put(db, "all", "of ada");
      await Promise.all(copies.map((copy) => arrives(copy, "all", "of ada")));
      for (const [n, copy] of copies.entries()) await put(copy, `k${n}`, `of ${n}`);
      for (const other of [db, ...copies]) {
        await Promise.all(copies.map((_, n) => arrives(other, `k${n}`, `of ${n}`)));
      }
    });
  });

  it("that is killed and begins again loses nothing, and clients go on by themselves", async (t) => {
    if (!("deno" in process.versions)) return t.skip("it runs on Deno");
    await withRelay(async (relay, nodes) => {
      const [ada, bob] = [await nodes.node(), await nodes.node()];
      const db = await madeBy(ada);
      await (await ada.sync.follow(db, { peers: [relay.address] })).synced();
      const copy = await bob.user.join(new DatabaseTicket(db.rootId, [relay.address]));
      await put(db, "before", "1");
      await ada.sync.flush();
      await relay.kill();
      await put(db, "while", "2");
      await put(copy, "too", "3");
      await relay.start();
      await arrives(copy, "before", "1");
      await arrives(copy, "while", "2");
      await arrives(db, "too", "3");
      await put(db, "after", "4");
      await arrives(copy, "after", "4");
    });
  });
});
