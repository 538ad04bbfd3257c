import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import { GroupCommit } from "../../src/storage/group_commit.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { StorageError } from "../../src/util/errors.ts";

it("a batch that fails does not take others of its group down with it", async () => {
  const database = new DatabaseSync(":memory:");
  const storage = await sqliteStorage(database);
  database.exec("PRAGMA max_page_count = 20");
  const put = (key: string, size: number) =>
    storage.commit({ set: [[utf8(key), new Uint8Array(size)]] });
  const all = await Promise.allSettled([put("a", 10), put("b", 500_000), put("c", 10)]);
  assert.deepEqual(all.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.ok(await storage.get(utf8("c")));
  await storage.close();
  database.close();
});

it("a server that cannot be reached is waited for once by all of a group", async () => {
  let attempts = 0;
  const group = new GroupCommit(() => {
    attempts++;
    throw new StorageError("CannotOpen", "Cannot write: the server has not answered in time");
  });
  const all = await Promise.allSettled([1, 2, 3].map(() => group.commit({})));
  assert.deepEqual(all.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  assert.equal(attempts, 1);
});

const COMMITS = 50_000;

it("whoever commits again and again leaves others their turns", async () => {
  const storage = await sqliteStorage(":memory:");
  let isOver = false;
  setTimeout(() => isOver = true);
  let commits = 0;
  for (; !isOver && commits < COMMITS; commits++) {
    await storage.commit({ set: [[utf8("a"), utf8("b")]] });
  }
  assert.ok(commits < COMMITS);
  await storage.close();
});

it("whoever commits again and again keeps nobody from closing the storage", async () => {
  const storage = await sqliteStorage(":memory:");
  const commits = async () => {
    for (let at = 0; at < COMMITS; at++) await storage.commit({ set: [[utf8("a"), utf8("b")]] });
  };
  const ended = assert.rejects(commits(), { code: "Closed" });
  await storage.close();
  await ended;
});
