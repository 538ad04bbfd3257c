/**
 * One of several processes that commit to a shared database at the same time: URL, name, how many
 * entries, how many all together, tips before all. Prints the IDs that its handler was told.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { DocStore, Instance, Snapshot } from "../../mod.ts";

/** How long an entry that is told twice is waited for, in milliseconds. */
const AFTERMATH_MS = 300;

const [url, name, count, total, tips] = process.argv.slice(2);
const instance = await Instance.connect(url!);
const user = await instance.loginUser("ada");
const [database] = await user.findDatabase("shared");
const told: string[] = [];
let wake = (): void => {};
const all = new Promise<void>((resolve) => wake = resolve);
(await database!.onWrite(({ entries }) => {
  told.push(...entries.map(({ id }) => `${id}`));
  if (told.length >= Number(total)) wake();
}, { at: Snapshot.fromJSON(JSON.parse(tips!)) })).detach();
for (let at = 0; at < Number(count); at++) {
  await database!.withTransaction(async (transaction) => {
    await (await transaction.getStore(DocStore, "s")).set(`${name} ${at}`, at);
  });
}
const keepAlive = setInterval(() => {}, 1000);
await all;
clearInterval(keepAlive);
await sleep(AFTERMATH_MS);
await instance.close();
console.log(JSON.stringify(told));
