import assert from "node:assert/strict";
import { test } from "node:test";
import { DocStore, SyncSettings } from "../../mod.ts";
import { syncSettingsText } from "../../src/user/sync_settings.ts";
import { SyncDatabase } from "../../src/sync/sync_database.ts";
import { Topology } from "../../src/sync/topology.ts";
import { anyId, withRecords } from "./bed.ts";

test("10#39 who asks while `_sync` is being read gets what is read, not what was known before", () =>
  withRecords(async ({ host }) => {
    const records = await SyncDatabase.of(host);
    const { database } = records;
    const topology = new Topology(records);
    assert.equal((await topology.all()).size, 0);
    await database.withTransaction(async (tx) => {
      const store = await tx.getStore(DocStore, "database_users");
      const text = syncSettingsText(SyncSettings.onCommit());
      await store.set([anyId("tree").toString(), "combined_settings"], text);
    });
    const all = await Promise.all([topology.all(), topology.all()]);
    const told = all.map((trees) => trees.get(anyId("tree").toString())?.settings.syncOnCommit);
    assert.deepEqual(told, [true, true]);
  }));
