import { setTimeout } from "node:timers/promises";
import { Database } from "../../database/database.ts";
import type { WriteEvent } from "../../database/host.ts";
import type { Instance } from "../../instance/instance.ts";
import type { Command, Run } from "../frame/command.ts";
import { count, many, shown } from "../frame/text.ts";
import { isConnected } from "../connected.ts";
import { findDatabase, shortId } from "../databases.ts";
import { type EntryFacts, EntryReader } from "../entries.ts";
import { changeOf, entryJson, mark, who } from "../entry_lines.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { interrupted } from "../serving.ts";
import { reading } from "../session.ts";

/** How often a daemon is asked whether it is still there, in milliseconds. */
const ASK_MS = 1000;

/** `eidetica db watch`. */
export const dbWatch: Command = {
  about: "Follow the changes of a database",
  options: [
    { name: "store", value: "STORE", help: "Only what changes this store" },
    ...STORAGE,
  ],
  positionals: [DATABASE],
  examples: ["eidetica db watch orchard", "eidetica db watch orchard --json | jq .source"],
  run: (run) => reading(run, (instance) => watch(run, instance)),
};

async function watch(run: Run, instance: Instance): Promise<void> {
  const { out, values, signal } = run;
  const { root, name } = await findDatabase(instance, values.text("DB"));
  const database = await Database.open(instance, root);
  const { tips } = await database.snapshot();
  let seen = 0;
  const callback = await database.onWrite(async (event) => {
    seen += await tell(run, instance, database, event);
  });
  out.note(`Watching ${shown(name ?? shortId(root))}, ${many(tips.length, "tip")}. Ctrl+C stops.`);
  try {
    await (isConnected(instance) ? lostOrInterrupted(database, signal) : interrupted(signal));
  } finally {
    callback[Symbol.dispose]();
  }
  if (out.json) out.value({ type: "end", reason: signal.reason });
  else out.note(`${many(seen, "entry", "entries")}.`);
}

/** Resolves with the first interrupt; fails when the daemon has gone, which can tell of nothing any more. */
async function lostOrInterrupted(database: Database, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await database.snapshot();
    await setTimeout(ASK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Tells of what was written; gives how many entries. */
async function tell(
  { out, values }: Run,
  instance: Instance,
  database: Database,
  event: WriteEvent,
): Promise<number> {
  const reader = await EntryReader.of(instance, database);
  const all = await Promise.all(event.entries.map((entry) => reader.facts(entry)));
  const store = values.get("store");
  const facts = all.filter(({ stores }) =>
    store === undefined || stores.some(({ name }) => name === store)
  );
  if (facts.length === 0) return 0;
  if (!out.json) {
    for (const one of facts) out.line(line(one, event, out));
    return facts.length;
  }
  out.value({
    type: "write",
    source: event.source,
    previous_tips: event.previousTips.tips.map(String),
    post_tips: event.postTips.tips.map(String),
    entries: facts.map(entryJson),
  });
  return facts.length;
}

function line(facts: EntryFacts, { source }: WriteEvent, out: Run["out"]): string {
  const { entry, status } = facts;
  const time = new Date().toISOString();
  return [
    out.isTerminal ? time.slice(11, 19) : time,
    `${mark(status, out)} ${source.padEnd(6)}`,
    count(entry.height),
    out.style("cyan", out.isTerminal ? shortId(entry.id) : entry.id.toString()),
    who(facts, out),
    changeOf(facts),
  ].join("  ");
}
