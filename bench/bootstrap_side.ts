/**
 * One side of a bootstrap over HTTP in two processes: `bootstrap_side.ts PACKAGE FOLDER [TICKETS]`. PACKAGE is the module to
 * measure: `mod.ts`, or what `npm run build` has made of it.
 *
 * Without tickets it serves the databases in the folder and prints their tickets; with some it joins one after the other.
 * For each line that it is sent it joins the next one, and prints how many milliseconds that took and how many entries it has.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import type { LocalBackend } from "../src/backend/local.ts";

const [eidetica, folder, ...tickets] = process.argv.slice(2) as [string, string, ...string[]];
const { Instance, NewUser }: typeof import("../mod.ts") = await import(eidetica);
const orders = createInterface({ input: process.stdin }).on("close", () => process.exit());
const order = orders[Symbol.asyncIterator]();

async function serve(): Promise<void> {
  const instance = await Instance.connect(`sqlite://${folder}/bench.db`);
  const sync = await instance.enableSync();
  await sync.serve();
  const user = await instance.loginUser("bench_user");
  const databases = [...await user.findDatabase("warm"), ...await user.findDatabase("bench")];
  const shared = await Promise.all(databases.map((database) => user.share(database)));
  console.log(shared.join(" "));
}

async function join(): Promise<void> {
  const url = `sqlite://${folder}/copy.db`;
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("guest"), {
    durability: "normal",
  });
  await instance.enableSync();
  console.log("idle");
  for (const ticket of tickets) {
    await order.next();
    const started = performance.now();
    const { rootId } = await user!.join(ticket);
    const ms = Math.round(performance.now() - started);
    const { count } = (await (instance.backend as LocalBackend).log!.head(rootId))!;
    console.log(`${ms} ${count}`);
  }
}

await (tickets.length === 0 ? serve() : join());
