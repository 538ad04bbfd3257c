/**
 * One side of a pair that is killed at any moment: `kill_main.ts ROLE URL TICKET-OR-PORT`.
 *
 * The server shares a database that everybody may write, on a port that stays the same; the client joins it. Both
 * commit rows one after another and say which are durable. On `done` from outside they stop writing, bring
 * everything in step, and say what they hold.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { type Database, DocStore, Instance, NewUser } from "../../mod.ts";

const [role, url, where] = process.argv.slice(2) as [string, string, string];
const say = (text: string) => void process.stdout.write(`${text}\n`);
const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless(role));
const me = user ?? await instance.loginUser(role);
const sync = await instance.enableSync();

async function serve(): Promise<Database> {
  const db = await me.openOrCreateDatabase({ name: "pair" });
  await db.grant("everyone", "write");
  const server = await sync.serve({ port: Number(where) });
  await me.share(db);
  say(`ticket ${sync.createTicket(db)} ${server.address}`);
  return db;
}

async function join(): Promise<Database> {
  const [known] = await me.findDatabase("pair");
  return known ?? await me.join(where);
}

const db = role === "server" ? await serve() : await join();
let isOver = false;
createInterface({ input: process.stdin }).on("line", (line) => isOver ||= line === "done");
for (let at = 0; !isOver; at++) {
  const key = `${role}-${process.pid}-${at}`;
  await db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, at));
  say(`wrote ${key}`);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
if (role === "client") await sync.syncNow(db);
const doc = await (await db.getStoreViewer(DocStore, "s")).getAll();
say(`keys ${JSON.stringify([...doc.keys()])}`);
say(`tips ${JSON.stringify((await db.snapshot()).toJSON())}`);
say("end");
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "close") void instance.close().then(() => process.exit(0));
});
