import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { StorageError } from "../../src/util/errors.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { testStorage } from "../../src/testing/storage.ts";
import { temporaryFolder } from "./child.ts";
import { testModel } from "./model.ts";
import { testExit, testKill, testRace } from "./processes.ts";

const folder = temporaryFolder();
let count = 0;
const newPath = (): string => join(folder, `${count++}.db`);
const open = (path: string) => sqliteStorage(path);

/** Expects a failure by its code, with the path in its message where there is one. */
async function fails(code: string, step: () => Promise<unknown>, path = ""): Promise<StorageError> {
  let found: unknown;
  await assert.rejects(step, (error) => (found = error, true));
  assert.ok(found instanceof StorageError, String(found));
  assert.equal(found.code, code);
  assert.ok(found.message.includes(path), found.message);
  return found;
}

function rawDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

async function put(storage: StorageDriver, key: string, value: string | Uint8Array): Promise<void> {
  const bytes = typeof value === "string" ? utf8(value) : value;
  assert.equal((await storage.commit({ set: [[utf8(key), bytes]] })).ok, true);
}

async function readAll(storage: StorageDriver): Promise<number> {
  let found = 0;
  const range = { start: new Uint8Array(), end: new Uint8Array(8).fill(255) };
  for await (const page of storage.list(range)) found += page.length;
  return found;
}

/** A file of ours with `rows` rows, closed. */
async function filled(rows: number): Promise<string> {
  const path = newPath();
  const storage = await open(path);
  const set = Array.from({ length: rows }, (_, at) => [utf8(`k${at}`), utf8("x".repeat(500))]);
  await storage.commit({ set: set as [Uint8Array, Uint8Array][] });
  await storage.close();
  return path;
}

describe("sqlite: opening", () => {
  it("a new file and what SQLite puts beside it belong to the owner alone", async () => {
    const path = newPath();
    const storage = await open(path);
    await put(storage, "a", "b");
    for (const suffix of ["", "-wal", "-shm"]) {
      assert.equal(statSync(path + suffix).mode & 0o777, 0o600, suffix);
    }
    await storage.close();
  });
  it("what was committed is there after reopening", async () => {
    const path = await filled(300);
    const storage = await open(path);
    assert.equal(await readAll(storage), 300);
    await storage.close();
  });
  it("bytes that are none are no NULL, as Node 22 binds some arrays", async () => {
    const storage = await open(newPath());
    for (const none of [new Uint8Array(0), utf8(""), new Uint8Array(new ArrayBuffer(0))]) {
      await put(storage, "k", none);
      assert.deepEqual((await storage.get(utf8("k")))?.value, new Uint8Array(0));
      let found = 0;
      const all = { start: none, end: Uint8Array.of(0xff) };
      for await (const page of storage.list(all)) found += page.length;
      assert.equal(found, 1);
    }
    await storage.close();
  });

  it("a missing file is NotFound, and stays missing, without `create` or when read only", async () => {
    const path = newPath();
    await fails("NotFound", () => sqliteStorage(path, { create: false }), path);
    await fails("NotFound", () => sqliteStorage(path, { readOnly: true }), path);
    assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  });
  it("an empty file is NotFound, and stays empty, without `create` or when read only", async () => {
    const path = newPath();
    writeFileSync(path, "");
    await fails("NotFound", () => sqliteStorage(path, { create: false }), path);
    await fails("NotFound", () => sqliteStorage(path, { readOnly: true }), path);
    assert.equal(statSync(path).size, 0);
  });
  it("a database object that was handed in stays open, whatever becomes of the storage", async () => {
    const database = new DatabaseSync(newPath());
    const storage = await sqliteStorage(database);
    await put(storage, "a", "1");
    await storage.close();
    await fails("Closed", () => storage.get(utf8("a")));
    const again = await sqliteStorage(database, { readOnly: true });
    assert.equal(await readAll(again), 1);
    await fails("ReadOnly", () => put(again, "b", "1"));
    await again.close();
    database.exec("PRAGMA user_version = 99");
    await fails("UnsupportedSchema", () => sqliteStorage(database));
    assert.equal((database.prepare("SELECT count(*) AS n FROM kv").get() as { n: number }).n, 1);
    database.close();
  });
  it("a database in memory is neither durable nor shared, and says so; a file is both", async () => {
    const storages = [await open(":memory:"), await open(newPath())];
    const said = storages.map(({ capabilities: { durable, multiWriter } }) => [
      durable,
      multiWriter,
    ]);
    assert.deepEqual(said, [[false, false], [true, true]]);
    for (const storage of storages) await storage.close();
  });
  it("00 §C5 missing folders are made for the owner alone, where a file may be created", async () => {
    const [parent, path] = [join(folder, "new"), join(folder, "new", "dir", "x.db")];
    await fails("NotFound", () => sqliteStorage(path, { create: false }), path);
    assert.equal(existsSync(parent), false);
    await (await open(path)).close();
    for (const it of [parent, dirname(path)]) assert.equal(statSync(it).mode & 0o777, 0o700);
  });
  it("a folder that can never be made is CannotOpen at once, and told", {
    skip: !existsSync("/proc/self") && "nothing here refuses folders so",
  }, async () => {
    const path = "/proc/eidetica/such.db";
    const error = await fails("CannotOpen", () => open(path), path);
    assert.ok(error.cause instanceof Error);
    assert.ok(error.message.includes("/proc/eidetica"), error.message);
  });
  it("what is no file is CannotOpen, and a pipe is not waited at", {
    skip: process.platform === "win32" && "no pipes in folders here",
  }, async () => {
    await fails("CannotOpen", () => open(folder), folder);
    const pipe = newPath();
    execFileSync("mkfifo", [pipe]);
    await fails("CannotOpen", () => open(pipe), "pipe");
    await fails("CannotOpen", () => sqliteStorage(pipe, { readOnly: true }), pipe);
  });
  it("a link that leads to nothing gets its file, for the owner alone", {
    skip: process.platform === "win32" && "links need a privilege here",
  }, async () => {
    const [link, target] = [newPath(), newPath()];
    symlinkSync(target, link);
    const storage = await open(link);
    await put(storage, "a", "1");
    assert.equal(statSync(target).mode & 0o777, 0o600);
    assert.equal(lstatSync(link).isSymbolicLink(), true);
    await storage.close();
  });
  it("a name that begins as a URL does is a name", async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      await (await open("file:x.db?mode=memory")).close();
      assert.equal(existsSync(join(folder, "file:x.db?mode=memory")), true);
    } finally {
      process.chdir(before);
    }
  });
  it("a database of another application is ForeignFile and is not changed", async () => {
    const [plain, marked] = [newPath(), newPath()];
    rawDatabase(plain, "CREATE TABLE their (x)");
    rawDatabase(marked, "PRAGMA application_id = 7");
    for (const path of [plain, marked]) {
      const before = readFileSync(path);
      await fails("ForeignFile", () => open(path), path);
      assert.deepEqual(readFileSync(path), before);
    }
  });
  it("a newer or an older layout is UnsupportedSchema", async () => {
    for (const version of [1, 99]) {
      const path = await filled(1);
      rawDatabase(path, `PRAGMA user_version = ${version}`);
      const error = await fails("UnsupportedSchema", () => open(path), path);
      assert.equal(error.fields.found, version);
    }
  });
  it("a file that is no database is NotADatabase and is not changed", async () => {
    const path = newPath();
    writeFileSync(path, "hello, this is a text file. ".repeat(100));
    const before = readFileSync(path);
    assert.ok((await fails("NotADatabase", () => open(path), path)).cause instanceof Error);
    assert.deepEqual(readFileSync(path), before);
  });
  it("a damaged file is Corrupt, at opening or at reading", async () => {
    const path = await filled(2000);
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 4096 * 2, bytes.length - 4096);
    writeFileSync(path, bytes);
    const error = await fails("Corrupt", async () => {
      const storage = await open(path);
      try {
        await readAll(storage);
      } finally {
        await storage.close();
      }
    }, path);
    assert.ok(error.cause instanceof Error);
  });
  it("two handles that make one file at the same moment both get it", async () => {
    const path = newPath();
    const handles = await Promise.all([open(path), open(path), open(path)]);
    await put(handles[0]!, "a", "1");
    assert.equal(fromUtf8((await handles[2]!.get(utf8("a")))!.value), "1");
    for (const handle of handles) await handle.close();
  });
});

describe("sqlite: reading", () => {
  it("pages are bounded by their bytes, not only by their number", async () => {
    const storage = await open(newPath());
    const value = new Uint8Array(100_000);
    const set = Array.from(
      { length: 300 },
      (_, at) => [Uint8Array.of(at >> 8, at), value] as const,
    );
    await storage.commit({ set });
    for (const reverse of [false, true]) {
      const pages: number[] = [];
      const range = { start: new Uint8Array(), end: Uint8Array.of(9), reverse };
      for await (const page of storage.list(range)) pages.push(page.length);
      assert.equal(pages.reduce((sum, length) => sum + length), 300);
      assert.ok(Math.max(...pages) <= 16, `pages of ${pages}`);
    }
    await storage.close();
  });
});

describe("sqlite: writing", () => {
  it("a storage that is read only reads, and refuses to write with ReadOnly", async () => {
    const path = await filled(10);
    const storage = await sqliteStorage(path, { readOnly: true });
    assert.equal(await readAll(storage), 10);
    await fails("ReadOnly", () => storage.commit({ set: [[utf8("a"), utf8("b")]] }), path);
    await storage.close();
  });
  const isRoot = process.getuid?.() === 0;
  it("a file without the right to write is ReadOnly", {
    skip: isRoot && "root may write every file",
  }, async () => {
    const path = await filled(1);
    chmodSync(path, 0o400);
    await fails("ReadOnly", async () => {
      const storage = await open(path);
      await put(storage, "a", "b").finally(() => storage.close());
    });
  });
  it("a full disk is DiskFull, changes nothing, and is over when there is space", async () => {
    const database = new DatabaseSync(newPath());
    const storage = await sqliteStorage(database);
    await put(storage, "before", "1");
    database.exec("PRAGMA max_page_count = 20");
    const big = new Uint8Array(500_000);
    const batch = { set: [[utf8("small"), utf8("1")], [utf8("big"), big]] as const };
    assert.ok((await fails("DiskFull", () => storage.commit(batch))).cause instanceof Error);
    assert.equal(await storage.get(utf8("small")), undefined);
    database.exec("PRAGMA max_page_count = 100000");
    assert.equal((await storage.commit(batch)).ok, true);
    assert.equal(await readAll(storage), 3);
    await storage.close();
    database.close();
  });
  it("a writer that another one keeps out is Busy after its time, and then goes on", async () => {
    const path = newPath();
    const storage = await sqliteStorage(path, { busyTimeoutMs: 30 });
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const commit = () => storage.commit({ set: [[utf8("a"), utf8("b")]] });
    assert.ok((await fails("Busy", commit, path)).cause instanceof Error);
    other.exec("ROLLBACK");
    assert.equal((await commit()).ok, true);
    other.close();
    await storage.close();
  });
  it("who waits for another writer lets others have their turn, and goes on when it ends", async () => {
    const path = newPath();
    const storage = await open(path);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    // A wait that let nobody else run would never see this.
    setTimeout(() => other.exec("ROLLBACK"), 30);
    await put(storage, "a", "1");
    assert.equal(fromUtf8((await storage.get(utf8("a")))!.value), "1");
    other.close();
    await storage.close();
  });
  it("opening waits for whoever holds the file, says how long, and hears an abort", async () => {
    const path = newPath();
    const other = new DatabaseSync(path);
    other.exec("BEGIN EXCLUSIVE");
    await fails("Busy", () => sqliteStorage(path, { busyTimeoutMs: 30 }), "30 ms");
    const controller = new AbortController();
    const opening = sqliteStorage(path, { busyTimeoutMs: 1e9, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 30);
    await assert.rejects(opening, { code: "Aborted", message: /enough/ });
    const later = open(path);
    setTimeout(() => other.exec("ROLLBACK"), 30);
    await (await later).close();
    other.close();
  });
  it("a commit that was asked for before close() is done, and one after it is Closed", async () => {
    const path = newPath();
    const storage = await open(path);
    const before = storage.commit({ set: [[utf8("a"), utf8("1")]] });
    const closed = storage.close();
    assert.equal((await before).ok, true);
    await closed;
    await storage.close();
    await fails("Closed", () => storage.commit({ set: [] }), path);
    const again = await open(path);
    assert.equal(await readAll(again), 1);
    await again.close();
  });
  it("the log is emptied when nothing has been written for a while, whoever else reads", async () => {
    const path = newPath();
    const [storage, reader] = [await open(path), await sqliteStorage(path, { create: false })];
    const size = () => statSync(`${path}-wal`).size;
    await put(storage, "a", new Uint8Array(100_000));
    assert.equal((await reader.get(utf8("a")))!.value.length, 100_000);
    assert.ok(size() > 100_000);
    while (size() > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    await put(storage, "a", "1");
    assert.equal(fromUtf8((await reader.get(utf8("a")))!.value), "1");
    await storage.close();
    await reader.close();
  });
  it("changeToken() differs after another handle has committed, not after one's own", async () => {
    const path = newPath();
    const [mine, other] = [await open(path), await open(path)];
    const before = mine.changeToken!();
    await put(mine, "a", "1");
    assert.equal(mine.changeToken!(), before);
    await put(other, "a", "2");
    assert.notEqual(mine.changeToken!(), before);
    await mine.close();
    await other.close();
  });
});

describe("sqlite: in memory", () => testModel(() => sqliteStorage(":memory:"), 100));

describe("sqlite: processes", () => {
  testRace("sqlite", newPath, open);
  testKill("sqlite", newPath, open);
  testExit("sqlite", newPath);
});

if ("bun" in process.versions) {
  const name = "bun:sqlite";
  const { Database } = await import(name);
  testStorage("sqlite by an object of bun:sqlite", () => sqliteStorage(new Database(":memory:")));
}
