import { DocStore } from "../../store/doc_store.ts";
import { Table } from "../../store/table.ts";
import { change } from "../change.ts";
import type { Command } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { kindOf, noStore } from "../stores.ts";

/** `eidetica db del`. */
export const dbDel: Command = {
  about: "Delete a value or a row",
  options: STORAGE,
  positionals: [
    DATABASE,
    { name: "STORE", help: "Name of a store", completes: "store" },
    { name: "PATH", help: "Path of a value (a.b.c), or key of a row" },
  ],
  examples: ["eidetica db del orchard trees t-0417"],
  run: async (run) => {
    const store = run.values.text("STORE");
    const path = run.values.text("PATH");
    await change(run, "Deleted 1 value", async (transaction, database) => {
      const kind = await kindOf(database, store);
      if (kind === undefined) throw await noStore(database, store);
      const type = kind === "table" ? Table : DocStore;
      if (await (await transaction.getStore<Table | DocStore>(type, store)).delete(path)) return;
      throw new Failure(`Cannot find anything at "${path}".`, { code: "KeyNotFound" });
    });
  },
};
