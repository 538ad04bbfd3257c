import { Database } from "../../database/database.ts";
import type { Instance } from "../../instance/instance.ts";
import type { Command, Run } from "../frame/command.ts";
import { many, shown } from "../frame/text.ts";
import { authOf } from "../entries.ts";
import { findDatabase, type Found } from "../databases.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { reading } from "../session.ts";
import { showEntry } from "../show_entry.ts";

/** `eidetica db show`. */
export const dbShow: Command = {
  about: "Show a database, or one entry of it",
  options: STORAGE,
  positionals: [DATABASE, {
    name: "ENTRY",
    help: "ID of an entry, or a part of it",
    optional: true,
  }],
  examples: ["eidetica db show orchard", "eidetica db show orchard sxbl72f6 --json"],
  run: (run) =>
    reading(run, async (instance) => {
      const found = await findDatabase(instance, run.values.text("DB"));
      const entry = run.values.get("ENTRY");
      if (entry === undefined) return await showDatabase(run, instance, found);
      await showEntry(run, instance, await Database.open(instance, found.root), entry);
    }),
};

async function showDatabase(
  { out }: Run,
  instance: Instance,
  { root, name }: Found,
): Promise<void> {
  const database = await Database.open(instance, root);
  const stores = await storesOf(database);
  const keys = (await authOf(database)).getAllKeys().length;
  const { length: tips } = await instance.backend.snapshot(root);
  out.result(
    { id: root.toString(), name: name ?? null, tips, keys, stores },
    `${name === undefined ? "(no name)" : shown(name)}  ${root}`,
    `${many(tips, "tip")}, ${many(keys, "key")}, ${many(stores.length, "store")}`,
    ...stores.map(({ name, type }) => `  ${shown(name)}  ${shown(type)}`),
  );
}

/** The stores of a database, with their types. */
export async function storesOf(database: Database): Promise<{ name: string; type: string }[]> {
  const registry = (await database.newTransaction()).getIndex();
  const names = (await registry.list()).sort();
  return await Promise.all(
    names.map(async (name) => ({ name, type: (await registry.getEntry(name)).typeId })),
  );
}
