import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Instance, NewUser } from "../../mod.ts";
import { bed, temporaryFolder } from "../bed.ts";
import type { Figure, Scope, Suite } from "../case.ts";
import { leastPrinted } from "../program.ts";
import { commitMany } from "../workloads.ts";

/** Bytes of the files of a database after `count` one-key commits, per entry. */
async function bytesPerEntry(count: number): Promise<number> {
  const { instance, database, folder, remove } = await bed("sqlite");
  await commitMany(database, 0, count);
  let bytes = 0;
  // The log of the file is emptied into it when the last connection closes.
  await instance.close();
  for (const name of readdirSync(folder)) bytes += statSync(join(folder, name)).size;
  await remove();
  return bytes / count;
}

async function encodedBytes(): Promise<number> {
  const { database, remove } = await bed("memory");
  await commitMany(database, 0, 100);
  const length = (await database.getTipEntries())[0]!.bytes.length;
  await remove();
  return length;
}

/** Milliseconds of the start of a program that opens a file. */
async function coldOpen(rounds: number): Promise<number> {
  const { folder, remove } = temporaryFolder();
  const url = `sqlite://${join(folder, "start.db")}`;
  const { instance } = await Instance.connectOrCreate(url, NewUser.passwordless("bench_user"));
  await instance.close();
  const time = leastPrinted(rounds, "cold_start.ts", url);
  remove();
  return time;
}

/** What is not a matter of repetition: bytes, and starts of the process. */
export function size({ quick }: Scope): Suite {
  const rounds = quick ? 1 : 7;
  const count = quick ? 100 : 10_000;
  const figures: Figure[] = [
    {
      group: "cold start",
      name: "import and ready",
      unit: "ms",
      measure: () => leastPrinted(rounds, "cold_start.ts"),
    },
    {
      group: "cold start",
      name: "import and open a SQLite file",
      unit: "ms",
      measure: () => coldOpen(rounds),
    },
    { group: "size", name: "entry of one key, encoded", unit: "bytes", measure: encodedBytes },
    {
      group: "size",
      name: `SQLite file per entry, ${count.toLocaleString("en")} entries`,
      unit: "bytes",
      measure: () => bytesPerEntry(count),
    },
  ];
  return { name: "size", figures };
}
