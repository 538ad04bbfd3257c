import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, Instance, NewUser } from "../../mod.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { StorageError } from "../../src/util/errors.ts";
import { hasCode } from "./bed.ts";

/** A view of a storage that stays open, whose next read fails while `isBroken`. */
function flaky(storage: StorageDriver): StorageDriver & { isBroken: boolean } {
  const read = <T>(reading: () => T): T => {
    if (!view.isBroken) return reading();
    view.isBroken = false;
    throw new StorageError("Unavailable", "Cannot read the storage: it is away, for this test");
  };
  const view = {
    name: storage.name,
    capabilities: storage.capabilities,
    isBroken: false,
    get: async (key: Uint8Array) => await read(() => storage.get(key)),
    getMany: async (keys: readonly Uint8Array[]) => await read(() => storage.getMany(keys)),
    list: (range: Parameters<StorageDriver["list"]>[0]) => read(() => storage.list(range)),
    commit: storage.commit.bind(storage),
    close: () => Promise.resolve(),
  };
  return view;
}

describe("a transaction whose storage fails to be read once", () => {
  it("goes on when it is used again", async () => {
    const storage = memoryStorage();
    const { user } = await Instance.createBackend(flaky(storage), NewUser.passwordless("ada"));
    const made = await user.createDatabase({ name: "x" });
    // Branches, and behind them more history than is read at once: what an entry builds on is then to be read.
    for (let round = 0; round < 20; round++) {
      const branches = await Promise.all([0, 1, 2].map(() => made.newTransaction()));
      for (const [at, branch] of branches.entries()) {
        await (await branch.getStore(DocStore, `s${at}`)).set("a", round);
        await branch.commit();
      }
    }
    const view = flaky(storage);
    const again = await Instance.openBackend(view);
    const ada = await again.loginUser("ada");
    const db = await ada.openDatabase(made.rootId);
    const transaction = await db.newTransaction();
    view.isBroken = true;
    await assert.rejects(transaction.getStore(DocStore, "s1"), hasCode("Unavailable"));
    const store = await transaction.getStore(DocStore, "s1");
    assert.equal(await store.get("a"), 19);
    await store.set("b", 2);
    await transaction.commit();
    await again.close();
    await storage.close();
  });
});
