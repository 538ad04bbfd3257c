import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import { DocStore, Instance, NewUser } from "../../mod.ts";
import { MAX_GROUP as WRITES } from "../../src/instance/tree_writer.ts";
import { GroupCommit, MAX_GROUP, SILENT_MS } from "../../src/storage/group_commit.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { utf8 } from "../../src/util/bytes.ts";
import { StorageError } from "../../src/util/errors.ts";
import { ahead } from "../helpers/lost_timers.ts";

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

/** Fails `count` batches by a storage that answers after so many milliseconds; how often it was asked. */
async function askedBy(count: number, millis: number): Promise<number> {
  let asked = 0;
  let answer = () => {};
  const group = new GroupCommit(async () => {
    asked++;
    await new Promise<void>((resolve) => answer = resolve);
    throw new StorageError("Io", "Cannot write: the server has not answered in time");
  });
  const all = Promise.allSettled(Array.from({ length: count }, () => group.commit({})));
  for (let answered = 0; answered < asked || asked === 0;) {
    await new Promise((resolve) => setTimeout(resolve));
    if (answered === asked) continue;
    answered++;
    await ahead(millis, async () => {
      answer();
      await new Promise((resolve) => setTimeout(resolve));
    });
  }
  assert.ok((await all).every(({ status }) => status === "rejected"));
  return asked;
}

it("a server that is silent is waited for once, also by those who wait behind a group", async () => {
  assert.equal(await askedBy(3 * MAX_GROUP, SILENT_MS), 1);
  assert.equal(await askedBy(3 * MAX_GROUP, 0), 3);
});

it("writes to a database wait once for a server that is silent, however many they are", async () => {
  const storage = memoryStorage();
  let asked = 0;
  let answer: (() => void) | undefined;
  const silent = {
    isOn: false,
    name: storage.name,
    capabilities: storage.capabilities,
    get: (key: Uint8Array) => storage.get(key),
    getMany: (keys: readonly Uint8Array[]) => storage.getMany(keys),
    list: (range: Parameters<typeof storage.list>[0]) => storage.list(range),
    commit: async (batch: Parameters<typeof storage.commit>[0]) => {
      if (!silent.isOn) return await storage.commit(batch);
      asked++;
      await new Promise<void>((resolve) => answer = resolve);
      throw new StorageError("Io", "Cannot write: the server has not answered in time");
    },
    close: () => storage.close(),
  };
  const { instance, user } = await Instance.createBackend(silent, NewUser.passwordless("ada"));
  const db = await user.createDatabase({ name: "x" });
  silent.isOn = true;
  const commits = Array.from({ length: WRITES + 1 }, (_, at) => {
    return db.withTransaction(async (tx) => {
      await (await tx.getStore(DocStore, "s")).set(`${at}`, at);
    });
  });
  const settled = Promise.allSettled(commits);
  while (answer === undefined) await new Promise((resolve) => setTimeout(resolve));
  // All others have come to their turn behind those that are being written.
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve));
  await ahead(SILENT_MS, async () => {
    answer!();
    const results = await settled;
    assert.ok(results.every((it) => it.status === "rejected" && it.reason.code === "Io"));
  });
  assert.equal(asked, 1);
  silent.isOn = false;
  await instance.close();
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
