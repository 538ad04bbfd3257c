import type { Instance } from "../../instance/instance.ts";
import { Database } from "../../database/database.ts";
import type { Command, Run } from "../frame/command.ts";
import { EXIT } from "../frame/failure.ts";
import { Progress } from "../frame/progress.ts";
import { count } from "../frame/text.ts";
import { findDatabase } from "../databases.ts";
import { EntryReader } from "../entries.ts";
import { entryJson } from "../entry_lines.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { writing } from "../session.ts";

/** `eidetica db verify`. */
export const dbVerify: Command = {
  about: "Judge what waits, and count verdicts",
  options: [
    { name: "again", help: "Check every signature once more, whatever its verdict" },
    ...STORAGE,
  ],
  positionals: [DATABASE],
  examples: ["eidetica db verify orchard", "eidetica db verify orchard --again --json"],
  run: (run) => writing(run, (instance) => verify(run, instance)),
};

async function verify(run: Run, instance: Instance): Promise<number> {
  const { values, out, signal } = run;
  const { root } = await findDatabase(instance, values.text("DB"));
  const database = await Database.open(instance, root);
  const progress = new Progress("Verifying", out);
  await database.verify({ signal, onProgress: (at) => progress.at(at) });
  const { counts, bad } = await tally(run, instance, database, progress);
  progress.end();
  out.result(
    { ...counts, entries: bad },
    `${count(counts.verified)} Verified, ${count(counts.unverified)} waiting, ${
      count(counts.failed)
    } failed.`,
  );
  return counts.failed > 0 ? EXIT.failed : 0;
}

/** Counts the verdicts; with `--again` each signature is checked, and one that does not hold counts as failed. */
async function tally(
  { values, signal }: Run,
  instance: Instance,
  database: Database,
  progress: Progress,
): Promise<{ counts: Record<"verified" | "unverified" | "failed", number>; bad: unknown[] }> {
  const counts = { verified: 0, unverified: 0, failed: 0 };
  const bad: unknown[] = [];
  const reader = await EntryReader.of(instance, database);
  const entries = await instance.backend.getTree(database.rootId);
  for (const [at, entry] of entries.entries()) {
    if (signal.aborted) throw signal.reason;
    const facts = await reader.facts(entry);
    const holds = facts.status !== "Verified" || !values.has("again") ||
      await database.verifyEntrySignature(entry.id);
    const status = holds ? facts.status : "Failed";
    counts[status.toLowerCase() as keyof typeof counts]++;
    if (status !== "Verified") bad.push({ ...entryJson(facts), status });
    progress.at({ done: at + 1, total: entries.length });
  }
  return { counts, bad };
}
