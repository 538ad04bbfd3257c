import { bed } from "../bed.ts";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { commitMany, commitOne, listen } from "../workloads.ts";
import { WriteEvents, type WriteOutcome } from "../../src/instance/write_events.ts";
import { Logger } from "../../src/util/log.ts";
import { Snapshot } from "../../mod.ts";

/** Callbacks on one database, one commit a step. */
async function listening(callbacks: number): Promise<Run> {
  const { database, remove } = await bed("memory");
  await commitMany(database, 0, 100);
  const { end, calls } = await listen(database, callbacks);
  let next = 100;
  let commits = 0;
  return {
    async step(): Promise<void> {
      commits++;
      await commitOne(database, `key_${next++}`, "value");
    },
    async end(): Promise<void> {
      end();
      if (calls() !== callbacks * commits) throw new Error("A callback was not called");
      await remove();
    },
  };
}

/** The dispatcher alone: what is added to a commit. */
async function dispatcher(callbacks: number): Promise<Run> {
  const { database, remove } = await bed("memory");
  await commitOne(database, "key", "value");
  const entry = (await database.getTipEntries())[0]!;
  await remove();
  const [before, after] = [Snapshot.of(entry.parents), Snapshot.of([entry.id])];
  const there = { previousTips: before, postTips: after };
  const back = { previousTips: after, postTips: before };
  const write: WriteOutcome = { tree: entry.root!, entries: [entry], source: "local", ...there };
  const events = new WriteEvents(new Logger("bench"));
  let calls = 0;
  for (let at = 0; at < callbacks; at++) {
    events.register(write.tree, before, before, () => void calls++);
  }
  let turn = 0;
  const read = () => Promise.reject(new Error("No callback lags behind"));
  return { step: () => events.invoke({ ...write, ...(turn++ % 2 === 0 ? there : back) }, read) };
}

/** Commits with callbacks that listen, and the dispatch of events by itself. */
export function dispatch({ quick }: Scope): Suite {
  const counts = [0, 1, 10, 100, 1000, 10_000].slice(0, quick ? 4 : 6);
  const named = (count: number) =>
    `${count.toLocaleString("en")} callback${count === 1 ? "" : "s"}`;
  const cases: Case[] = [
    ...counts.map((count): Case => ({
      group: "commit with callbacks, memory",
      name: named(count),
      unit: "commits",
      baseline: count === 0,
      prepare: () => listening(count),
    })),
    ...counts.slice(1).map((count): Case => ({
      group: "dispatch alone",
      name: named(count),
      unit: "calls",
      each: count,
      prepare: () => dispatcher(count),
    })),
  ];
  return { name: "dispatch", cases };
}
