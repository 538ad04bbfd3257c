/**
 * The main job, from an empty folder to a verified, merged, queried database: opens or creates a SQLite file,
 * imports rows in signed entries, queries them, lets two writers branch and merge, verifies the whole
 * history, and shares it by a ticket with a second instance, which has everything then. Run again, it goes on where it
 * was: rows that have not changed are left alone.
 *
 * ```sh
 * npm start
 * npm start -- --help # how rows of your own are imported
 * ```
 */

import process from "node:process";
import { isDeepStrictEqual, parseArgs } from "node:util";
import {
  type Database,
  EideticaError,
  Instance,
  type JsonRow,
  NewUser,
  Table,
  type User,
  type WriteEvent,
} from "eidetica";
import { copyOf } from "./start/copy.ts";
import { Progress } from "./start/progress.ts";
import { countries, type Source, userFile } from "./start/source.ts";

/** Rows that are imported by one signed entry. */
const ROWS_PER_ENTRY = 25;
const USER = "ada";
/** Stores of the database: the imported rows, and what the two branches write. */
const ROWS = "rows";
const VISITS = "visits";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      file: { type: "string" },
      key: { type: "string" },
      name: { type: "string" },
      db: { type: "string", default: "./eidetica.db" },
    },
  });
  const { file, db, ...options } = values;
  const source = file === undefined ? countries() : await userFile(file, options);
  const { instance, user } = await Instance.connectOrCreate(urlOf(db), NewUser.passwordless(USER));
  try {
    say(user === undefined ? `Reopened ${db}` : `Created ${db} with the user "${USER}"`);
    const me = user ?? await instance.loginUser(USER);
    const database = await work(me, source);
    await share(instance, me, database, copyPath(db));
    say(
      `Done. Everything is in ${db}, and in ${
        copyPath(db)
      }; run the same command again and it continues.`,
    );
    say(`Next: README.md shows the API; --file imports your own data, --help says how.`);
  } finally {
    await instance.close();
  }
}

/** In a URL, some characters of a path have a meaning. */
function urlOf(path: string): string {
  return `sqlite://${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`;
}

/** Where the second instance is: beside the first. */
function copyPath(path: string): string {
  return path.replace(/(\.[^./\\]+)?$/, "-copy$1");
}

async function work(user: User, source: Source): Promise<Database> {
  const database = await openDatabase(user, source.name);
  const seen = { events: 0, entries: 0, last: "" };
  const watch = await database.onWrite((event: WriteEvent) => {
    seen.events++;
    seen.entries += event.entries.length;
    seen.last =
      `${event.source} write, ${event.previousTips.length} tip(s) before, ${event.postTips.length} after`;
  });
  await importRows(database, source);
  await query(database);
  await branchAndMerge(database);
  say(
    `Write callback: ${seen.events} events with ${seen.entries} entries${
      seen.last && `; last: ${seen.last}`
    }`,
  );
  await verifyAll(database);
  watch[Symbol.dispose]();
  return database;
}

async function openDatabase(user: User, name: string): Promise<Database> {
  const [found] = await user.findDatabase(name);
  if (found !== undefined) {
    say(`Opened the database "${name}" (${short(found)})`);
    return found;
  }
  const created = await user.createDatabase({ name });
  say(`Created the database "${name}" (${short(created)}), owned by ${user.defaultKey()}`);
  return created;
}

/** Writes what is new or has changed; the rest is left alone, so running twice writes nothing. */
async function importRows(database: Database, source: Source): Promise<void> {
  const progress = new Progress("Importing");
  const present = await database.getStoreViewer(Table, ROWS);
  const counts = { read: 0, added: 0, changed: 0 };
  let batch = new Map<string, JsonRow>();
  for await (const { key, row, read } of source.rows) {
    counts.read++;
    const before = batch.get(key) ?? await present.getOption(key);
    if (before !== undefined && isDeepStrictEqual(before, plain(row))) continue;
    counts[before === undefined ? "added" : "changed"]++;
    batch.set(key, plain(row));
    if (batch.size < ROWS_PER_ENTRY) continue;
    await write(database, batch);
    batch = new Map();
    progress.tell(`${counts.read} rows read, ${counts.added + counts.changed} written`, read);
  }
  if (batch.size > 0) await write(database, batch);
  progress.end();
  const kept = counts.read - counts.added - counts.changed;
  say(
    `Imported: ${counts.read} rows read, ${counts.added} new, ${counts.changed} changed, ${kept} as they were`,
  );
}

/** One transaction, which becomes one signed entry. */
async function write(database: Database, rows: ReadonlyMap<string, JsonRow>): Promise<void> {
  await database.withTransaction(async (transaction) => {
    const table = await transaction.getStore(Table, ROWS);
    for (const [key, row] of rows) await table.set(key, row);
  });
}

/** A row as it comes back from the database. */
function plain(row: JsonRow): JsonRow {
  return JSON.parse(JSON.stringify(row));
}

async function query(database: Database): Promise<void> {
  const table = await database.getStoreViewer(Table, ROWS);
  const landlocked = await table.search((row) => row.landlocked === true);
  if (landlocked.length > 0) {
    const names = landlocked.slice(0, 5).map(([key]) => key).join(", ");
    return say(
      `Query: ${landlocked.length} of ${await table.count()} rows are landlocked (${names}, …)`,
    );
  }
  const [first] = await table.search(() => true);
  say(`Query: ${await table.count()} rows; the first one is ${first?.[0]}`);
}

/** Two writers start from one state, each changes a row of its own, and they meet again. */
async function branchAndMerge(database: Database): Promise<void> {
  const fork = await database.snapshot();
  const visit = (key: string) =>
    database.withTransaction(async (transaction) => {
      const table = await transaction.getStore(Table, VISITS);
      const before = await table.getOption(key);
      await table.set(key, { visits: Number(before?.visits ?? 0) + 1 });
    }, { at: fork });
  await visit("left");
  await visit("right");
  const tips = await database.snapshot();
  const merged = await database.getStoreViewer(Table, VISITS);
  const [left, right] = [await merged.get("left"), await merged.get("right")];
  say(
    `Branches: ${tips.length} tips from one fork; both are there: left (visit ${left.visits}), right (visit ${right.visits})`,
  );
  await database.withTransaction(async (transaction) => {
    await (await transaction.getStore(Table, "merges")).insert({ of: tips.toJSON() });
  });
  say(
    `Merged: ${
      (await database.snapshot()).length
    } tip, whose parents are the ${tips.length} branches`,
  );
}

/** Checks every entry of the history again: ID, signature, permission under the pinned settings. */
async function verifyAll(database: Database): Promise<void> {
  const entries = await database.getAllEntries();
  const progress = new Progress("Verifying");
  let valid = 0;
  for (const [at, entry] of entries.entries()) {
    if (await database.verifyEntrySignature(entry.id)) valid++;
    if (at % 50 === 0) progress.tell(`${at} of ${entries.length} entries`, at / entries.length);
  }
  progress.end();
  say(
    `Verified: ${valid} of ${entries.length} entries are signed by a key that was allowed to write them`,
  );
  if (valid !== entries.length) throw new Error("The history holds entries that are not valid");
}

/** A second instance joins by a ticket; in the end it has every entry and every row. */
async function share(
  instance: Instance,
  user: User,
  database: Database,
  path: string,
): Promise<void> {
  const sync = await instance.enableSync();
  const copy = await copyOf(database, user, sync, urlOf(path), say);
  try {
    const [ours, theirs] = await Promise.all([database, copy.database].map(countsOf));
    const isSame = isDeepStrictEqual(theirs, ours);
    say(
      `Copied: a second instance in ${path} has ${theirs!.entries} of ${
        ours!.entries
      } entries, ${copy.arrived} of them new, and ${theirs!.rows} of ${ours!.rows} rows`,
    );
    if (!isSame) throw new Error("The second instance has not got everything");
  } finally {
    await copy.close();
  }
}

async function countsOf(
  database: Database,
): Promise<{ entries: number; rows: number; tips: readonly string[] }> {
  const [entries, rows] = [
    await database.getAllEntries(),
    await database.getStoreViewer(Table, ROWS),
  ];
  const tips = (await database.snapshot()).toJSON();
  return { entries: entries.length, rows: await rows.count(), tips };
}

function say(text: string): void {
  console.log(text);
}

function short(database: Database): string {
  return `${database.rootId.toString().slice(0, 16)}…`;
}

main().catch((error: unknown) => {
  const { code, message } = error instanceof Error
    ? error as Error & { code?: unknown }
    : { code: undefined, message: String(error) };
  const isArgument = String(code).startsWith("ERR_PARSE_ARGS");
  const more = isArgument
    ? "; npm start -- --help lists the options"
    : error instanceof EideticaError
    ? ` [${error.code}]`
    : "";
  console.error(`${message}${more}`);
  process.exitCode = 1;
});
