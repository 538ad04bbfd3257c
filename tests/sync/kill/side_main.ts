/**
 * One side of a pair that is killed at any moment.
 *
 * The owner shares a database that everybody may write, on a port that stays the same; the guest joins it. Both commit
 * rows one after another and say which are durable, until they are told to `stop`. `flush` and `sync` bring everything
 * in step, `look` checks all that is held and tells it.
 */

import { createHash } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";
import { type Database, DocStore, EideticaError, Instance, NewUser } from "../../../mod.ts";
import { checkTrees } from "../../helpers/store_check.ts";
import type { SideOptions } from "./side.ts";

/** Entries that are there before the guest joins, so that joining takes a while. */
const OLDER = 25;
/** Between two commits, and before joining is tried again, in milliseconds. */
const [PACE_MS, AGAIN_MS] = [4, 20];

/** Codes of errors when the other side is dead, or dies. */
const UNREACHABLE = ["ConnectionFailed", "Network"];

const options = JSON.parse(process.argv[2]!) as SideOptions;
const { role, url, port } = options;
const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless(role));
const me = user ?? await instance.loginUser(role);
const sync = await instance.enableSync();
if (port !== undefined) await sync.serve({ port });

const say = (text: string) => void process.stdout.write(`${text}\n`);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function own(): Promise<Database> {
  const db = await me.openOrCreateDatabase({ name: "pair" });
  await db.grant("everyone", "write");
  for (let at = 0; at < OLDER; at++) await put(db, `old ${at}`);
  await me.share(db);
  await instance.flush();
  say(`ticket ${sync.createTicket(db)}`);
  return db;
}

/** The owner may be dead, or may die; then somebody would try again. */
async function join(): Promise<Database> {
  say("joining");
  for (;;) {
    const [known] = await me.findDatabase("pair");
    if (known !== undefined) return known;
    try {
      return await me.join(options.ticket!);
    } catch (error) {
      if (!(error instanceof EideticaError && UNREACHABLE.includes(error.code))) throw error;
      await pause(AGAIN_MS);
    }
  }
}

async function put(db: Database, key: string): Promise<void> {
  await db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, role));
}

async function look(db: Database): Promise<string> {
  await checkTrees(instance);
  const doc = await (await db.getStoreViewer(DocStore, "s")).getAll();
  const ids = (await db.getAllEntries()).map(({ id }) => `${id}`).sort();
  const entries = createHash("sha256").update(ids.join()).digest("hex");
  const tips = (await db.snapshot()).toJSON();
  return JSON.stringify({ tips, count: ids.length, entries, keys: [...doc.keys()].sort() });
}

let isWriting = true;
const db = role === "owner" ? await own() : await join();

const orders: Record<string, () => Promise<string> | string> = {
  stop: () => {
    isWriting = false;
    return stopped.then(() => "");
  },
  flush: () => sync.flush().then(() => ""),
  sync: () => sync.syncNow(db).then(() => ""),
  look: () => look(db),
};
// Without whoever has started it, it ends.
createInterface({ input: process.stdin }).on("close", () => process.exit()).on(
  "line",
  async (order) => say(`${order} ${await orders[order]!()}`),
);

async function write(): Promise<void> {
  for (let at = 0; isWriting; at++) {
    const key = `${role} ${process.pid} ${at}`;
    await put(db, key);
    // In memory only the snapshot file is durable.
    await instance.flush();
    say(`wrote ${key}`);
    await pause(PACE_MS);
  }
}
const stopped = write();
