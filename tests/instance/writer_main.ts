/**
 * A process of its own that commits to a shared database: URL, name, count.
 *
 * @module
 */

import process from "node:process";
import { DocStore, Instance } from "../../mod.ts";

const [url, name, count] = process.argv.slice(2);
const instance = await Instance.connect(url!);
const user = await instance.loginUser("ada");
const [database] = await user.findDatabase("shared");
for (let at = 0; at < Number(count); at++) {
  await database!.withTransaction(async (transaction) => {
    await (await transaction.getStore(DocStore, "s")).set(`${name} ${at}`, at);
  });
}
await instance.close();
