/**
 * A host whose requests end at any moment, as in isolates at the edge: what one of them has asked of a storage never
 * comes, and holds up nobody for good.
 */

import assert from "node:assert/strict";
import { it } from "node:test";
import { DocStore, type ID, Instance, NewUser } from "../../mod.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { docState } from "../../src/backend/state/doc_state.ts";
import { SETTINGS } from "../../src/entry/constants.ts";
import { GroupCommit } from "../../src/storage/group_commit.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { LOST_MS } from "../../src/util/lost.ts";
import { ahead } from "../helpers/lost_timers.ts";
import { runProcess } from "./places.ts";

/** A storage of which some requests never come back. */
function losing(driver: StorageDriver) {
  const lost = { commits: false, seen: () => {} };
  const storage: StorageDriver = {
    name: driver.name,
    capabilities: driver.capabilities,
    get: (key) => driver.get(key),
    getMany: (keys) => driver.getMany(keys),
    list: (range) => driver.list(range),
    commit: (batch) => {
      if (!lost.commits) return driver.commit(batch);
      lost.seen();
      return new Promise(() => {});
    },
    close: () => driver.close(),
  };
  return { storage, lost };
}

it("a commit that is lost with its request holds up no later one, and no closing", async () => {
  const { storage, lost } = losing(memoryStorage());
  const { instance, user } = await Instance.createBackend(storage, NewUser.passwordless("ada"));
  const database = await user.createDatabase({ name: "x" });
  const commit = (value: number) =>
    database.withTransaction(async (tx) =>
      await (await tx.getStore(DocStore, "a")).set("k", value)
    );
  await commit(1);
  lost.commits = true;
  await new Promise<void>((resolve) => {
    lost.seen = resolve;
    void commit(2);
  });
  lost.commits = false;
  await ahead(LOST_MS + 1, async () => {
    await commit(3);
    assert.equal(await (await database.getStoreViewer(DocStore, "a")).get("k"), 3);
  });
  await instance.close();
});

it("a commit that never ends is waited for by close until it is taken for lost, and no longer", async () => {
  const { storage, lost } = losing(memoryStorage());
  const { instance, user } = await Instance.createBackend(storage, NewUser.passwordless("ada"));
  const database = await user.createDatabase({ name: "x" });
  lost.commits = true;
  await new Promise<void>((resolve) => {
    lost.seen = resolve;
    void database.withTransaction(async (tx) => {
      await (await tx.getStore(DocStore, "a")).set("k", 1);
    });
  });
  // Not lost yet when it is closed, but soon.
  await ahead(LOST_MS - 200, () => instance.close());
});

it("a state that is being folded for a request that is lost is folded again", async () => {
  const { instance, user } = await Instance.connectOrCreate(
    "memory://",
    NewUser.passwordless("ada"),
  );
  const { rootId } = await user!.createDatabase({ name: "x" });
  const backend = instance.backend as LocalBackend;
  const tips = await backend.verifiedStoreSnapshot(rootId, SETTINGS);
  backend.states.clear();
  let isLost = true;
  const reader = {
    find: (id: ID) => isLost ? new Promise<never>(() => {}) : backend.find(id),
  };
  const fold = () => backend.states.stateAt(reader, rootId, SETTINGS, tips, docState);
  void fold();
  isLost = false;
  await ahead(LOST_MS + 1, async () => assert.equal((await fold()).get("name"), "x"));
  await instance.close();
});

it("batches that are lost with their request hold up no later ones", async () => {
  let isLost = true;
  const group = new GroupCommit((batches) =>
    isLost ? new Promise(() => {}) : batches.map(() => ({ ok: true, version: 1 }))
  );
  void group.commit({});
  await new Promise((resolve) => setTimeout(resolve));
  isLost = false;
  await ahead(LOST_MS - 200, () => group.idle());
  await ahead(LOST_MS + 1, async () => {
    await group.idle();
    assert.deepEqual(await group.commit({}), { ok: true, version: 1 });
  });
});

it("a database that a lost request was reading from far away is read by the next one", async () => {
  assert.equal((await runProcess("lost_meeting_main.ts")).trim(), "1 tip");
});
