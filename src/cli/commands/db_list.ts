import { countEntries } from "../../console/entry_counts.ts";
import type { Instance } from "../../instance/instance.ts";
import type { Command } from "../frame/command.ts";
import type { Output } from "../frame/output.ts";
import { count, shown } from "../frame/text.ts";
import { databaseRoots, nameOf, shortId } from "../databases.ts";
import { BACKEND } from "../options.ts";
import { openToRead, placeOf } from "../place.ts";

/** `eidetica db list`. */
export const dbList: Command = {
  about: "List the databases of a storage",
  options: [
    { name: "long", help: "Names and numbers of entries as well" },
    ...BACKEND,
  ],
  examples: ["eidetica db list", "eidetica db list --long", "eidetica db list --json"],
  run: async ({ values, out, signal }) => {
    const instance = await openToRead(placeOf(values), { signal });
    try {
      if (values.has("long")) return await listLong(out, instance);
      const rows: { id: string; tips: number }[] = [];
      for (const root of await databaseRoots(instance)) {
        const { length: tips } = await instance.backend.snapshot(root);
        rows.push({ id: root.toString(), tips });
      }
      if (out.json) out.value(rows);
      else if (rows.length === 0) out.line("No databases found.");
      else for (const line of table(rows)) out.line(line);
    } finally {
      await instance.close();
    }
  },
};

async function listLong(out: Output, instance: Instance): Promise<void> {
  const roots = await databaseRoots(instance);
  const rows = await Promise.all(roots.map(async (root) => ({
    id: root.toString(),
    name: await nameOf(instance, root) ?? null,
    tips: (await instance.backend.snapshot(root)).length,
    entries: (await countEntries(instance.host.backend, root)).all,
  })));
  if (out.json) return out.value(rows);
  if (rows.length === 0) return out.line("No databases found.");
  const cells = rows.map(({ id, name, tips, entries }) => [
    shown(name ?? "-"),
    out.isTerminal ? shortId(id) : id,
    String(tips),
    count(entries),
  ]);
  out.table(["NAME", "ID", "TIPS", "ENTRIES"], cells);
}

/** Two columns, each as wide as its widest cell; scripts cut them at fixed places. */
function table(rows: readonly { id: string; tips: number }[]): string[] {
  const cells = [["ROOT ID", "TIPS"], ...rows.map(({ id, tips }) => [id, String(tips)])];
  const widths = [0, 1].map((at) => Math.max(...cells.map((row) => row[at]!.length)));
  return cells.map((row) => row.map((text, at) => text.padEnd(widths[at]!)).join("  "));
}
