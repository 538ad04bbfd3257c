// log_main.ts [sink|broken]: a write handler fails three times; another one, once.
import process from "node:process";
import type { LocalBackend } from "../../src/backend/local.ts";
import { DocStore, Instance, NewUser, setLogSink } from "../../mod.ts";

const [mode] = process.argv.slice(2);
let heard = 0;
if (mode === "sink") setLogSink((level) => void (heard += level === "error" ? 1 : 0));
if (mode === "broken") {
  setLogSink(() => {
    throw new Error("of the sink");
  });
}
const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
const backend = instance.backend as LocalBackend;
const again = await Instance.connectOrCreateBackend(backend.driver, NewUser.passwordless("ada"));
const db = await user!.createDatabase({ name: "x" });
await db.onWrite(() => {
  throw new Error("of the first");
});
const second = await db.onWrite(() => Promise.reject(new Error("of the second")));
for (let at = 0; at < 3; at++) {
  await db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "a")).set("k", at));
  second[Symbol.dispose]();
}
const value = await (await db.getStoreViewer(DocStore, "a")).get("k");
console.log(value, heard);
await again.instance.close();
