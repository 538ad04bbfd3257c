/**
 * Where workloads run: databases on each kind of storage, in folders of their own.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, Instance, NewUser } from "../mod.ts";

/** Where a database of a workload is kept. */
export type Place =
  | "memory"
  | "sqlite"
  | "sqlite in memory"
  | "sqlite, power-safe"
  | "file"
  | "denokv";

/** The places that every runtime has; Deno adds its own. */
export const PLACES: readonly Place[] = [
  "memory",
  "sqlite",
  "sqlite in memory",
  "sqlite, power-safe",
  "file",
  ...("Deno" in globalThis ? ["denokv" as const] : []),
];

/** A database to measure, and how to get rid of it. */
export interface Bed {
  /** The instance. */
  readonly instance: Instance;
  /** The database. */
  readonly database: Database;
  /** The folder that holds its files, if it has any. */
  readonly folder: string;
  /** Closes the instance and removes its files. */
  remove(): Promise<void>;
}

/** A folder for what a workload writes, and its removal. */
export function temporaryFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-bench-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function urlOf(place: Place, folder: string): string {
  switch (place) {
    case "memory":
      return "memory://";
    case "sqlite in memory":
      return "sqlite::memory:";
    case "file":
      return `file://${join(folder, "store")}`;
    case "denokv":
      return `denokv:${join(folder, "bench.kv")}`;
    default:
      return `sqlite://${join(folder, "bench.db")}`;
  }
}

/** A new instance with an empty database. */
export async function bed(place: Place): Promise<Bed> {
  const { folder, remove: removeFolder } = temporaryFolder();
  const durability = place === "sqlite, power-safe" ? "full" : "normal";
  const first = NewUser.passwordless("bench_user");
  const url = urlOf(place, folder);
  const { instance, user } = await Instance.connectOrCreate(url, first, { durability });
  const database = await user!.createDatabase({ name: "bench" });
  const remove = async () => {
    await instance.close();
    removeFolder();
  };
  return { instance, database, folder, remove };
}
