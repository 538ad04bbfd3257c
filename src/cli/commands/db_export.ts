import { Database } from "../../database/database.ts";
import type { Instance } from "../../instance/instance.ts";
import { Table } from "../../store/table.ts";
import type { Command, Run } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { sortedJson } from "../frame/output.ts";
import { Progress } from "../frame/progress.ts";
import { bytes, many } from "../frame/text.ts";
import { findDatabase } from "../databases.ts";
import { HISTORY, type HistoryHead } from "../history_file.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { reading } from "../session.ts";
import { sinkOf } from "../sink.ts";
import { kindOf, noStore } from "../stores.ts";

/** `eidetica db export`. */
export const dbExport: Command = {
  about: "Write rows, or the whole history, as JSON lines",
  options: [
    { name: "rows", value: "STORE", help: "The rows of a table", excludes: "history" },
    { name: "history", help: "All entries, as they are signed; what is meant without --rows" },
    {
      name: "output",
      short: "o",
      value: "FILE",
      help: "Where to; standard output unless told, or -",
    },
    ...STORAGE,
  ],
  positionals: [DATABASE],
  examples: [
    "eidetica db export orchard --rows trees -o trees.ndjson",
    "eidetica db export orchard --history -o orchard.ndjson",
  ],
  run: (run) => reading(run, (instance) => exportTo(run, instance)),
};

async function exportTo(run: Run, instance: Instance): Promise<void> {
  const { values, out } = run;
  const { root } = await findDatabase(instance, values.text("DB"));
  const database = await Database.open(instance, root);
  const store = values.get("rows");
  const lines = store === undefined ? history(run, instance, database) : rows(database, store);
  const sink = await sinkOf(values.get("output"));
  let written = 0;
  let size = 0;
  try {
    for await (const line of lines) {
      if (run.signal.aborted) throw run.signal.reason;
      size += await sink.write(`${line}\n`);
      written++;
    }
    await sink.keep();
  } catch (error) {
    await sink.discard();
    throw error;
  }
  const what = store === undefined ? many(written - 1, "entry", "entries") : many(written, "row");
  out.note(`Exported ${what}, ${bytes(size)}.`);
}

async function* rows(database: Database, store: string): AsyncGenerator<string> {
  const kind = await kindOf(database, store);
  if (kind === undefined) throw await noStore(database, store);
  if (kind !== "table") {
    throw new Failure(`Cannot export the rows of "${store}": it is no table.`, {
      code: "UnknownStoreType",
      next: "eidetica db get prints documents",
    });
  }
  const viewer = await database.getStoreViewer(Table, store);
  for await (const [key, value] of viewer.entries()) yield sortedJson({ key, value });
}

async function* history(
  { out }: Run,
  instance: Instance,
  { rootId }: Database,
): AsyncGenerator<string> {
  const entries = await instance.backend.getTree(rootId);
  const head: HistoryHead = {
    type: HISTORY,
    version: 1,
    root: rootId.toString(),
    entries: entries.length,
  };
  yield sortedJson(head);
  const progress = new Progress("Exporting", out);
  for (const [at, entry] of entries.entries()) {
    yield entry.stringify();
    progress.at({ done: at + 1, total: entries.length });
  }
  progress.end();
}
