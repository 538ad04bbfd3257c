import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { type Database, DocStore, EideticaError, Instance, NewUser } from "../../mod.ts";
import { fileStorage } from "../../src/storage/file/mod.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { noDisk, withDisk } from "../helpers/small_disk.ts";
import { checkTrees } from "../helpers/store_check.ts";
import { whyNot } from "../helpers/shared.ts";
import { hasCode, withFolder } from "../instance/places.ts";

const ada = NewUser.passwordless("ada");
const noRoot = noDisk();
/** Where each kind of storage keeps itself in a folder. */
const PLACES: Readonly<Record<string, (folder: string) => string>> = {
  sqlite: (folder) => `sqlite://${join(folder, "x.db")}`,
  file: (folder) => `file://${join(folder, "x")}`,
  "deno-kv": (folder) => `denokv:${join(folder, "x.kv")}`,
};

const commit = (db: Database, key: string, size = 10) =>
  db.withTransaction(async (tx) => (await tx.getStore(DocStore, "s")).set(key, "x".repeat(size)));

const keysOf = async (
  db: Database,
) => [...(await (await db.getStoreViewer(DocStore, "s")).getAll()).keys()];

/** An instance with a database of some entries. */
async function make(url: string): Promise<{ instance: Instance; db: Database }> {
  const { instance, user } = await Instance.connectOrCreate(url, ada);
  const db = await user!.createDatabase({ name: "x" });
  for (const key of ["a", "b", "c"]) await commit(db, key);
  return { instance, db };
}

async function reopen(url: string, options = {}): Promise<{ instance: Instance; db: Database }> {
  const instance = await Instance.connect(url, options);
  const [db] = await (await instance.loginUser("ada")).findDatabase("x");
  return { instance, db: db! };
}

describe("a disk without space", () => {
  for (const [kind, place] of Object.entries(PLACES)) {
    it(`refuses commits with DiskFull and loses nothing; with space it goes on, on ${kind}`, {
      skip: whyNot(kind) || noRoot,
      timeout: 60_000,
    }, () =>
      withDisk(4, async (disk) => {
        const { instance, db } = await make(place(disk.folder));
        const written = await keysOf(db);
        const fill = async (): Promise<void> => {
          for (;;) {
            const key = `k${written.length}`;
            await commit(db, key, 20_000);
            written.push(key);
          }
        };
        for (let time = 0; time < 3; time++) await assert.rejects(fill, hasCode("DiskFull"));
        assert.ok(written.length > 10);
        assert.deepEqual((await keysOf(db)).sort(), [...written].sort());
        disk.resize(64);
        await commit(db, "after", 20_000);
        await checkTrees(instance);
        await instance.close();
        const again = await reopen(place(disk.folder));
        await checkTrees(again.instance);
        assert.deepEqual((await keysOf(again.db)).sort(), [...written, "after"].sort());
        await again.instance.close();
      }));
  }
});

describe("a disk that is mounted for reading only", () => {
  for (const [kind, place] of Object.entries(PLACES)) {
    it(`is refused with ReadOnly and loses nothing; writable it goes on, on ${kind}`, {
      skip: whyNot(kind) || noRoot,
      timeout: 60_000,
    }, () =>
      withDisk(8, async (disk) => {
        const url = place(disk.folder);
        await (await make(url)).instance.close();
        disk.freeze();
        await assert.rejects(Instance.connect(url), hasCode("ReadOnly", disk.folder));
        await assert.rejects(
          Instance.connectOrCreate(`${url}2`, ada),
          hasCode("ReadOnly", disk.folder),
        );
        // Deno KV has no way to open a database for reading only.
        if (kind !== "deno-kv") await readFrozen(url);
        disk.thaw();
        const { instance, db } = await reopen(url);
        await checkTrees(instance);
        await commit(db, "after");
        assert.deepEqual((await keysOf(db)).sort(), ["a", "after", "b", "c"]);
        await instance.close();
      }));
  }
});

async function readFrozen(url: string): Promise<void> {
  const { instance, db } = await reopen(url, { readOnly: true });
  assert.deepEqual((await keysOf(db)).sort(), ["a", "b", "c"]);
  await assert.rejects(commit(db, "d"), hasCode("ReadOnly"));
  await instance.close();
}

describe("a storage that another process has locked", () => {
  const busyTimeoutMs = 50;

  it("refuses commits with Busy after its time, and then goes on, on sqlite", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      await (await make(`sqlite://${path}`)).instance.close();
      const other = new DatabaseSync(path);
      await goThrough(await sqliteStorage(path, { busyTimeoutMs }), {
        lock: () => other.exec("BEGIN IMMEDIATE"),
        unlock: () => other.exec("ROLLBACK"),
      });
      other.close();
    }));

  it("refuses commits with Busy after its time, and then goes on, on file", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x");
      await (await make(`file://${path}`)).instance.close();
      const holder = { token: "00000000-0000-4000-8000-000000000000", pid: 1, host: "elsewhere" };
      const lock = join(path, "lock");
      await goThrough(await fileStorage(path, { busyTimeoutMs }), {
        lock: () => writeFileSync(lock, JSON.stringify(holder)),
        unlock: () => rmSync(lock),
      });
    }));
});

/** Commits before, under and after a lock of somebody else. */
async function goThrough(
  storage: Parameters<typeof Instance.openBackend>[0],
  { lock, unlock }: { lock(): void; unlock(): void },
): Promise<void> {
  const instance = await Instance.openBackend(storage);
  const [db] = await (await instance.loginUser("ada")).findDatabase("x");
  lock();
  await assert.rejects(commit(db!, "d"), hasCode("Busy"));
  assert.deepEqual((await keysOf(db!)).sort(), ["a", "b", "c"], "it can be read meanwhile");
  unlock();
  await commit(db!, "e");
  assert.deepEqual((await keysOf(db!)).sort(), ["a", "b", "c", "e"]);
  await checkTrees(instance);
  await instance.close();
}

const PAGE = 4096;

/** Where pages begin that hold these bytes, or held them before SQLite moved them. */
function pagesWith(file: Buffer, bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = file.indexOf(bytes); at >= 0; at = file.indexOf(bytes, at + 1)) {
    found.push(at - at % PAGE);
  }
  return found;
}

describe("a damaged file", () => {
  it("of SQLite: what a damaged page does not hold is read, what it holds is told as damaged", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      const { instance, db } = await make(`sqlite://${path}`);
      for (let at = 0; at < 200; at++) await commit(db, `k${at}`, 500);
      const entries = await db.getAllEntries();
      const ids = entries.map(({ id }) => id);
      await instance.close();
      const good = readFileSync(path);
      const pages = pagesWith(good, entries[100]!.bytes);
      assert.ok(pages.length > 0);
      const file = openSync(path, "r+");
      for (const at of pages) writeSync(file, new Uint8Array(PAGE).fill(0xa5), 0, PAGE, at);
      closeSync(file);
      const damaged = await Instance.openBackend(await sqliteStorage(path));
      const found = await Promise.all(ids.map((id) => damaged.backend.get(id).then(ok, codeOf)));
      const codes = new Set(found);
      assert.ok(codes.delete("ok") && codes.size > 0, `${[...codes]}`);
      for (const code of codes) assert.ok(["Corrupt", "TreeIntegrityViolation"].includes(code));
      assert.ok(found.filter((what) => what === "ok").length > ids.length * 0.8);
      await damaged.close();
      writeFileSync(path, good);
      const again = await reopen(`sqlite://${path}`);
      await checkTrees(again.instance);
      assert.equal((await again.db.getAllEntries()).length, ids.length);
      await again.instance.close();
    }));

  it("an entry whose bytes have changed is refused by its hash, and the others are read", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      const { instance, db } = await make(`sqlite://${path}`);
      const ids = (await db.getAllEntries()).map(({ id }) => id);
      await instance.close();
      const raw = new DatabaseSync(path);
      const rows = raw.prepare("SELECT key, value FROM kv").all() as {
        key: Uint8Array;
        value: Uint8Array;
      }[];
      const row = rows.find(({ value }) => Buffer.from(value).includes("xxxxxxxxxx"))!;
      const value = Buffer.from(row.value);
      value[value.indexOf("xxxxxxxxxx")]! ^= 1;
      raw.prepare("UPDATE kv SET value = ? WHERE key = ?").run(value, row.key);
      raw.close();
      const damaged = await Instance.openBackend(await sqliteStorage(path));
      const found = await Promise.all(ids.map((id) => damaged.backend.get(id).then(ok, codeOf)));
      assert.deepEqual(found.filter((what) => what !== "ok"), ["TreeIntegrityViolation"]);
      await damaged.close();
    }));
});

const ok = () => "ok";

function codeOf(error: unknown): string {
  assert.ok(error instanceof EideticaError, String(error));
  return error.code;
}
