import { createReadStream } from "node:fs";
import process from "node:process";
import { countEntries } from "../../console/entry_counts.ts";
import type { Database } from "../../database/database.ts";
import { Entry } from "../../entry/entry.ts";
import { ID } from "../../entry/id.ts";
import type { Instance } from "../../instance/instance.ts";
import { type JsonRow, Table } from "../../store/table.ts";
import { unlessAborted } from "../../util/abort.ts";
import { parsePlainJson } from "../../util/json64.ts";
import type { Command, Run } from "../frame/command.ts";
import { EXIT, Failure } from "../frame/failure.ts";
import { sortedJson } from "../frame/output.ts";
import { many } from "../frame/text.ts";
import { findDatabase } from "../databases.ts";
import { type HistoryHead, isHistoryHead } from "../history_file.ts";
import { STORAGE } from "../options.ts";
import { acting, writing } from "../session.ts";
import { requireOfUsers } from "../stores.ts";

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
    requireBoth(run);
    if (!run.values.has("rows")) return await writing(run, (instance) => history(run, instance));
    await acting(run, async (user, instance) => {
      const { root } = await findDatabase(instance, run.values.text("db"));
      await rows(run, await user.openDatabase(root));
    });
  },
};

/** Rows need a database, and a history has its own. */
function requireBoth({ values }: Run): void {
  if (values.has("rows") === values.has("db")) return;
  const [given, other] = values.has("rows") ? ["--rows", "--db"] : ["--db", "--rows"];
  throw new Failure(`Cannot import: ${given} is given without ${other}.`, {
    code: "MissingArgument",
    next: "rows: --db DB --rows STORE; a history: neither of them",
    exit: EXIT.usage,
  });
}

/**
 * What the lines of a file give, some at a time. An interrupt ends them between two parts; where a line cannot be read,
 * those before it come first.
 */
async function* parts<T>(run: Run, read: (line: string) => readonly T[]): AsyncGenerator<T[]> {
  const lines = linesOf(run.values.text("FILE"));
  let part: T[] = [];
  for (let number = 1;; number++) {
    const next = await unlessAborted(run.signal, () => lines.next());
    if (next.done) break;
    try {
      if (next.value.trim() !== "") part.push(...read(next.value));
    } catch (cause) {
      if (part.length > 0) yield part;
      throw broken(number, cause);
    }
    if (part.length < PART) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** Lines of a file. Only a line feed ends one: texts in JSON may have the other signs that do so elsewhere. */
async function* linesOf(path: string): AsyncGenerator<string, void> {
  const stream = path === "-" ? process.stdin : createReadStream(path);
  stream.setEncoding("utf8");
  let rest = "";
  try {
    for await (const chunk of stream) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
  } catch (cause) {
    const { code = "Io" } = cause as { code?: string };
    const why = code === "ENOENT" ? "there is none" : `the system says ${code}`;
    throw new Failure(`Cannot read the file "${path}": ${why}.`, { code, cause });
  }
  if (rest !== "") yield rest;
}

function broken(number: number, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const { message } = cause as Error;
  return new Failure(`Cannot import line ${number}: ${message}`, {
    code: "InvalidLine",
    now: "the lines before are stored; this one and what follows are not",
    next: "mend the line and run it again: what is stored already stays as it is",
    cause,
  });
}

async function history(run: Run, instance: Instance): Promise<void> {
  const { out, signal } = run;
  let head: HistoryHead | undefined;
  let stored = 0;
  const read = (line: string): Entry[] => {
    if (head !== undefined) return [Entry.fromJSON(line)];
    head = headOf(line);
    return [];
  };
  for await (const entries of parts(run, read)) {
    await instance.putRemoteEntries(ID.parse(head!.root), entries, {});
    stored += entries.length;
    if (signal.aborted) throw signal.reason;
  }
  const { root, entries: all } = head ?? headOf(undefined);
  if (stored < all) throw cutOff(stored, all);
  const { all: _, ...total } = await countEntries(instance.host.backend, ID.parse(root));
  out.result(
    { id: root, entries: stored, ...total },
    `Imported ${
      many(stored, "entry", "entries")
    }: ${total.verified} Verified, ${total.unverified} waiting, ${total.failed} failed.`,
  );
}

function cutOff(stored: number, all: number): Failure {
  return new Failure(
    `Cannot import all of the history: the file has ${stored} of ${all} entries.`,
    {
      code: "InvalidHistory",
      now: "what it has is stored",
      next: "export it again and import that: what is stored already stays as it is",
    },
  );
}

function headOf(line: string | undefined): HistoryHead {
  const value = line === undefined ? undefined : parsePlainJson(line);
  if (isHistoryHead(value)) return value;
  throw new Failure("Cannot import the file: its first line is not that of an exported history.", {
    code: "InvalidHistory",
    next: "rows go into a table: --db DB --rows STORE",
  });
}

async function rows(run: Run, database: Database): Promise<void> {
  const store = run.values.text("rows");
  requireOfUsers(store);
  let read = 0;
  let written = 0;
  for await (const found of parts(run, (line) => [rowOf(line)])) {
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
