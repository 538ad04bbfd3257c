import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import type { StorageDriver } from "../../src/storage/driver.ts";
import {
  type PostgresOptions,
  type PostgresSql,
  postgresStorage,
} from "../../src/storage/postgres/mod.ts";
import { StorageError } from "../../src/util/errors.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { testStorage } from "../../src/testing/storage.ts";
import { newDatabaseOn } from "../helpers/shared.ts";
import { awake } from "./child.ts";
import { testModel } from "./model.ts";
import { findPostgres, type PostgresServer, startPostgres } from "./postgres_server.ts";
import { testExit, testKill, testRace } from "./processes.ts";

type Connect = (url: string, options?: object) => PostgresSql;

const programs = findPostgres();
const client = await import("postgres" as string).catch(() => undefined) as
  | { default: Connect }
  | undefined;
const missing = programs === undefined
  ? "PostgreSQL is not installed"
  : client === undefined
  ? "the npm package postgres is not installed"
  : undefined;
// In CI both must be there: then the tests run, and fail for what is missing.
const skip = missing !== undefined && !process.env.CI && missing;

let server: PostgresServer | undefined;
let count = 0;
const newSchema = (): string => `s${process.pid}_${count++}`;
const open = (options?: PostgresOptions) =>
  postgresStorage(server!.url, { schema: newSchema(), ...options });
const atUrl = (place: string): Promise<StorageDriver> => postgresStorage(place);

/** A database of its own for tests whose processes know nothing but an address. */
async function newDatabase(): Promise<string> {
  const name = `d${process.pid}_${count++}`;
  await query(`CREATE DATABASE ${name}`);
  return server!.url.replace(/[^/]*$/, name);
}

async function query(text: string): Promise<void> {
  const sql = client!.default(server!.url, { max: 1 });
  await sql.unsafe(text);
  await sql.end();
}

/** Ends all other sessions of the database, as a server that is started again would. */
async function cutConnections(): Promise<void> {
  await query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
}

async function fails(code: string, step: () => Promise<unknown>): Promise<StorageError> {
  let found: unknown;
  await assert.rejects(step, (error) => (found = error, true));
  assert.ok(found instanceof StorageError, String(found));
  assert.equal(found.code, code, found.message);
  return found;
}

/** A database of this file's own on the server of the runner, or a server. */
async function startServer(): Promise<PostgresServer> {
  const shared = process.env.EIDETICA_POSTGRES;
  return shared === undefined
    ? await startPostgres(programs!)
    : { url: await newDatabaseOn(shared), stop: () => {} };
}

before(async () => {
  if (missing === undefined) server = await startServer();
});
after(() => server?.stop());

if (skip === false) testStorage("postgres", () => open());

describe("postgres", { skip }, () => {
  testModel(() => open(), 15);
  testRace("postgres", newDatabase, atUrl);
  testKill("postgres", newDatabase, atUrl);
  testExit("postgres", newDatabase);

  it("many that open an empty database at once all get it", async () => {
    const schema = newSchema();
    const handles = await Promise.all(Array.from({ length: 6 }, () => open({ schema })));
    await handles[0]!.commit({ set: [[utf8("a"), utf8("1")]] });
    assert.equal(fromUtf8((await handles[5]!.get(utf8("a")))!.value), "1");
    for (const handle of handles) await handle.close();
  });
  it("a missing storage is NotFound, and stays missing, without `create`", async () => {
    const schema = newSchema();
    await fails("NotFound", () => open({ schema, create: false }));
    await fails("NotFound", () => open({ schema, create: false }));
    const database = server!.url.replace(/[^/]*$/, "nowhere");
    await fails("NotFound", () => postgresStorage(database));
  });
  it("a schema of another application is ForeignFile, a newer layout UnsupportedSchema", async () => {
    const [foreign, newer] = [newSchema(), newSchema()];
    await query(`CREATE SCHEMA ${foreign}; CREATE TABLE ${foreign}.theirs(x integer)`);
    await fails("ForeignFile", () => open({ schema: foreign }));
    await (await open({ schema: newer })).close();
    await query(`UPDATE ${newer}.layout SET version = 99`);
    assert.equal(
      (await fails("UnsupportedSchema", () => open({ schema: newer }))).fields.found,
      99,
    );
  });
  it("a server that is not there is CannotOpen, and no password is in the message", async () => {
    const url = "postgres://ada:secret@127.0.0.1:1/x";
    const error = await fails("CannotOpen", () => postgresStorage(url));
    assert.ok(error.message.includes("ada"), error.message);
    assert.ok(!JSON.stringify([error.message, error.fields]).includes("secret"));
  });
  it("a function that is handed in is used, and not ended by close()", async () => {
    const sql = client!.default(server!.url);
    const storage = await postgresStorage(sql, { schema: newSchema() });
    await storage.commit({ set: [[utf8("a"), utf8("1")]] });
    assert.equal(fromUtf8((await storage.get(utf8("a")))!.value), "1");
    await storage.close();
    assert.equal((await sql.unsafe("SELECT 1 AS one"))[0]!.one, 1);
    await sql.end();
  });
  it("a connection of a stricter isolation level is refused, since it would see the past", async () => {
    const connection = { default_transaction_isolation: "serializable" };
    const sql = client!.default(server!.url, { connection });
    const storage = await postgresStorage(sql, { schema: newSchema() });
    const error = await fails("Failed", () => storage.commit({ set: [[utf8("a"), utf8("1")]] }));
    assert.ok(error.message.includes("read committed"), error.message);
    await storage.close();
    await sql.end();
  });
  it("a table that another session has locked is Busy after its time, and then goes on", async () => {
    const schema = newSchema();
    const sql = client!.default(server!.url, { connection: { lock_timeout: "100ms" } });
    const storage = await postgresStorage(sql, { schema });
    const other = client!.default(server!.url, { max: 1 });
    const commit = () => storage.commit({ set: [[utf8("a"), utf8("1")]] });
    await other.unsafe(`BEGIN; LOCK TABLE ${schema}.kv IN ACCESS EXCLUSIVE MODE`);
    await fails("Busy", commit);
    await other.unsafe("ROLLBACK");
    assert.equal((await commit()).ok, true);
    for (const one of [storage.close(), sql.end(), other.end()]) await one;
  });
  it("a storage that is read only reads, and refuses to write with ReadOnly", async () => {
    const schema = newSchema();
    await fails("NotFound", () => open({ schema, readOnly: true }));
    const writer = await open({ schema });
    await writer.commit({ set: [[utf8("a"), utf8("1")]] });
    const reader = await open({ schema, readOnly: true });
    assert.equal(fromUtf8((await reader.get(utf8("a")))!.value), "1");
    await fails("ReadOnly", () => reader.commit({ set: [[utf8("a"), utf8("2")]] }));
    await reader.close();
    await writer.close();
  });
  it("batches that are committed at once see each other in their order", async () => {
    const storage = await open();
    const insert = (value: string) =>
      storage.commit({
        checks: [{ key: utf8("a"), version: undefined }],
        set: [[utf8("a"), utf8(value)], [utf8(value), utf8(value)]],
      });
    const results = await Promise.all([
      insert("1"),
      insert("2"),
      storage.commit({ delete: [utf8("a")] }),
      insert("3"),
    ]);
    assert.deepEqual(results.map(({ ok }) => ok), [true, false, true, true]);
    assert.equal(fromUtf8((await storage.get(utf8("a")))!.value), "3");
    assert.equal(await storage.get(utf8("2")), undefined);
    await storage.close();
  });
  it("values of megabytes come back whole, and what is too large is TooLarge", async () => {
    const storage = await open();
    const value = new Uint8Array(5_000_000).map((_, at) => at * 31 >> 3);
    await storage.commit({ set: [[utf8("v"), value]] });
    assert.deepEqual((await storage.get(utf8("v")))!.value, value);
    await fails("TooLarge", () => storage.commit({ set: [[new Uint8Array(2601), utf8("1")]] }));
    // Random bytes, since an index compresses others.
    const longest = crypto.getRandomValues(new Uint8Array(2600));
    assert.equal((await storage.commit({ set: [[longest, utf8("1")]] })).ok, true);
    await storage.close();
  });
  it("watch() tells what another handle has written, until it is stopped", async () => {
    const schema = newSchema();
    const [mine, other] = [await open({ schema }), await open({ schema })];
    let calls = 0;
    let wake = (): void => {};
    const next = () => new Promise<void>((resolve) => wake = resolve);
    const stop = mine.watch!([utf8("a"), utf8("b")], () => (calls++, wake()));
    while (calls < 1) await awake(next());
    for (const value of ["1", "2"]) {
      const seen = calls;
      await other.commit({ set: [[utf8("b"), utf8(value)]] });
      while (calls === seen) await awake(next());
    }
    stop();
    await mine.close();
    await other.close();
  });
  it("connections that are cut are made anew: reads go on, and watch() tells what came since", {
    timeout: 120_000,
  }, async () => {
    const schema = newSchema();
    const [mine, other] = [await open({ schema }), await open({ schema })];
    let calls = 0;
    let wake = (): void => {};
    const next = () => new Promise<void>((resolve) => wake = resolve);
    mine.watch!([utf8("a")], () => (calls++, wake()));
    while (calls < 1) await awake(next());
    for (const value of ["1", "2"]) {
      await cutConnections();
      assert.equal(await mine.get(utf8("b")), undefined, "a read goes on by itself");
      const seen = calls;
      // The first write may meet the cut connection, and says so.
      const set = [[utf8("a"), utf8(value)]] as const;
      await other.commit({ set }).catch(async (error) => {
        assert.equal((error as StorageError).code, "Io");
        await other.commit({ set });
      });
      while (calls === seen) await awake(next());
      assert.equal(fromUtf8((await mine.get(utf8("a")))!.value), value);
    }
    await mine.close();
    await other.close();
  });
  it("commits while connections are cut again and again are done, or fail with Io; none is lost", {
    timeout: 120_000,
  }, async () => {
    const storage = await open();
    const done: string[] = [];
    let failed = 0;
    let isCutting = true;
    const work = async (writer: number): Promise<void> => {
      for (let at = 0; isCutting; at++) {
        const key = `${writer}/${at}`;
        await storage.commit({ set: [[utf8(key), utf8(key)], [utf8(`${key}/b`), utf8(key)]] })
          .then(() => done.push(key), (error) => {
            assert.equal((error as StorageError).code, "Io", String(error));
            failed++;
          });
      }
    };
    const workers = [1, 2, 3].map(work);
    while (failed < 3) await cutConnections();
    isCutting = false;
    await Promise.all(workers);
    for (const key of done) {
      const both = await storage.getMany([utf8(key), utf8(`${key}/b`)]);
      assert.ok(both.every((stored) => stored !== undefined), key);
    }
    await storage.close();
  });
  it(
    "where listening fails, watch() still tells, a little later",
    { timeout: 60_000 },
    async () => {
      const [schema, sql] = [newSchema(), client!.default(server!.url)];
      const listen = () => Promise.reject(new Error("no LISTEN through this pool"));
      const deaf = { unsafe: sql.unsafe.bind(sql), end: sql.end.bind(sql), listen };
      const [mine, other] = [await postgresStorage(deaf, { schema }), await open({ schema })];
      let calls = 0;
      let wake = (): void => {};
      mine.watch!([utf8("a")], () => (calls++, wake()));
      while (calls < 1) await awake(new Promise<void>((resolve) => wake = resolve));
      await other.commit({ set: [[utf8("a"), utf8("1")]] });
      await awake(
        (async () => {
          while (calls < 2) await new Promise<void>((resolve) => wake = resolve);
        })(),
      );
      await mine.close();
      await other.close();
      await sql.end();
    },
  );
  it("a commit that was asked for before close() is done, and one after it is Closed", async () => {
    const schema = newSchema();
    const storage = await open({ schema });
    const before = storage.commit({ set: [[utf8("a"), utf8("1")]] });
    const closed = storage.close();
    assert.equal((await before).ok, true);
    await closed;
    await storage.close();
    await fails("Closed", () => storage.commit({}));
    const again = await open({ schema, create: false });
    assert.equal(fromUtf8((await again.get(utf8("a")))!.value), "1");
    await again.close();
  });
});
