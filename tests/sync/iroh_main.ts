/**
 * A node of its own process that is reached over Iroh alone: says its ticket, then takes orders on standard input, one a
 * line: `put KEY VALUE`. It is closed when there are no more.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { DocStore, Instance, NewUser } from "../../mod.ts";

const { url, port } = JSON.parse(process.argv.at(-1)!) as { url: string; port: number };
const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
const ada = user ?? await instance.loginUser("ada");
const sync = await instance.enableSync({
  transports: {},
  iroh: { relays: "disabled", bindAddress: `127.0.0.1:${port}` },
});
await sync.acceptConnections();
const notes = await ada.openOrCreateDatabase({ name: "notes" });
await notes.grant("everyone", "write");
console.log(`ticket ${await ada.share(notes)}`);

for await (const line of createInterface({ input: process.stdin })) {
  const [, key, value] = line.split(" ");
  await notes.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "s")).set(key!, value!);
  });
}
await instance.close();
