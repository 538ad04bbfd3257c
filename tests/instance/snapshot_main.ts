/**
 * A process of its own that makes an in-memory instance and ends without closing it: path, how.
 *
 * @module
 */

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { DocStore, Instance, NewUser } from "../../mod.ts";

const [path, how] = process.argv.slice(2);
const { instance, user } = await Instance.connectOrCreate(
  `memory://${path}`,
  NewUser.passwordless("ada"),
);
const database = await user!.createDatabase({ name: "kept" });

async function commit(key: string): Promise<void> {
  await database.withTransaction(async (tx) =>
    await (await tx.getStore(DocStore, "s")).set(key, "x".repeat(1000))
  );
}

await commit("a");
if (how === "exit") process.exit(0);
if (how === "throw") throw new Error("on purpose");
if (how === "close") await instance.close();
if (how?.startsWith("closing")) {
  instance.close().catch(() => undefined);
  for (let turns = Number(how.slice("closing".length)); turns > 0; turns--) await setImmediate();
  process.exit(0);
}
if (how === "forever") {
  for (let at = 0;; at++) {
    await commit(`k${at}`);
    await instance.flush();
    process.stdout.write(`${at}\n`);
  }
}
