import type { Command } from "../frame/command.ts";
import { shown } from "../frame/text.ts";
import { findDatabase } from "../databases.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { acting } from "../session.ts";

/** `eidetica db rename`. */
export const dbRename: Command = {
  about: "Give a database another name",
  options: STORAGE,
  positionals: [DATABASE, { name: "NAME", help: "The new name" }],
  examples: ["eidetica db rename orchard apples"],
  run: async (run) => {
    const { values, out } = run;
    const name = values.text("NAME");
    await acting(run, async (user, instance) => {
      const { root } = await findDatabase(instance, values.text("DB"));
      const database = await user.openDatabase(root);
      await database.withTransaction((tx) => tx.getSettings().setName(name));
      out.result({ id: root.toString(), name }, `Renamed to ${shown(name)}`);
    });
  },
};
