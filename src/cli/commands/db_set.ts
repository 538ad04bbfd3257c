import type { Transaction } from "../../transaction/transaction.ts";
import type { Database } from "../../database/database.ts";
import { Counter } from "../../store/counter.ts";
import { DocStore } from "../../store/doc_store.ts";
import { type JsonRow, Table } from "../../store/table.ts";
import { change } from "../change.ts";
import type { Command, Values } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { jsonOf } from "../json_value.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { kindOf, requireOfUsers, type StoreKind } from "../stores.ts";
import { readInput } from "../users.ts";

/** `eidetica db set`. */
export const dbSet: Command = {
  about: "Write a value or a row",
  options: [
    { name: "table", help: "Make the store a table when it is new", excludes: "doc" },
    { name: "doc", help: "Make the store a document when it is new" },
    ...STORAGE,
  ],
  positionals: [
    DATABASE,
    { name: "STORE", help: "Name of a store", completes: "store" },
    { name: "PATH", help: "Path of a value (a.b.c), or key of a row" },
    { name: "JSON", help: "The value as JSON; - reads it from standard input" },
  ],
  examples: [
    `eidetica db set orchard notes meta.author '"ada"'`,
    `eidetica db set orchard trees t-0417 '{"planted":1974}' --table`,
  ],
  run: async (run) => {
    const { values } = run;
    const text = values.text("JSON") === "-" ? await readInput() : values.text("JSON");
    const value = jsonOf(text);
    await change(run, "Wrote 1 value", (tx, database) => write(tx, database, values, value));
  },
};

async function write(
  transaction: Transaction,
  database: Database,
  values: Values,
  value: unknown,
): Promise<void> {
  const store = values.text("STORE");
  const path = values.text("PATH");
  requireOfUsers(store);
  const kind = await kindOf(database, store) ?? wished(values, store);
  if (kind === "table") {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return await (await transaction.getStore(Table, store)).set(path, value as JsonRow);
    }
    throw new Failure(`Cannot write a row of "${store}": it must be a JSON object.`, {
      code: "InvalidRow",
      next: `eidetica db set DB ${store} ${path} '{"name":"value"}'`,
    });
  }
  if (kind === "doc") {
    return await (await transaction.getStore(DocStore, store)).set(path, value as object);
  }
  throw new Failure(`Cannot set a value of "${store}": a ${Counter.name} only counts.`, {
    code: "UnknownStoreType",
    next: "use the library: counter.add(1)",
  });
}

/** What a new store is to be; nobody can tell from the value alone. */
function wished(values: Values, store: string): StoreKind {
  if (values.has("table")) return "table";
  if (values.has("doc")) return "doc";
  throw new Failure(`Cannot write to "${store}": it is new, and may be a table or a document.`, {
    code: "StoreNotFound",
    next: "say which with --table or --doc",
  });
}
