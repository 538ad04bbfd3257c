/** What is exchanged live between this process and a page in Chromium, and over a relay in workerd. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { HOME } from "./bundlers.mjs";
import { runPages } from "./pages.mjs";

/** How long a value may take to arrive, in milliseconds. */
const PATIENCE_MS = 30_000;

const packageOf = (door) =>
  import(pathToFileURL(join(HOME, "node_modules", "eidetica", "dist", door)).href);

/** A node of this process. */
async function nodeOf(name) {
  const { Instance, NewUser } = await packageOf("mod.js");
  const { instance, user } = await Instance.connectOrCreate(
    "memory://",
    NewUser.passwordless(name),
  );
  return { instance, user, sync: await instance.enableSync() };
}

async function madeBy({ user }) {
  const notes = await user.createDatabase({ name: "notes" });
  await notes.grant("everyone", "write");
  return notes;
}

async function put(db, key, value) {
  const { DocStore } = await packageOf("mod.js");
  await db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set(key, value));
}

/** Waits until a database has a value for a key. */
async function arrives(db, key) {
  const { DocStore } = await packageOf("mod.js");
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
    const value = await (await db.getStoreViewer(DocStore, "s")).getOption(key);
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`"${key}" did not arrive within ${PATIENCE_MS} ms`);
}

/** What a page says that joins a database of this process, asks, and is answered live. */
export async function livePage(folder) {
  const home = await nodeOf("home");
  try {
    await home.sync.serve({ origins: "*" });
    const notes = await madeBy(home);
    writeFileSync(join(folder, "ticket.txt"), `${await home.user.share(notes)}`);
    const asked = arrives(notes, "question").then((it) =>
      put(notes, "answer", `an answer to ${it}`)
    );
    const [outcomes] = await Promise.all([
      runPages({ live: { folder, script: "page_live.js" } }),
      asked,
    ]);
    return outcomes.live;
  } finally {
    await home.instance.close();
  }
}

/** What two nodes of this process exchange that know a relay alone. */
export async function overRelay(port) {
  const { DatabaseTicket } = await packageOf("src/sync/mod.js");
  const [ada, bob] = [await nodeOf("ada"), await nodeOf("bob")];
  try {
    const relay = { transportType: "http", address: `127.0.0.1:${port}` };
    const notes = await madeBy(ada);
    await ada.user.share(notes);
    await (await ada.sync.follow(notes, { peers: [relay] })).synced();
    const copy = await bob.user.join(new DatabaseTicket(notes.rootId, [relay]));
    await put(notes, "question", "of ada");
    const question = await arrives(copy, "question");
    await put(copy, "answer", `an answer to ${question}`);
    return await arrives(notes, "answer");
  } finally {
    for (const { instance } of [ada, bob]) await instance.close();
  }
}
