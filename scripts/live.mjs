/**
 * What is exchanged live between Node and two tabs in Chromium, between Node and an isolate of workerd, and over a relay
 * there. `bundles/live` has what runs in each.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { HOME } from "./bundlers.mjs";
import { runTabs } from "./pages.mjs";
import { runtime } from "./runtimes.mjs";

/** How long a value may take to arrive, in milliseconds. */
const PATIENCE_MS = 30_000;

/** How long a program may take, in milliseconds. */
const PROGRAM_MS = 180_000;
const TABS = ["tab one", "tab two"];

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

/** A program on Node: `line` gives what it prints next, or what has become of it; `complaint` its errors so far. */
function program(name, ...args) {
  const child = spawn(runtime("node"), [join(HOME, "live", name), ...args], { cwd: HOME });
  const ended = once(child, "close");
  const timer = setTimeout(() => child.kill(), PROGRAM_MS);
  let complaint = "";
  child.stderr.on("data", (chunk) => complaint += chunk);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (!done) return value;
    const [code, signal] = await ended;
    return `${name} ended by ${signal ?? code}: ${complaint}`;
  };
  const end = async () => {
    child.kill();
    await ended;
    clearTimeout(timer);
  };
  return { line, end, complaint: () => complaint };
}

/** What two tabs with the page of a folder, and their server, say of themselves. */
export async function runLivePages(folder) {
  const home = program("home.js", ...TABS);
  try {
    const ticket = await home.line();
    const [one, two] = TABS;
    const queries = {
      [one]: { name: one, other: two, ticket },
      [two]: { name: two, other: one, ticket },
    };
    const outcomes = await runTabs(folder, queries);
    return { ...outcomes, "server of the tabs": await home.line() };
  } catch (error) {
    throw new Error(`${error.message} ${home.complaint()}`.trimEnd(), { cause: error });
  } finally {
    await home.end();
  }
}

/** What clients of an isolate say of themselves. */
export async function runLiveClients(port) {
  const away = program("away.js", String(port));
  const said = await away.line();
  await away.end();
  return said;
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
