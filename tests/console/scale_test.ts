import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, Instance, NewUser } from "../../mod.ts";
import { nodeHandler } from "../../src/console/mod.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { Browser } from "./node_bed.ts";

/** A view of a storage that counts what is read; it stays open when the view is closed. */
function counted(storage: StorageDriver, count: { read: number }): StorageDriver {
  return {
    name: storage.name,
    capabilities: storage.capabilities,
    get: (key) => (count.read++, storage.get(key)),
    getMany: (keys) => (count.read += keys.length, storage.getMany(keys)),
    list: async function* (range) {
      for await (const page of storage.list(range)) {
        count.read += page.length;
        yield page;
      }
    },
    commit: (batch) => storage.commit(batch),
    close: () => Promise.resolve(),
  };
}

/** How many records each page reads, of a node that has just been started on a history of this length. */
async function readsOf(commits: number): Promise<number[]> {
  const storage = memoryStorage();
  const count = { read: 0 };
  const made = await Instance.createBackend(counted(storage, count), NewUser.passwordless("ada"));
  const database = await made.user.createDatabase({ name: "long" });
  for (let at = 0; at < commits; at++) {
    await database.withTransaction(async (tx) => {
      await (await tx.getStore(DocStore, "s")).set(`k${at % 7}`, at);
    });
  }
  const [tip] = (await database.snapshot()).tips;
  await made.instance.close();
  const instance = await Instance.openBackend(counted(storage, count));
  const node = nodeHandler(instance, { hosts: ["node.example"] });
  const browser = new Browser(node);
  await browser.logIn("ada");
  const reads: number[] = [];
  const path = `/dashboard/database?id=${database.rootId}`;
  const api = "/api/console/db";
  const one = `${api}/${database.rootId}`;
  const pages = ["/dashboard", path, `${path}&page=2`, `${path}&page=999`];
  // What a store looks like is read as the engine keeps it: that has tests of its own.
  const asked = [
    "",
    "/entries",
    "/entries?before=60",
    "/pending",
    "/people",
    "/sync",
    `/entries/${tip}`,
    "/blame?store=s&key=k1",
  ];
  const calls = [api, ...asked.map((it) => one + it)];
  for (const page of [...pages, ...calls]) {
    count.read = 0;
    assert.equal((await browser.send(page)).status, 200);
    reads.push(count.read);
  }
  node.close();
  await instance.close();
  return reads;
}

describe("a long history", () => {
  it("costs the pages what a shorter one does", async () => {
    const [short, long] = [await readsOf(300), await readsOf(1500)];
    for (const [at, reads] of long.entries()) {
      assert.ok(
        reads <= short[at]! + 8,
        `request ${at}: ${reads} records, ${short[at]} of the shorter`,
      );
    }
  });
});
