import { Database } from "../../database/database.ts";
import { toPlain } from "../../crdt/convert.ts";
import { Snapshot } from "../../entry/snapshot.ts";
import type { AtOptions } from "../../database/database_view.ts";
import { Counter } from "../../store/counter.ts";
import { DocStore } from "../../store/doc_store.ts";
import { Table } from "../../store/table.ts";
import type { Command, Run } from "../frame/command.ts";
import { EXIT, Failure } from "../frame/failure.ts";
import { sortedJson } from "../frame/output.ts";
import { suggest } from "../frame/suggest.ts";
import { EntryReader } from "../entries.ts";
import { findDatabase } from "../databases.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { reading } from "../session.ts";
import { kindOf, noStore } from "../stores.ts";

/** `eidetica db get`. */
export const dbGet: Command = {
  about: "Read a value, a document or the rows of a table",
  options: [
    { name: "at", value: "ENTRY", help: "As it was when this entry was the last one" },
    ...STORAGE,
  ],
  positionals: [
    DATABASE,
    { name: "STORE", help: "Name of a store", completes: "store" },
    { name: "PATH", help: "Path of a value (a.b.c), or key of a row", optional: true },
  ],
  examples: ["eidetica db get orchard trees t-0417", "eidetica db get orchard notes meta.author"],
  run: (run) =>
    reading(run, async (instance) => {
      const { root } = await findDatabase(instance, run.values.text("DB"));
      const database = await Database.open(instance, root);
      const at = run.values.get("at");
      const entry = at === undefined
        ? undefined
        : await (await EntryReader.of(instance, database)).find(at);
      return await read(run, database, entry && { at: Snapshot.of([entry.id]) });
    }),
};

async function read(run: Run, database: Database, at: AtOptions | undefined): Promise<void> {
  const store = run.values.text("STORE");
  switch (await kindOf(database, store, at)) {
    case "doc":
      return await readDocument(run, database, store, at);
    case "table":
      return await readTable(run, database, store, at);
    case "counter":
      return run.out.value(await (await database.getStoreViewer(Counter, store, at)).value());
    default:
      throw await noStore(database, store);
  }
}

async function readDocument(
  { values, out }: Run,
  database: Database,
  store: string,
  at: AtOptions | undefined,
): Promise<void> {
  const viewer = await database.getStoreViewer(DocStore, store, at);
  const path = values.get("PATH");
  const all = await viewer.getAll();
  const value = path === undefined ? all : all.get(path);
  if (value !== undefined) return print(out, toPlain(value));
  throw missing(path!, Object.keys(all.toObject()));
}

async function readTable(
  { values, out, signal }: Run,
  database: Database,
  store: string,
  at: AtOptions | undefined,
): Promise<void> {
  const viewer = await database.getStoreViewer(Table, store, at);
  const key = values.get("PATH");
  if (key === undefined) {
    for await (const [rowKey, value] of viewer.entries()) {
      if (signal.aborted) throw signal.reason;
      out.value({ key: rowKey, value });
    }
    return;
  }
  const row = await viewer.getOption(key);
  if (row !== undefined) return print(out, row);
  const keys: string[] = [];
  for await (const [rowKey] of viewer.entries()) keys.push(rowKey);
  throw missing(key, keys);
}

function missing(path: string, known: readonly string[]): Failure {
  const near = suggest(path, known);
  return new Failure(`Cannot find anything at "${path}".`, {
    code: "KeyNotFound",
    exit: EXIT.failed,
    ...near !== undefined && { next: `did you mean "${near}"?` },
  });
}

/** A value, for people over several lines. */
function print(out: Run["out"], value: unknown): void {
  const text = sortedJson(value);
  out.line(out.isTerminal ? JSON.stringify(JSON.parse(text), null, 2) : text);
}
