/**
 * Clients of a daemon in another process, for workloads.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Database, type ID, Instance } from "../mod.ts";
import { temporaryFolder } from "./bed.ts";

/** A daemon, and how to get rid of it. */
export interface Daemon {
  /** Connects a client, and opens the database with this root, or a new one. */
  open(root?: ID): Promise<Database>;
  /** Closes all clients, and ends the daemon. */
  remove(): Promise<void>;
}

/** Starts a daemon. */
export async function startDaemon(): Promise<Daemon> {
  const { folder, remove: removeFolder } = temporaryFolder();
  const path = join(folder, "daemon.sock");
  const file = fileURLToPath(new URL("./daemon_side.ts", import.meta.url));
  const before = "Deno" in globalThis ? ["run", "-A", "--no-lock"] : [];
  const child = spawn(process.execPath, [...before, file, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout!, "data");
  const clients: Instance[] = [];
  return {
    async open(root?: ID): Promise<Database> {
      const instance = await Instance.connect(`unix://${path}`);
      clients.push(instance);
      const user = await instance.loginUser("bench_user");
      return root === undefined
        ? await user.createDatabase({ name: "bench" })
        : await user.openDatabase(root);
    },
    async remove(): Promise<void> {
      for (const client of clients) await client.close();
      const ended = once(child, "close");
      child.stdin!.end();
      await ended;
      removeFolder();
    },
  };
}
