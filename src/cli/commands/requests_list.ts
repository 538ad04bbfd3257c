import type { Command } from "../frame/command.ts";
import { shown } from "../frame/text.ts";
import { nameOf, shortId } from "../databases.ts";
import { when } from "../entry_lines.ts";
import { STORAGE } from "../options.ts";
import { allRequests, requestJson } from "../requests.ts";
import { writing } from "../session.ts";
import { knownSync } from "../sharing.ts";

/** `eidetica requests list`. */
export const requestsList: Command = {
  about: "List the requests that nobody has decided",
  options: [{ name: "all", help: "Those that were decided, too" }, ...STORAGE],
  examples: ["eidetica requests list", "eidetica requests list --all --json"],
  run: (run) =>
    writing(run, async (instance) => {
      const { out, values } = run;
      const sync = await knownSync(instance);
      const all = sync === undefined ? [] : await allRequests(sync);
      const found = all.filter(([, { status }]) => values.has("all") || status.state === "Pending");
      if (out.json) return out.value(found.map(([id, request]) => requestJson(id, request)));
      if (found.length === 0) return out.line("Nobody asks for access.");
      const rows = await Promise.all(found.map(async ([id, request]) => {
        const note = request.metadata?.get("note");
        return [
          id,
          shown(await nameOf(instance, request.treeId) ?? shortId(request.treeId)),
          shown(request.requestingKeyName),
          request.requestedPermission.display(),
          request.status.state,
          when(Date.parse(request.timestamp), out),
          typeof note === "string" ? shown(note) : "",
        ];
      }));
      out.table(["ID", "DATABASE", "WHO", "WANTS", "STATE", "SINCE", "NOTE"], rows);
    }),
};
