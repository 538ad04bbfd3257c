import assert from "node:assert/strict";
import { openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Database, DocStore, EideticaError, Instance, NewUser, Table } from "../../mod.ts";
import { type SqliteDatabase, sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { newStorage, newUrl } from "../helpers/storages.ts";
import { failing, hasCode, withFolder } from "./places.ts";

const ada = NewUser.passwordless("ada");

/** `node:sqlite`, which all three runtimes have. */
function openSqlite(path: string): SqliteDatabase {
  const { DatabaseSync } = createRequire(import.meta.url)("node:sqlite") as {
    DatabaseSync: new (path: string) => SqliteDatabase;
  };
  return new DatabaseSync(path);
}

const write =
  (key: string, value: unknown = "v") =>
  async (tx: Awaited<ReturnType<Database["newTransaction"]>>) => {
    await (await tx.getStore(DocStore, "s")).set(key, value as string);
  };

describe("clear errors, and nothing lost", () => {
  it("a missing file is not created by connect, and its error names it", () =>
    withFolder(async (folder) => {
      const path = join(folder, "none.db");
      await assert.rejects(Instance.connect(`sqlite://${path}`), hasCode("NotFound", path));
      assert.throws(() => statSync(path));
      await assert.rejects(
        Instance.connect(`sqlite://${folder}/no/x.db`),
        hasCode("NotFound", "no/x.db"),
      );
      const made = await Instance.connectOrCreate(`sqlite://${folder}/new/dir/x.db`, ada);
      await made.instance.close();
      assert.equal(statSync(join(folder, "new", "dir")).mode & 0o777, 0o700);
      await assert.rejects(
        Instance.connectOrCreate(`sqlite://${path}?mode=ro`, ada),
        hasCode("NotFound"),
      );
    }));

  it("files of others are recognised and left alone", () =>
    withFolder(async (folder) => {
      const text = join(folder, "text.db");
      writeFileSync(text, "this is not a database, just a long enough text ".repeat(100));
      await assert.rejects(
        Instance.connectOrCreate(`sqlite://${text}`, ada),
        hasCode("NotADatabase", text),
      );
      const foreign = join(folder, "foreign.db");
      const other = openSqlite(foreign);
      other.exec("CREATE TABLE people(name TEXT); INSERT INTO people VALUES ('bob')");
      other.close();
      const before = readFileSync(foreign);
      await assert.rejects(
        Instance.connectOrCreate(`sqlite://${foreign}`, ada),
        hasCode("ForeignFile", "another application"),
      );
      assert.deepEqual(readFileSync(foreign), before);
      const newer = join(folder, "newer.db");
      await (await sqliteStorage(newer)).close();
      const raw = openSqlite(newer);
      raw.exec("PRAGMA user_version = 99");
      raw.close();
      await assert.rejects(
        Instance.connect(`sqlite://${newer}`),
        hasCode("UnsupportedSchema", "99"),
      );
    }));

  it("a damaged file is reported as damaged", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      const { instance, user } = await Instance.connectOrCreate(`sqlite://${path}`, ada);
      const db = await user!.createDatabase({ name: "big" });
      await db.withTransaction(async (tx) => {
        const table = await tx.getStore(Table, "rows");
        for (let at = 0; at < 500; at++) await table.insert({ at, text: "x".repeat(200) });
      });
      await instance.close();
      const file = openSync(path, "r+");
      for (let page = 2; page < 30; page++) {
        writeSync(file, new Uint8Array(4096).fill(0xa5), 0, 4096, page * 4096);
      }
      const reading = (async () => {
        const damaged = await Instance.connect(`sqlite://${path}`);
        const me = await damaged.loginUser("ada");
        for (const root of await damaged.backend.allRoots()) {
          await damaged.backend.getTree(root);
        }
        return me;
      })();
      await assert.rejects(reading, (error) => {
        return error instanceof EideticaError &&
          ["Corrupt", "NotADatabase", "TreeIntegrityViolation", "NotInitialized"].includes(
            error.code,
          );
      });
    }));

  it("a full disk refuses the commit and keeps everything that was there", () =>
    withFolder(async (folder) => {
      const database = openSqlite(join(folder, "x.db"));
      const storage = await sqliteStorage(database);
      const { instance, user } = await Instance.createBackend(storage, ada);
      const db = await user.createDatabase({ name: "x" });
      await db.withTransaction(write("small"));
      const { page_count: pages } = database.prepare("PRAGMA page_count").get() as {
        page_count: number;
      };
      database.exec(`PRAGMA max_page_count = ${pages + 4}`);
      await assert.rejects(
        db.withTransaction(write("large", "x".repeat(200_000))),
        hasCode("DiskFull", "full"),
      );
      const viewer = await db.getStoreViewer(DocStore, "s");
      assert.deepEqual([...(await viewer.getAll()).keys()], ["small"]);
      database.exec("PRAGMA max_page_count = 1000000");
      await db.withTransaction(write("again"));
      assert.equal((await db.getAllEntries()).length, 3);
      await instance.close();
      database.close();
    }));

  it("an interrupted write leaves nothing of its transaction, and the next one works", async () => {
    const storage = await newStorage();
    const made = await Instance.createBackend(failing(storage, -1), ada);
    const root = (await made.user.createDatabase({ name: "x" })).rootId;
    await made.instance.close();
    const view = failing(storage, 2);
    const instance = await Instance.openBackend(view);
    const user = await instance.loginUser("ada");
    const db = await user.openDatabase(root);
    await assert.rejects(db.withTransaction(write("lost")), hasCode("DiskFull"));
    assert.equal((await db.getAllEntries()).length, 1);
    await db.withTransaction(write("kept"));
    assert.deepEqual([...(await (await db.getStoreViewer(DocStore, "s")).getAll()).keys()], [
      "kept",
    ]);
    await instance.close();
  });

  it("a read-only file can be read, and says why it cannot be written", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      const made = await Instance.connectOrCreate(`sqlite://${path}`, ada);
      await (await made.user!.createDatabase({ name: "x" })).withTransaction(write("a"));
      await made.instance.close();
      const instance = await Instance.connect(`sqlite://${path}?mode=ro`);
      const user = await instance.loginUser("ada");
      const [db] = await user.findDatabase("x");
      assert.equal(await (await db!.getStoreViewer(DocStore, "s")).getString("a"), "v");
      await assert.rejects(
        db!.withTransaction(write("b")),
        hasCode("ReadOnly", "cannot be written"),
      );
      await instance.close();
    }));

  it("a new file is its owner's alone", () =>
    withFolder(async (folder) => {
      const path = join(folder, "x.db");
      const { instance } = await Instance.connectOrCreate(`sqlite://${path}`, ada);
      for (const suffix of ["", "-wal"]) {
        assert.equal(statSync(path + suffix).mode & 0o777, 0o600, suffix);
      }
      await instance.close();
    }));

  it("wrong passwords and names are refused, and no secret is in the error", async () => {
    const { instance } = await Instance.connectOrCreate(
      "memory://",
      NewUser.withPassword("ada", "right-secret"),
    );
    for (
      const [name, password, code] of [
        ["ada", "wrong-secret", "DecryptionFailed"],
        ["ada", undefined, "PasswordRequired"],
        ["eve", "wrong-secret", "UserNotFound"],
      ] as const
    ) {
      await assert.rejects(instance.loginUser(name, password), (error) => {
        const text = `${(error as Error).message} ${(error as Error).stack} ${
          JSON.stringify(error)
        } ${String((error as Error).cause)}`;
        return hasCode(code)(error) && !text.includes("secret");
      });
    }
    await instance.close();
  });
});

describe("several instances on one storage", () => {
  it("two instances commit alternately and at once; nothing is lost", async () => {
    const url = await newUrl();
    const one = await Instance.connectOrCreate(url, ada);
    const root = (await one.user!.createDatabase({ name: "x" })).rootId;
    const two = await Instance.connect(url);
    const handles = await Promise.all(
      [one.instance, two].map(async (instance) =>
        (await instance.loginUser("ada")).openDatabase(root)
      ),
    );
    for (let at = 0; at < 20; at++) {
      await handles[at % 2]!.withTransaction(write(`alternately ${at}`));
    }
    assert.equal((await handles[0]!.snapshot()).length, 1, "each saw the other's commit");
    await Promise.all(
      handles.flatMap((db, side) =>
        Array.from({ length: 10 }, (_, at) => db.withTransaction(write(`at once ${side} ${at}`)))
      ),
    );
    for (const db of handles) {
      assert.equal((await (await db.getStoreViewer(DocStore, "s")).getAll()).len(), 40);
      assert.equal((await db.getAllEntries()).length, 41);
    }
    await one.instance.close();
    await two.close();
  });
});
