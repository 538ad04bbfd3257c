/**
 * Storages for the suites. They run on the one that the variable `EIDETICA_STORAGE` names, in memory
 * by default: `npm test -- --storage postgres`.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after } from "node:test";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { denoKvStorage } from "../../src/storage/deno_kv/mod.ts";
import { fileStorage } from "../../src/storage/file/mod.ts";
import { postgresStorage } from "../../src/storage/postgres/mod.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { findPostgres, startPostgres } from "../storage/postgres_server.ts";

/** How to get a new, empty storage of each kind. */
const OPEN: Readonly<Record<string, () => Promise<StorageDriver>>> = {
  memory: () => Promise.resolve(memoryStorage()),
  sqlite: () => sqliteStorage(newPath()),
  file: () => fileStorage(newPath()),
  "deno-kv": () => denoKvStorage(newPath()),
  postgres: async () => postgresStorage(await serverUrl(), { schema: newName() }),
};

/** How to get the address of each kind that nobody has opened yet. */
const ADDRESS: Readonly<Record<string, () => string | Promise<string>>> = {
  sqlite: () => `sqlite://${newPath()}`,
  file: () => `file://${newPath()}`,
  "deno-kv": () => `denokv:${newPath()}`,
  postgres: newDatabase,
};

/** The kind of storage that the suites run on. */
export const STORAGE: string = process.env.EIDETICA_STORAGE ?? "memory";
if (!(STORAGE in OPEN)) {
  throw new Error(`Cannot test the storage "${STORAGE}": there are ${Object.keys(OPEN)}`);
}

/** Kinds for tests that always compare two: in memory, the usual one goes with it. */
export const STORAGES: readonly string[] = STORAGE === "memory" ? ["memory", "sqlite"] : [STORAGE];

/** Kinds that several processes can open at once: all, or the one that the suites run on. */
export const SHARED_STORAGES: readonly string[] = STORAGE === "memory"
  ? Object.keys(ADDRESS)
  : [STORAGE];

const opened: StorageDriver[] = [];
// Connections that a test leaves open would keep its process alive for ever.
after(async () => {
  for (const storage of opened) await storage.close();
});

/** A new, empty storage, of the kind that the suites run on unless another is named. */
export async function newStorage(kind: string = STORAGE): Promise<StorageDriver> {
  const storage = await OPEN[kind]!();
  opened.push(storage);
  return storage;
}

/**
 * The address of a new storage of `kind`, which outlives those who open it. In place of memory, which
 * does not, it is a SQLite file.
 */
export async function newUrl(kind: string = STORAGE): Promise<string> {
  return await ADDRESS[kind === "memory" ? "sqlite" : kind]!();
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
  if (kind === "deno-kv") return !("Deno" in globalThis) && "Deno KV is there on Deno alone";
  // In CI the server must be there: then the tests run, and fail for what is missing.
  const isMissing = findPostgres() === undefined && process.env.EIDETICA_POSTGRES === undefined;
  return kind === "postgres" && isMissing && !process.env.CI && "PostgreSQL is not installed";
}

let folder: string | undefined;

function newPath(): string {
  folder ??= temporaryFolder();
  return join(folder, newName());
}

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "eidetica-suite-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

function newName(): string {
  return `s${randomUUID().replaceAll("-", "")}`;
}

let server: Promise<string> | undefined;

/** The server that the runner has started for all files, or one of this file's own. */
function serverUrl(): Promise<string> {
  server ??= process.env.EIDETICA_POSTGRES !== undefined
    ? Promise.resolve(process.env.EIDETICA_POSTGRES)
    : startPostgres(findPostgres()!).then(({ url }) => url);
  return server;
}

/** A database of its own, since an address names no schema. */
async function newDatabase(): Promise<string> {
  const url = await serverUrl();
  const { default: connect } = await import("postgres");
  const sql = connect(url, { max: 1 });
  const name = newName();
  await sql.unsafe(`CREATE DATABASE ${name}`);
  await sql.end();
  return url.replace(/[^/]*$/, name);
}
