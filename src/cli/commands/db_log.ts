import { countEntries } from "../../console/entry_counts.ts";
import { Database } from "../../database/database.ts";
import type { Instance } from "../../instance/instance.ts";
import type { Command, Run } from "../frame/command.ts";
import { count, many } from "../frame/text.ts";
import { findDatabase, shortId } from "../databases.ts";
import { type EntryFacts, EntryReader } from "../entries.ts";
import { entryJson, entryRow } from "../entry_lines.ts";
import { DATABASE, LIMIT, STORAGE } from "../options.ts";
import { reading } from "../session.ts";

/** `eidetica db log`. */
export const dbLog: Command = {
  about: "Show who wrote what, when, and whether it counts",
  options: [
    LIMIT,
    { name: "by", value: "KEY", help: "Only what this key has signed, by label or its beginning" },
    { name: "store", value: "STORE", help: "Only what changes this store" },
    {
      name: "status",
      value: "STATUS",
      choices: ["Verified", "Unverified", "Failed"],
      help: "Only what has this verdict",
    },
    { name: "before", value: "ENTRY", help: "Only what is older than this entry" },
    ...STORAGE,
  ],
  positionals: [DATABASE],
  examples: ["eidetica db log orchard -n 4", "eidetica db log orchard --status Failed --json"],
  run: (run) => reading(run, (instance) => show(run, instance)),
};

async function show(run: Run, instance: Instance): Promise<void> {
  const { values, out } = run;
  const { root } = await findDatabase(instance, values.text("DB"));
  const reader = await EntryReader.of(instance, await Database.open(instance, root));
  const rows: string[][] = [];
  let last: EntryFacts | undefined;
  for await (const facts of chosen(run, reader)) {
    last = facts;
    if (out.json) out.value(entryJson(facts));
    else rows.push(entryRow(facts, out));
  }
  if (out.json) return;
  out.table(["", "HEIGHT", "ENTRY", "BY", "CLAIMED", "CHANGE"], rows);
  await footer(run, instance, reader, last);
}

/** The entries that the options ask for. */
async function* chosen(
  { values, signal }: Run,
  reader: EntryReader,
): AsyncGenerator<EntryFacts, void> {
  const before = values.get("before");
  const end = before === undefined ? undefined : await reader.find(before);
  let left = Number(values.text("limit"));
  let isOlder = end === undefined;
  for await (const entry of reader.newestFirst()) {
    if (signal.aborted) throw signal.reason;
    const isEnd = end !== undefined && entry.id.equals(end.id);
    if (isOlder && left > 0) {
      const facts = await reader.facts(entry);
      if (!isWanted(facts, values)) continue;
      yield facts;
      left--;
    }
    isOlder ||= isEnd;
    if (left === 0) return;
  }
}

function isWanted({ key, name, stores, status }: EntryFacts, values: Run["values"]): boolean {
  const by = values.get("by");
  const store = values.get("store");
  const isBy = by === undefined || name === by || key.startsWith(by) ||
    key.startsWith(`ed25519:${by}`);
  return isBy && (store === undefined || stores.some((change) => change.name === store)) &&
    (values.get("status") ?? status) === status;
}

async function footer(
  { out }: Run,
  instance: Instance,
  { root }: EntryReader,
  last: EntryFacts | undefined,
): Promise<void> {
  const { all, unverified, failed } = await countEntries(instance.host.backend, root);
  const parts: string[] = [];
  if (unverified + failed > 0) {
    const total = many(all, "entry", "entries");
    parts.push(`${count(unverified)} of ${total} wait, ${count(failed)} failed.`);
  }
  if (last !== undefined && !last.entry.isRoot) {
    parts.push(`Older: --before ${shortId(last.entry.id)}`);
  }
  if (parts.length > 0) out.note(parts.join(" "));
}
