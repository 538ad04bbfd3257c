import { ArrivalLog } from "../../src/backend/log/arrival_log.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, type ID, Instance, NewUser } from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { forgetLogs } from "../helpers/old_heads.ts";
import { failing, hasCode } from "../instance/places.ts";
import { makeRoot } from "./helpers.ts";

/** A storage with an instance and a database, closed; and the root of the database. */
async function filled(): Promise<{ storage: StorageDriver; tree: ID }> {
  const storage = memoryStorage();
  const view = failing(storage, -1);
  const { instance, user } = await Instance.createBackend(view, NewUser.passwordless("ada"));
  const database = await user!.createDatabase({ name: "x" });
  await database.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "s")).set("k", "v");
  });
  const tree = database.rootId;
  await instance.close();
  return { storage, tree };
}

/** A view of a storage that refuses every batch, as if others were always faster. */
function refusing(storage: StorageDriver): StorageDriver {
  return Object.assign(failing(storage, -1), { commit: () => Promise.resolve({ ok: false }) });
}

describe("a storage that refuses every change", () => {
  const actions: [string, (backend: LocalBackend, tree: ID) => Promise<unknown>][] = [
    ["writing", async (backend) => {
      const root = makeRoot();
      await backend.update(root.id, (update) => update.insert(root, "Verified"));
    }],
    ["judging anew", async (backend, tree) => {
      await backend.demoteToUnverified(tree, (await backend.snapshot(tree)).tips[0]!);
    }],
    ["the database of synchronisation", (backend) => backend.records.adoptSyncDb("x")],
    ["the arrival log", (backend, tree) => ArrivalLog.of(backend).cursor(tree)],
  ];
  for (const [what, act] of actions) {
    it(`is not asked for ever: ${what}`, async () => {
      const { storage, tree } = await filled();
      if (what === "the arrival log") await forgetLogs(storage);
      const acting = act(new LocalBackend(refusing(storage)), tree);
      await assert.rejects(acting, hasCode("StateInconsistency", "1000 times"));
    });
  }
});
