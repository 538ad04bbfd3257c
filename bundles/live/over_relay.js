/** Two nodes that know a relay at a port alone. Prints what one has of the other's answer. */

import process from "node:process";
import { Instance, NewUser } from "eidetica";
import { DatabaseTicket } from "eidetica/sync";
import { arrives, live, put } from "./steps.js";

const relay = { transportType: "http", address: `127.0.0.1:${process.argv[2]}` };

async function nodeOf(name) {
  const { instance, user } = await Instance.connectOrCreate(
    "memory://",
    NewUser.passwordless(name),
  );
  return { instance, user, sync: await instance.enableSync() };
}

const [ada, bob] = [await nodeOf("ada"), await nodeOf("bob")];
const notes = await ada.user.createDatabase({ name: "notes" });
await notes.grant("everyone", "write");
await ada.user.share(notes);
const isAdaLive = live(ada.sync, notes.rootId);
await (await ada.sync.follow(notes, { peers: [relay] })).synced();
await isAdaLive;

const isBobLive = live(bob.sync, notes.rootId);
const copy = await bob.user.join(new DatabaseTicket(notes.rootId, [relay]));
await isBobLive;
await put(notes, "question", "of ada");
await arrives(copy, "question", "of ada");
await put(copy, "answer", "an answer to of ada");
await arrives(notes, "answer", "an answer to of ada");

await ada.instance.close();
await bob.instance.close();
console.log("an answer to of ada");
