// exit_main.ts URL [PASSWORD]: has an instance with a write handler do its work, and closes nothing.
import process from "node:process";
import { DocStore, Entry, Instance, NewUser } from "../../mod.ts";
import { ready } from "../../wasm/mod.ts";

const [url, password] = process.argv.slice(2) as [string, string?];
const ada = password === undefined
  ? NewUser.passwordless("ada")
  : NewUser.withPassword("ada", password);
// The engine that derives keys in threads of ours.
await ready({ engine: "wasm" });
const { user } = await Instance.connectOrCreate(url, ada);
const db = await user!.createDatabase({ name: "x" });
let events = 0;
await db.onWrite(() => void events++);
for (let at = 0; at < 150; at++) {
  await db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "a")).set("k", at));
}
const other = await Instance.connectOrCreate("memory://", NewUser.passwordless("bob"));
const copies = (await db.getAllEntries()).map((entry) => Entry.decode(entry.bytes));
const { verified } = await other.instance.putRemoteEntries(db.rootId, copies);
const value = await (await db.getStoreViewer(DocStore, "a")).get("k");
console.log(events, verified, value);
