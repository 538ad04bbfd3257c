/**
 * A process that is to be killed: opens or makes the instance at a URL, commits by several writers at
 * the same time, and says the ID of every entry as soon as it is acknowledged, for ever. Meanwhile it asks for
 * the arrival log, which is filled in if the storage is one without.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { type Database, DocStore, Instance, NewUser, Table, type User } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { fillLog } from "../../src/backend/log/log_fill.ts";

const WRITERS = 4;
/** Each so many commits one is larger than what Deno KV takes as one value. */
const LARGE_EVERY = 32;

/** Few, so that a kill often comes in between. */
const FILL_SIZES = { window: 40, page: 8 };

async function open(url: string): Promise<{ instance: Instance; database: Database }> {
  const { instance, user } = await Instance.connectOrCreate(url, NewUser.passwordless("ada"));
  const ada: User = user ?? await instance.loginUser("ada");
  const [found] = await ada.findDatabase("crash").catch(() => []);
  const database = found ?? await ada.createDatabase({ name: "crash" });
  return { instance, database };
}

/** Two stores in one entry: both are there, or none. */
async function commit(database: Database, key: string, size: number): Promise<string> {
  const transaction = await database.newTransaction();
  await (await transaction.getStore(DocStore, "pages")).set(key, "x".repeat(size));
  await (await transaction.getStore(Table, "log")).set(key, { size });
  return `${await transaction.commit()}`;
}

async function writeForEver(database: Database, writer: number): Promise<void> {
  for (let at = 0;; at++) {
    const size = at % LARGE_EVERY === LARGE_EVERY - 1 ? 100_000 : 20;
    say(await commit(database, `${process.pid} ${writer} ${at}`, size));
  }
}

/** Says a line at once, so that nothing acknowledged waits in a buffer when the end comes. */
function say(line: string): void {
  for (;;) {
    try {
      return void writeSync(1, `${line}\n`);
    } catch (error) {
      // The reader is slow: its pipe is full.
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
    }
  }
}

const { instance, database } = await open(process.argv[2]!);
void fillLog(instance.backend as LocalBackend, database.rootId, () => {}, FILL_SIZES);
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeForEver(database, writer)));
