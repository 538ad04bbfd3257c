/**
 * Two programs use one instance at once: a daemon owns the storage, and both work through its socket as if it were
 * their own.
 *
 * Started without arguments it is the daemon and the first program, and starts the second one.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Instance, NewUser, Table } from "../mod.ts";
import { serveSocket } from "../src/service/edge/mod.ts";

interface Task {
  title: string;
}
const Tasks = Table.of<Task>();

/** A program: logs in at the daemon, reads what is there, and adds a task. */
async function program(url: string, title: string): Promise<void> {
  const instance = await Instance.connect(url);
  const user = await instance.loginUser("ada");
  const tasks = await user.openOrCreateDatabase({ name: "tasks" });
  const before = await (await tasks.getStoreViewer(Tasks, "tasks")).search(() => true);
  console.log(`"${title}" comes after`, before.map(([, task]) => task.title));
  await tasks.withTransaction(async (tx) => {
    await (await tx.getStore(Tasks, "tasks")).insert({ title });
  });
  await instance.close();
}

async function daemon(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-daemon-"));
  const url = `sqlite://${join(folder, "node.db")}`;
  const { instance } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const path = process.platform === "win32"
    ? `\\\\.\\pipe\\eidetica-${process.pid}`
    : join(folder, "eidetica.sock");
  const service = await serveSocket(instance, { path });
  await program(`unix://${service.path}`, "Buy milk");
  await another(`unix://${service.path}`);
  await service.close();
  const [tasks] = await (await instance.loginUser("ada")).findDatabase("tasks");
  const all = await (await tasks!.getStoreViewer(Tasks, "tasks")).search(() => true);
  console.log("The daemon holds", all.map(([, task]) => task.title).sort());
  if (all.length !== 2) throw new Error("a program has not delivered");
  await instance.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The second program, in a process of its own. */
async function another(url: string): Promise<void> {
  const before = "Deno" in globalThis ? ["run", "-A", "--no-lock"] : [];
  const args = [...before, fileURLToPath(import.meta.url), url];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  const status = await new Promise((resolve) => child.once("close", resolve));
  if (status !== 0) throw new Error("the second program has failed");
}

const [url] = process.argv.slice(2);
if (url === undefined) await daemon();
else await program(url, "Call Bob");
