/**
 * An isolate at the edge: no threads, no engine of the runtime, timers that die with the request that set them. Two
 * requests in a row verify large batches, and store them in an instance that both share.
 */

import process from "node:process";
import { asRequest } from "../helpers/lost_timers.ts";

Object.defineProperties(globalThis, {
  navigator: { value: { userAgent: "Cloudflare-Workers", hardwareConcurrency: 2 } },
  Worker: { value: undefined },
});
Object.defineProperty(process, "getBuiltinModule", { value: undefined });

const { Database, DocStore, Entry, Instance, NewUser } = await import("../../mod.ts");
const { ready } = await import("../../wasm/mod.ts");

const { ed25519, engine } = await ready();
const signer = ed25519.signer(new Uint8Array(32).fill(5));
const data = new Uint8Array(300);
const item = { publicKey: signer.publicKey, data, signature: signer.sign(data) };
const items = Array.from({ length: 300 }, () => item);

const ada = NewUser.passwordless("ada");
const { instance, user } = await Instance.connectOrCreate("memory://", ada);
const written = await user!.createDatabase({ name: "x" });
for (let at = 0; at < 300; at++) {
  await written.withTransaction(async (tx) =>
    await (await tx.getStore(DocStore, "a")).set("k", at)
  );
}
const entries = (await written.getAllEntries()).map(({ bytes }) => bytes);
const shared = await Instance.connectOrCreate("memory://", NewUser.passwordless("bob"));

async function request(from: number): Promise<string> {
  const verdicts = await ed25519.verifyBatch(items);
  const part = entries.slice(from, from + 150).map((bytes) => Entry.decode(bytes));
  const { verified } = await shared.instance.putRemoteEntries(written.rootId, part);
  const database = await Database.open(shared.instance, written.rootId);
  const value = await (await database.getStoreViewer(DocStore, "a")).get("k");
  return `${verdicts.filter(Boolean).length} ${verified} ${value}`;
}

const answers = [await asRequest(() => request(0)), await asRequest(() => request(150))];
console.log(engine, ...answers);
await instance.close();
await shared.instance.close();
