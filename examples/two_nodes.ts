/**
 * Two nodes edit one database while they are apart, exchange their entries, and agree.
 *
 * Nothing here needs a network: entries are bytes, and any road will do.
 */

import {
  AuthKey,
  Database,
  DocStore,
  Entry,
  Instance,
  NewUser,
  Permission,
  PrivateKey,
} from "eidetica";

const home = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
const away = await Instance.connectOrCreate("memory://", NewUser.passwordless("bob"));

// Ada creates a database and lets Bob's key write.
const bobsKey = PrivateKey.generate();
const atHome = await home.user!.createDatabase({ name: "shopping" });
await atHome.withTransaction(async (tx) => {
  await tx.getSettings().setAuthKey(bobsKey.publicKey, AuthKey.active("bob", Permission.write(10)));
  await (await tx.getStore(DocStore, "list")).set("milk", 1);
});

/** Carries everything that `from` holds to `to`, as bytes, and says what was made of it there. */
async function carry(from: Database, to: Instance): Promise<void> {
  const parcel = (await from.getAllEntries()).map((entry) => entry.bytes);
  const report = await to.putRemoteEntries(from.rootId, parcel.map((bytes) => Entry.decode(bytes)));
  console.log(`carried ${parcel.length} entries: ${report.verified} new ones are valid`);
}

await carry(atHome, away.instance);
const copy = (await Database.open(away.instance, atHome.rootId)).withKey(bobsKey);

// Both change the list at the same time, one of the keys even both.
await atHome.withTransaction(async (tx) => {
  const list = await tx.getStore(DocStore, "list");
  await list.set("milk", 2);
  await list.set("bread", 1);
});
await copy.withTransaction(async (tx) => {
  const list = await tx.getStore(DocStore, "list");
  await list.set("milk", 3);
  await list.set("apples", 6);
});

await carry(atHome, away.instance);
await carry(copy, home.instance);

const lists = await Promise.all([atHome, copy].map(async (database) => {
  return (await (await database.getStoreViewer(DocStore, "list")).getAll()).toJsonString();
}));
console.log(`at home ${lists[0]}`);
console.log(`away    ${lists[1]}`);
if (lists[0] !== lists[1]) throw new Error("The two nodes disagree");

await home.instance.close();
await away.instance.close();
