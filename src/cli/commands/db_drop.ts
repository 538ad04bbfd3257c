import { countEntries } from "../../console/entry_counts.ts";
import type { Command, Run } from "../frame/command.ts";
import { EXIT, Failure } from "../frame/failure.ts";
import { shown } from "../frame/text.ts";
import { findDatabase, type Found, shortId } from "../databases.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { askLine, mayAsk } from "../prompt.ts";
import { acting } from "../session.ts";

/** `eidetica db drop`. */
export const dbDrop: Command = {
  about: "Forget a database for the user who acts",
  options: [
    {
      name: "confirm",
      value: "NAME",
      help: "The name again, so that nobody is dropped by mistake",
    },
    ...STORAGE,
  ],
  positionals: [DATABASE],
  examples: ["eidetica db drop orchard --confirm orchard"],
  run: async (run) => {
    await acting(run, async (user, instance) => {
      const { root, name } = await findDatabase(instance, run.values.text("DB"));
      await confirm(run, { root, name });
      const { all: entries } = await countEntries(instance.host.backend, root);
      await user.untrackDatabase(root);
      run.out.result(
        { id: root.toString(), entries },
        `Dropped for ${
          shown(user.username)
        }. Its entries stay in the storage, and other peers keep theirs.`,
      );
    });
  },
};

/** Wants the name once more. */
async function confirm({ values, signal }: Run, { root, name }: Found): Promise<void> {
  const wanted = name ?? shortId(root);
  const given = values.get("confirm") ??
    (mayAsk(values) ? await askLine(`Type ${shown(wanted)} to drop it: `, signal) : undefined);
  if (given === wanted) return;
  const why = given === undefined ? "nobody has confirmed it" : `"${given}" is not its name`;
  const options = { code: "NotConfirmed", next: `--confirm ${wanted}`, exit: EXIT.failed };
  throw new Failure(`Cannot drop ${wanted}: ${why}.`, options);
}
