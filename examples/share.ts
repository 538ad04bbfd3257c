/**
 * Two processes share a database by a ticket: one serves, the other joins, writes, and ends; the first one has it.
 *
 * Started without arguments it is the first, and starts the second with the ticket.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Instance, NewUser, Table } from "../mod.ts";

interface Task {
  title: string;
}
const Tasks = Table.of<Task>();
const ticket = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), "eidetica-share-"));
const url = `sqlite://${join(folder, "node.db")}`;
const name = ticket === undefined ? "ada" : "bob";
const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless(name));
const sync = await instance.enableSync();

if (ticket === undefined) {
  const tasks = await user!.createDatabase({ name: "tasks" });
  await tasks.grant("everyone", "write");
  await tasks.withTransaction(async (tx) => {
    await (await tx.getStore(Tasks, "tasks")).insert({ title: "Buy milk" });
  });
  await sync.serve();
  const before = "Deno" in globalThis ? ["run", "-A", "--no-lock"] : [];
  const second = spawn(
    process.execPath,
    [...before, fileURLToPath(import.meta.url), `${await user!.share(tasks)}`],
    { stdio: "inherit" },
  );
  const status = await new Promise((resolve) => second.once("close", resolve));
  const all = await (await tasks.getStoreViewer(Tasks, "tasks")).search(() => true);
  console.log("Ada has:", all.map(([, task]) => task.title).sort().join(", "));
  if (status !== 0 || all.length !== 2) throw new Error("the second process has not delivered");
} else {
  const tasks = await user!.join(ticket);
  const all = await (await tasks.getStoreViewer(Tasks, "tasks")).search(() => true);
  console.log("Bob has:", all.map(([, task]) => task.title).join(", "));
  await tasks.withTransaction(async (tx) => {
    await (await tx.getStore(Tasks, "tasks")).insert({ title: "Call Ada" });
  });
  await sync.flush();
}
await instance.close();
rmSync(folder, { recursive: true, force: true });
