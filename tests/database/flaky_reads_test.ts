import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, Instance, NewUser } from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { flakyStorage } from "../helpers/flaky_storage.ts";
import { hasCode } from "./bed.ts";

describe("a transaction whose storage fails to be read once", () => {
  it("goes on when it is used again", async () => {
    const storage = memoryStorage();
    const { user } = await Instance.createBackend(
      flakyStorage(storage),
      NewUser.passwordless("ada"),
    );
    const made = await user.createDatabase({ name: "x" });
    // Branches, and behind them more history than is read at once: what an entry builds on is then to be read.
    for (let round = 0; round < 20; round++) {
      const branches = await Promise.all([0, 1, 2].map(() => made.newTransaction()));
      for (const [at, branch] of branches.entries()) {
        await (await branch.getStore(DocStore, `s${at}`)).set("a", round);
        await branch.commit();
      }
    }
    const view = flakyStorage(storage);
    const again = await Instance.openBackend(view);
    const ada = await again.loginUser("ada");
    const db = await ada.openDatabase(made.rootId);
    const transaction = await db.newTransaction();
    view.broken = 1;
    await assert.rejects(transaction.getStore(DocStore, "s1"), hasCode("Io"));
    const store = await transaction.getStore(DocStore, "s1");
    assert.equal(await store.get("a"), 19);
    await store.set("b", 2);
    await transaction.commit();
    await again.close();
    await storage.close();
  });
});
