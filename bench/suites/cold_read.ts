import { rmSync } from "node:fs";
import type { Database, Instance } from "../../mod.ts";
import { bed } from "../bed.ts";
import type { Case, Figure, Run, Scope, Suite } from "../case.ts";
import { leastPrinted } from "../program.ts";
import { fill, fillDocument, readKey, readOne, scan } from "../state_workloads.ts";
import { open } from "../storage_workloads.ts";

type Fill = (database: Database, from: number, count: number) => Promise<void>;

/** A closed SQLite file that holds what `write` wrote; the folder of the file. */
async function written(write: Fill, count: number): Promise<string> {
  const { instance, database, folder } = await bed("sqlite");
  await write(database, 0, count);
  await instance.close();
  return folder;
}

function drop(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** The first read of an instance that was opened right before, which is not timed. */
async function firstRead(
  write: Fill,
  count: number,
  read: (database: Database) => Promise<unknown>,
): Promise<Run> {
  const folder = await written(write, count);
  let opened: { instance: Instance; database: Database } | undefined;
  return {
    async before(): Promise<void> {
      await opened?.instance.close();
      opened = await open("sqlite", folder);
    },
    step: () => read(opened!.database),
    async end(): Promise<void> {
      await opened?.instance.close();
      drop(folder);
    },
  };
}

const READS = [
  ["one row of a table", fill, (database: Database) => readOne(database, 0)],
  ["all rows of a table", fill, scan],
  ["one key of a document", fillDocument, (database: Database) => readKey(database, 0)],
] as const;

/** From the first line of a program until it has read a row. */
async function firstReadOfProcess(count: number, rounds: number): Promise<number> {
  const folder = await written(fill, count);
  const time = leastPrinted(rounds, "first_read.ts", folder);
  drop(folder);
  return time;
}

/** First reads of SQLite files whose states nobody holds in memory; the files are in the system's cache. */
export function coldReads({ quick, large }: Scope): Suite {
  const sizes = quick ? [100, 200] : [1000, 10_000, ...(large ? [100_000] : [])];
  const cases = READS.flatMap(([name, write, read]) =>
    sizes.map((count): Case => ({
      group: `cold read: ${name}`,
      name: `of ${count.toLocaleString("en")}`,
      unit: "reads",
      baseline: count === sizes[0],
      prepare: () => firstRead(write, count, read),
    }))
  );
  const figures = sizes.map((count): Figure => ({
    group: "cold start",
    name: `import, open and read a row of ${count.toLocaleString("en")}`,
    unit: "ms",
    measure: () => firstReadOfProcess(count, quick ? 1 : 7),
  }));
  return { name: "cold-read", cases, figures };
}
