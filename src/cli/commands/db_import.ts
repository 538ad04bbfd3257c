import { createReadStream } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { countEntries } from "../../console/entry_counts.ts";
import type { Database } from "../../database/database.ts";
import { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import type { Instance } from "../../instance/instance.ts";
import { type JsonRow, Table } from "../../store/table.ts";
import { unlessAborted } from "../../util/abort.ts";
import { parsePlainJson } from "../../util/json64.ts";
import type { Command, Run } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { sortedJson } from "../frame/output.ts";
import { many } from "../frame/text.ts";
import { findDatabase } from "../databases.ts";
import { type HistoryHead, isHistoryHead } from "../history_file.ts";
import { STORAGE } from "../options.ts";
import { acting, writing } from "../session.ts";

/** How many lines are stored at once: an interrupt waits for these. */
const PART = 500;

/** `eidetica db import`. */
export const dbImport: Command = {
  about: "Take in what was exported",
  options: [
    {
      name: "rows",
      value: "STORE",
      help: "Write the lines as rows of this table, signed by who acts",
    },
    { name: "db", value: "DB", help: "The database of the rows" },
    ...STORAGE,
  ],
  positionals: [{ name: "FILE", help: "What to read; - is standard input" }],
  examples: [
    "eidetica db import orchard.ndjson",
    "eidetica db import trees.ndjson --db orchard --rows trees",
  ],
  run: async (run) => {
    if (!run.values.has("rows")) return await writing(run, (instance) => history(run, instance));
    await acting(run, async (user, instance) => {
      const { root } = await findDatabase(instance, run.values.text("db"));
      await rows(run, await user.openDatabase(root));
    });
  },
};

interface Line {
  readonly line: string;
  readonly number: number;
}

/** Lines of a file, with their numbers, some at a time. An interrupt ends them between two parts. */
async function* parts(run: Run): AsyncGenerator<Line[]> {
  const input = openInput(run.values.text("FILE"));
  const lines = createInterface({ input: input.stream, crlfDelay: Infinity })
    [Symbol.asyncIterator]();
  let part: Line[] = [];
  for (let number = 1;; number++) {
    const next = await unlessAborted(run.signal, () => Promise.race([lines.next(), input.failed]));
    if (next.done) break;
    if (next.value.trim() !== "") part.push({ line: next.value, number });
    if (part.length < PART) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** What is read, and what fails when that does. */
function openInput(path: string): { stream: NodeJS.ReadableStream; failed: Promise<never> } {
  const stream = path === "-" ? process.stdin : createReadStream(path);
  const failed = new Promise<never>((_, reject) => {
    stream.on("error", (cause: Error & { code?: string }) => {
      const { code = "Io" } = cause;
      const why = code === "ENOENT" ? "there is none" : `the system says ${code}`;
      reject(new Failure(`Cannot read the file "${path}": ${why}.`, { code, cause }));
    });
  });
  failed.catch(() => undefined);
  return { stream, failed };
}

function broken(number: number, cause: unknown): Failure {
  const { message } = cause as Error;
  return new Failure(`Cannot import line ${number}: ${message}`, {
    code: "InvalidLine",
    now: "the lines before are stored; this one and what follows are not",
    next: "mend the line and run it again: what is stored already stays as it is",
    cause,
  });
}

/** What reading a line gives; a failure names the line. */
function readLine<T>(
  { line, number }: { line: string; number: number },
  read: (line: string) => T,
): T {
  try {
    return read(line);
  } catch (cause) {
    throw broken(number, cause);
  }
}

async function history(run: Run, instance: Instance): Promise<void> {
  const { out, signal } = run;
  let head: HistoryHead | undefined;
  let stored = 0;
  for await (const part of parts(run)) {
    head ??= headOf(part.shift());
    const root = ID.parse(head.root);
    const entries = part.map((line) => readLine(line, (text) => Entry.fromJSON(text)));
    await instance.putRemoteEntries(root, entries, {});
    stored += entries.length;
    if (signal.aborted) throw signal.reason;
  }
  if (head === undefined) throw headOf(undefined);
  const { all: _, ...total } = await countEntries(instance.host.backend, ID.parse(head.root));
  out.result(
    { id: head.root, entries: stored, ...total },
    `Imported ${
      many(stored, "entry", "entries")
    }: ${total.verified} Verified, ${total.unverified} waiting, ${total.failed} failed.`,
  );
}

function headOf(first: Line | undefined): HistoryHead {
  const value = first && readLine(first, parsePlainJson);
  if (isHistoryHead(value)) return value;
  throw new Failure("Cannot import the file: its first line is not that of an exported history.", {
    code: "InvalidHistory",
    next: "rows go into a table: --db DB --rows STORE",
  });
}

async function rows(run: Run, database: Database): Promise<void> {
  const store = run.values.text("rows");
  let read = 0;
  let written = 0;
  for await (const part of parts(run)) {
    const found = part.map((line) => readLine(line, rowOf));
    await database.withTransaction(async (transaction) => {
      const table = await transaction.getStore(Table, store);
      for (const { key, value } of found) {
        const before = await table.getOption(key);
        if (before !== undefined && sortedJson(before) === sortedJson(value)) continue;
        await table.set(key, value);
        written++;
      }
    });
    read += found.length;
    if (run.signal.aborted) throw run.signal.reason;
  }
  run.out.result(
    { rows: read, written },
    `Imported ${many(read, "row")}, ${written} of them new or changed.`,
  );
}

function rowOf(line: string): { key: string; value: JsonRow } {
  const { key, value } = (parsePlainJson(line) ?? {}) as { key?: unknown; value?: unknown };
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (typeof key === "string" && isObject) return { key, value: value as JsonRow };
  throw new Error('it must be {"key":"…","value":{…}}');
}
