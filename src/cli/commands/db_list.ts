import type { Command } from "../frame/command.ts";
import { databaseRoots } from "../databases.ts";
import { BACKEND } from "../options.ts";
import { openToRead, placeOf } from "../place.ts";

/** `eidetica db list`. */
export const dbList: Command = {
  about: "List the databases of a storage",
  options: BACKEND,
  examples: ["eidetica db list", "eidetica db list --json"],
  run: async ({ values, out, signal }) => {
    const instance = await openToRead(placeOf(values), { signal });
    try {
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

/** Two columns, each as wide as its widest cell; scripts cut them at fixed places. */
function table(rows: readonly { id: string; tips: number }[]): string[] {
  const cells = [["ROOT ID", "TIPS"], ...rows.map(({ id, tips }) => [id, String(tips)])];
  const widths = [0, 1].map((at) => Math.max(...cells.map((row) => row[at]!.length)));
  return cells.map((row) => row.map((text, at) => text.padEnd(widths[at]!)).join("  "));
}
