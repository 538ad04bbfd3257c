/**
 * Storages that several processes open at once, by their addresses.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseConnectionUrl } from "../../src/instance/connection_url.ts";
import { openTarget } from "../../src/instance/open_storage.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { findPostgres, startPostgres } from "../storage/postgres_server.ts";
import { THOROUGH } from "./thorough.ts";

/** How to get the address of each kind that nobody has opened yet. */
const ADDRESS: Readonly<Record<string, () => string | Promise<string>>> = {
  sqlite: () => `sqlite://${newPath()}`,
  file: () => `file://${newPath()}`,
  "deno-kv": () => `denokv:${newPath()}`,
  postgres: newDatabase,
};

/**
 * Where several processes try each kind: SQLite on every runtime, since their drivers differ; the others,
 * whose drivers are the same everywhere, on one. The tests of `tests/storage` run everywhere.
 */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  sqlite: ["deno", "bun", "node"],
  file: ["node"],
  "deno-kv": ["deno"],
  postgres: ["bun"],
};

/** The runtime of this process. */
export const RUNTIME: string = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** The kinds that several processes try on this runtime. */
export const SHARED_STORAGES: readonly string[] = Object.keys(ADDRESS).filter((kind) =>
  THOROUGH > 1 || HOMES[kind]!.includes(RUNTIME)
);

/** The address of a new storage of `kind`, which outlives those who open it. */
export async function urlOf(kind: string): Promise<string> {
  return await ADDRESS[kind]!();
}

/** Opens what is at an address, which nobody has open, and closes it after `work`. */
export async function withStorage(
  url: string,
  work: (storage: StorageDriver) => Promise<unknown>,
): Promise<void> {
  const { driver } = await openTarget(parseConnectionUrl(url), { create: false });
  try {
    await work(driver);
  } finally {
    await driver.close();
  }
}

/**
 * Waits until nobody is at work on a storage any more whose processes are dead: a server goes on with
 * what it was asked for.
 */
export async function settled(url: string): Promise<void> {
  if (!url.startsWith("postgres:")) return;
  const { default: connect } = await import("postgres");
  const sql = connect(url, { max: 1 });
  const others =
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
  while ((await sql.unsafe(others))[0]!.n > 0) await new Promise((done) => setTimeout(done, 5));
  await sql.end();
}

/** Why a kind of storage cannot be tested here; false when it can. */
export function whyNot(kind: string): string | false {
  if (kind === "deno-kv") return RUNTIME !== "deno" && "Deno KV is there on Deno alone";
  // In CI the server must be there: then the tests run, and fail for what is missing.
  const isMissing = findPostgres() === undefined && process.env.EIDETICA_POSTGRES === undefined;
  return kind === "postgres" && isMissing && !process.env.CI && "PostgreSQL is not installed";
}

let folder: string | undefined;

/** A path in a folder of this process where nothing is yet. */
export function newPath(): string {
  folder ??= temporaryFolder();
  return join(folder, newName());
}

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "eidetica-suite-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A name that nothing has yet. */
export function newName(): string {
  return `s${randomUUID().replaceAll("-", "")}`;
}

let server: Promise<string> | undefined;

/** The PostgreSQL server that the runner has started for all files, or one of this file's own. */
export function serverUrl(): Promise<string> {
  server ??= process.env.EIDETICA_POSTGRES !== undefined
    ? Promise.resolve(process.env.EIDETICA_POSTGRES)
    : startPostgres(findPostgres()!).then(({ url }) => url);
  return server;
}

/** A database of its own, since an address names no schema. */
async function newDatabase(): Promise<string> {
  return await newDatabaseOn(await serverUrl());
}

/** The address of a new database on the server that has the one at `url`. */
export async function newDatabaseOn(url: string): Promise<string> {
  const { default: connect } = await import("postgres");
  const sql = connect(url, { max: 1 });
  const name = newName();
  await sql.unsafe(`CREATE DATABASE ${name}`);
  await sql.end();
  return url.replace(/[^/]*$/, name);
}
