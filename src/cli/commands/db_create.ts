import type { Command } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { shown } from "../frame/text.ts";
import { shortId } from "../databases.ts";
import { jsonOf } from "../json_value.ts";
import { STORAGE } from "../options.ts";
import { acting } from "../session.ts";

/** `eidetica db create`. */
export const dbCreate: Command = {
  about: "Make a database",
  options: [
    { name: "setting", value: "K=JSON", help: "A setting of the database, such as times=false" },
    ...STORAGE,
  ],
  positionals: [{ name: "NAME", help: "Name of the database" }],
  examples: ["eidetica db create orchard", "eidetica db create orchard --user ada --json"],
  run: async (run) => {
    const { values, out } = run;
    const name = values.text("NAME");
    const settings = { ...settingOf(values.get("setting")), name };
    await acting(run, async (user) => {
      const same = await user.findDatabase(name);
      if (same.length > 0) out.note(`There is another database "${shown(name)}"; both are kept.`);
      const { rootId: id } = await user.createDatabase(settings);
      const key = user.defaultKey().toString();
      const text = out.isTerminal ? shortId(id) : id.toString();
      out.result({ id: id.toString(), name, key }, `Created ${shown(name)}  ${text}`);
    });
  },
};

function settingOf(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  const at = text.indexOf("=");
  if (at > 0) return { [text.slice(0, at)]: jsonOf(text.slice(at + 1)) };
  const message = `Cannot read the setting "${text}": it must be a name, = and a value.`;
  throw new Failure(message, { code: "InvalidSetting", next: "--setting 'note=\"apples\"'" });
}
