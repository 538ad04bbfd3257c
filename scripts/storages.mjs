/** What the storage matrix and the crash runs need to know about storages. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { anyRuntime, ROOT, runArguments } from "./runtimes.mjs";

/** Storages that the suites run on, besides memory. */
const STORAGES = ["sqlite", "file", "deno-kv", "postgres", "unix", "unix-plain"];

/** Where the suites run on each: SQLite where its driver is another one, what is the same everywhere once. */
export const HOMES = {
  sqlite: ["bun", "node"],
  file: ["node"],
  "deno-kv": ["deno"],
  postgres: ["bun"],
  // No storage of its own, but a daemon in another process.
  unix: ["deno", "bun", "node"],
  // The same, where both speak the reference's messages alone.
  "unix-plain": ["bun"],
};

/** The storages that `--storage` names. */
export function storagesOf(names) {
  const wanted = names.includes("all") ? STORAGES : names;
  const unknown = wanted.find((name) => !STORAGES.includes(name));
  if (unknown === undefined) return wanted;
  throw new Error(`There is no storage "${unknown}"; choose from ${STORAGES.join(", ")}, all`);
}

/** Why a storage cannot be used on a runtime; undefined when it can. */
export function obstacle(storage, name) {
  return storage === "deno-kv" && name !== "deno" ? "Deno KV is there on Deno alone" : undefined;
}

/** Starts a PostgreSQL server: its address and how to stop it; undefined when there is none to start. */
export async function startPostgres() {
  const { name, path } = anyRuntime();
  const script = join(ROOT, "tests", "storage", "postgres_main.ts");
  const server = spawn(path, runArguments(name, script), {
    stdio: ["pipe", "pipe", "inherit"],
    // Out of reach of Ctrl-C: it stops the server, and ends, when its input does.
    detached: true,
  });
  const ended = once(server, "close");
  const [url] = await Promise.race([
    once(createInterface({ input: server.stdout }), "line"),
    ended,
  ]);
  if (typeof url !== "string") return undefined;
  return {
    url,
    async stop() {
      server.stdin.end();
      await ended;
    },
  };
}
