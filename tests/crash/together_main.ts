/**
 * One of several processes that commit to a shared database at the same time: URL, name, how many
 * entries, how many all together, tips before all. Prints the IDs that its handler was told. At the same time
 * it fills in the arrival log, as all the others do.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { DocStore, Instance, Snapshot } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { fillLog } from "../../src/backend/log/log_fill.ts";

/** How long an entry that is told twice is waited for, in milliseconds. */
const AFTERMATH_MS = 300;
const FILL_SIZES = { window: 40, page: 8 };

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
const backend = instance.backend as LocalBackend;
const filled = fillLog(backend, database!.rootId, () => {}, FILL_SIZES);
for (let at = 0; at < Number(count); at++) {
  await database!.withTransaction(async (transaction) => {
    await (await transaction.getStore(DocStore, "s")).set(`${name} ${at}`, at);
  });
}
const keepAlive = setInterval(() => {}, 1000);
await all;
clearInterval(keepAlive);
await sleep(AFTERMATH_MS);
await filled;
await instance.close();
console.log(JSON.stringify(told));
