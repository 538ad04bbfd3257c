import type { Database } from "../../mod.ts";
import { bed } from "../bed.ts";
import type { Case, Run, Scope, Suite } from "../case.ts";
import { startDaemon } from "../daemon.ts";
import { commitMany, commitOne, readOne } from "../workloads.ts";

/** What is done with one database. */
type Work = (database: Database, at: number) => Promise<void>;

const commit: Work = (database, at) => commitOne(database, `key_${at % 100}`, "value");
const read: Work = (database) => readOne(database, "key_1");

/** Work on an instance of this process. */
async function alone(work: Work): Promise<Run> {
  const { database, remove } = await bed("memory");
  await commitMany(database, 0, 20);
  let at = 0;
  return { step: () => work(database, at++), end: () => remove() };
}

/** The same by clients of a daemon that serves an instance in memory, each on a database of its own. */
async function clients(count: number, work: Work): Promise<Run> {
  const { open, remove } = await startDaemon();
  const databases = await Promise.all(Array.from({ length: count }, () => open()));
  for (const database of databases) await commitMany(database, 0, 20);
  let at = 0;
  const step = () => Promise.all(databases.map((database) => work(database, at++)));
  return { step, end: () => remove() };
}

/** A commit until another client is told of it. */
async function told(): Promise<Run> {
  const { open, remove } = await startDaemon();
  const writer = await open();
  await commitMany(writer, 0, 20);
  const reader = await open(writer.rootId);
  let heard = () => {};
  await reader.onWrite(() => heard());
  let at = 0;
  const step = async () => {
    const isHeard = new Promise<void>((done) => heard = done);
    await Promise.all([commit(writer, at++), isHeard]);
  };
  return { step, end: () => remove() };
}

/** What a daemon costs its clients, and what several of them do together. */
export function daemon(_: Scope): Suite {
  const commits = { unit: "commits" };
  const [writing, together] = ["commit through a daemon", "clients of a daemon"];
  const cases: Case[] = [
    { ...commits, group: writing, name: "local", baseline: true, prepare: () => alone(commit) },
    { ...commits, group: writing, name: "client", prepare: () => clients(1, commit) },
    { ...commits, group: writing, name: "client, told to another", prepare: () => told() },
    ...[1, 8].map((count): Case => ({
      ...commits,
      group: together,
      name: `${count} client${count === 1 ? "" : "s"}`,
      each: count,
      baseline: count === 1,
      prepare: () => clients(count, commit),
    })),
    ...(["local", "client"] as const).map((name): Case => ({
      group: "read again through a daemon",
      name,
      unit: "reads",
      baseline: name === "local",
      prepare: () => name === "local" ? alone(read) : clients(1, read),
    })),
  ];
  return { name: "daemon", cases };
}
