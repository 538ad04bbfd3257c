import type { Database } from "../database/database.ts";
import type { AtOptions } from "../database/database_view.ts";
import { INDEX, ROOT, SETTINGS } from "../entry/constants.ts";
import { Counter } from "../store/counter.ts";
import { DocStore } from "../store/doc_store.ts";
import { Table } from "../store/table.ts";
import { Failure } from "./frame/failure.ts";
import { suggest } from "./frame/suggest.ts";

/** The kinds of stores that the command reads and writes. */
export type StoreKind = "doc" | "table" | "counter";

const KINDS: Readonly<Record<string, StoreKind>> = {
  [DocStore.typeId]: "doc",
  [Table.typeId]: "table",
  [Counter.typeId]: "counter",
  // Of the same form, under the name that older software gives it.
  "doc:v0": "doc",
};

/** The kind of a store; undefined where there is no such store. */
export async function kindOf(
  database: Database,
  name: string,
  at?: AtOptions,
): Promise<StoreKind | undefined> {
  const registry = (await database.newTransaction(at)).getIndex();
  const info = await registry.find(name);
  if (info === undefined) return undefined;
  const kind = KINDS[info.typeId];
  if (kind !== undefined) return kind;
  throw new Failure(`Cannot show the store "${name}": it is of the type ${info.typeId}.`, {
    code: "UnknownStoreType",
    next: "the command knows documents, tables and counters; use the library for others",
  });
}

/** Fails for a store in which the database keeps its rights, its name or its list of stores. */
export function requireOfUsers(name: string): void {
  if (name !== SETTINGS && name !== INDEX && name !== ROOT) return;
  throw new Failure(`Cannot write to "${name}": the database keeps its own in it.`, {
    code: "ReservedStore",
    next: "eidetica db keys DB grant KEY PERM, or eidetica db rename DB NAME",
  });
}

/** There is no store of this name. */
export async function noStore(database: Database, name: string): Promise<Failure> {
  const names = await (await database.newTransaction()).getIndex().list();
  const near = suggest(name, names);
  return new Failure(`Cannot find a store "${name}" in this database.`, {
    code: "StoreNotFound",
    now: names.length === 0 ? "it has no stores" : `it has ${names.sort().join(", ")}`,
    ...near !== undefined && { next: `did you mean "${near}"?` },
  });
}
