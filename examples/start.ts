/**
 * The main job, from an empty folder to a verified, merged, queried database.
 *
 * Opens or creates `./eidetica.db`, imports a data set as rows in signed entries, queries it, edits it
 * on two branches and merges them, and verifies the whole history. Run again, it goes on where it was.
 *
 * ```sh
 * npm start                                  # the 250 countries of the npm package world-countries
 * npm start -- --file people.ndjson --key id # your own .json (an array of objects) or .ndjson
 * ```
 */

import { createReadStream } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  type Database,
  EideticaError,
  Instance,
  type JsonRow,
  NewUser,
  Table,
  type User,
  type WriteEvent,
} from "../mod.ts";

/** Rows that are imported by one signed entry. */
const ROWS_PER_ENTRY = 25;
const USER = "ada";

interface Source {
  readonly name: string;
  readonly key: string;
  readonly rows: AsyncIterable<JsonRow>;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      file: { type: "string" },
      key: { type: "string" },
      db: { type: "string", default: "./eidetica.db" },
    },
  });
  const source = values.file === undefined ? countries() : await userFile(values.file, values.key);
  const { instance, user } = await Instance.connectOrCreate(
    `sqlite://${values.db}`,
    NewUser.passwordless(USER),
  );
  try {
    say(
      user === undefined ? `Reopened ${values.db}` : `Created ${values.db} with the user "${USER}"`,
    );
    await work(user ?? await instance.loginUser(USER), source);
    say(`Done. Everything is in ${values.db}; run the same command again and it continues.`);
    say("Next: README.md shows the API; --file data.ndjson imports your own data.");
  } finally {
    await instance.close();
  }
}

async function work(user: User, source: Source): Promise<void> {
  const database = await openDatabase(user, source.name);
  const seen = { events: 0, entries: 0, last: "" };
  const watch = await database.onWrite((event: WriteEvent) => {
    seen.events++;
    seen.entries += event.entries.length;
    seen.last =
      `${event.source} write, ${event.previousTips.length} tip(s) before, ${event.postTips.length} after`;
  });
  const keys = await importRows(database, source);
  await query(database);
  await branchAndMerge(database, keys);
  say(
    `Write callback: ${seen.events} events with ${seen.entries} entries${
      seen.last && `; last: ${seen.last}`
    }`,
  );
  await verifyAll(database);
  watch[Symbol.dispose]();
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
async function importRows(database: Database, source: Source): Promise<string[]> {
  const keys: string[] = [];
  let batch: [string, JsonRow][] = [];
  let written = 0;
  const present = await database.getStoreViewer(Table, "rows");
  const flush = async () => {
    if (batch.length === 0) return;
    await database.withTransaction(async (transaction) => {
      const table = await transaction.getStore(Table, "rows");
      for (const [key, row] of batch) await table.set(key, row);
    });
    written += batch.length;
    progress(`Importing: ${written} rows written, ${keys.length} read`);
    batch = [];
  };
  for await (const row of source.rows) {
    const key = String(row[source.key] ?? keys.length);
    keys.push(key);
    const before = await present.getOption(key);
    if (before !== undefined && isImported(before, row)) continue;
    batch.push([key, row]);
    if (batch.length === ROWS_PER_ENTRY) await flush();
  }
  await flush();
  endProgress();
  say(
    `Imported: ${keys.length} rows read, ${written} written, ${
      keys.length - written
    } were there already`,
  );
  return keys;
}

/** A row keeps what `branchAndMerge` has added to it. */
function isImported(stored: JsonRow, row: JsonRow): boolean {
  const { visits: _visits, note: _note, ...rest } = stored;
  return JSON.stringify(rest) === JSON.stringify(JSON.parse(JSON.stringify(row)));
}

async function query(database: Database): Promise<void> {
  const table = await database.getStoreViewer(Table, "rows");
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

/** Two writers start from one state, change different rows and one row both, and meet again. */
async function branchAndMerge(database: Database, keys: readonly string[]): Promise<void> {
  const [one, two] = keys;
  if (one === undefined || two === undefined) return;
  const fork = await database.snapshot();
  const edit = (key: string, note: string) =>
    database.withTransaction(async (transaction) => {
      const table = await transaction.getStore(Table, "rows");
      const row = await table.get(key);
      await table.set(key, { ...row, visits: Number(row.visits ?? 0) + 1, note });
    }, { at: fork });
  await edit(one, "edited on the left branch");
  await edit(two, "edited on the right branch");
  const tips = await database.snapshot();
  const merged = await database.getStoreViewer(Table, "rows");
  const left = await merged.get(one);
  const right = await merged.get(two);
  say(
    `Branches: ${tips.length} tips from one fork; merged: ${one} "${left.note}" (visit ${left.visits}), ${two} "${right.note}" (visit ${right.visits})`,
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
  let valid = 0;
  for (const entry of entries) {
    if (await database.verifyEntrySignature(entry.id)) valid++;
    if (valid % 50 === 0) progress(`Verifying: ${valid} of ${entries.length} entries`);
  }
  endProgress();
  say(
    `Verified: ${valid} of ${entries.length} entries are signed by a key that was allowed to write them`,
  );
  if (valid !== entries.length) throw new Error("The history holds entries that are not valid");
}

// --- input ---------------------------------------------------------------------------------------

function countries(): Source {
  return { name: "countries", key: "cca3", rows: readCountries() };
}

async function* readCountries(): AsyncIterable<JsonRow> {
  const file = new URL("../node_modules/world-countries/countries.json", import.meta.url);
  const rows = JSON.parse(await readFile(file, "utf8")) as JsonRow[];
  // Outlines and translations make up most of the file and nothing of the example.
  for (const { translations: _translations, ...row } of rows) yield row;
}

/** A file of the user's; one that cannot be read is refused before anything is created. */
async function userFile(path: string, key = "id"): Promise<Source> {
  await access(path).catch((cause: Error) => {
    throw new Error(`Cannot read "${path}": ${cause.message}`, { cause });
  });
  const rows = path.endsWith(".ndjson") ? readLines(path) : readArray(path);
  return { name: path, key, rows };
}

async function* readLines(path: string): AsyncIterable<JsonRow> {
  let number = 0;
  for await (
    const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })
  ) {
    number++;
    if (line.trim() !== "") yield parseRow(line, `line ${number} of ${path}`);
  }
}

async function* readArray(path: string): AsyncIterable<JsonRow> {
  const value: unknown = JSON.parse(await readFile(path, "utf8"));
  if (!Array.isArray(value)) throw new Error(`${path} must hold a JSON array of objects`);
  for (const [at, row] of value.entries()) yield requireRow(row, `item ${at} of ${path}`);
}

function parseRow(text: string, where: string): JsonRow {
  try {
    return requireRow(JSON.parse(text), where);
  } catch (cause) {
    throw new Error(`Cannot read ${where}: ${(cause as Error).message}`, { cause });
  }
}

function requireRow(value: unknown, where: string): JsonRow {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonRow;
  throw new Error(`${where} is not a JSON object`);
}

// --- output --------------------------------------------------------------------------------------

function say(text: string): void {
  console.log(text);
}

function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${text}`);
}

function endProgress(): void {
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
}

function short(database: Database): string {
  return `${database.rootId.toString().slice(0, 16)}…`;
}

main().catch((error: unknown) => {
  const code = error instanceof EideticaError ? ` [${error.code}]` : "";
  console.error(`${error instanceof Error ? error.message : String(error)}${code}`);
  process.exitCode = 1;
});
