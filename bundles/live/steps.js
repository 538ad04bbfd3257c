/** What all who exchange live do with a database; they wait for events, never for time. */

import { DocStore } from "eidetica";

/** Writes one value. */
export async function put(db, key, value) {
  await db.withTransaction(async (tx) => (await tx.getStore(DocStore, "live")).set(key, value));
}

/** Resolves when a database has a value. */
export async function arrives(db, key, value) {
  const has = async () =>
    await (await db.getStoreViewer(DocStore, "live")).getOption(key) === value;
  await new Promise((resolve, reject) => {
    const look = () => void has().then((it) => it && resolve(), reject);
    db.onWrite(look).then(look, reject);
  });
}

/** Resolves when an instance tells that a database is live; listens from when it is called. */
export async function live(sync, tree) {
  for await (const event of sync.events()) {
    if (event.type === "live" && event.tree === `${tree}`) return;
  }
  throw new Error("synchronisation ended before the database was live");
}
