import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Database,
  DocStore,
  type Entry,
  Instance,
  NewUser,
  type Progress,
  type Snapshot,
  type User,
  type WriteEvent,
} from "../../mod.ts";
import type { Batch, StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { StorageError } from "../../src/util/errors.ts";
import { failing, hasCode } from "./places.ts";

const idsOf = (event: WriteEvent): string[] => event.entries.map((entry) => `${entry.id}`);
const commit = (db: Database, key: string) =>
  db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set(key, "v"));

/** A view of a storage whose batches hold a few entries only, as on Deno KV. */
function narrow(storage: StorageDriver, entries: number): StorageDriver {
  const capabilities = { ...storage.capabilities, maxBatchChanges: entries * 16 };
  return { ...failing(storage, -1), capabilities };
}

/** A database with many entries, and an instance of its own that holds only the root. */
async function withCopy(
  count: number,
  storage: StorageDriver,
  test: (
    bed: { instance: Instance; copy: Database; entries: Entry[]; user: User },
  ) => Promise<void>,
): Promise<void> {
  const home = await Instance.createBackend(memoryStorage(), NewUser.passwordless("ada"));
  const db = await home.user.createDatabase({ name: "source" });
  for (let at = 0; at < count; at++) await commit(db, `k${at}`);
  const entries = await db.getAllEntries();
  const { instance, user } = await Instance.createBackend(storage, NewUser.passwordless("bob"));
  await instance.putRemoteEntries(db.rootId, [entries[0]!]);
  const key = home.user.signingKey(home.user.defaultKey());
  const copy = (await Database.open(instance, db.rootId)).withKey(key);
  try {
    await test({ instance, copy, entries, user });
  } finally {
    await instance.close();
    await home.instance.close();
  }
}

async function recorder(db: Database, at?: Snapshot): Promise<WriteEvent[]> {
  const events: WriteEvent[] = [];
  (await db.onWrite((event) => void events.push(event), at === undefined ? {} : { at })).detach();
  return events;
}

function assertLaw(events: readonly WriteEvent[], start: Snapshot, end: Snapshot): void {
  const last = events.reduce((before, event) => {
    assert.ok(event.previousTips.equals(before), "brackets join");
    return event.postTips;
  }, start);
  assert.ok(last.equals(end), "the last bracket ends at the frontier");
}

describe("events of large batches", () => {
  it("00 §C1, 07#39 a batch of many storage commits is one event, in fold order", () =>
    withCopy(1100, memoryStorage(), async ({ instance, copy, entries }) => {
      const events = await recorder(copy);
      const heard: number[] = [];
      instance.host.onAnyWrite((_tree, event) => void heard.push(event.entries.length));
      const report = await instance.putRemoteEntries(copy.rootId, [...entries].reverse());
      assert.equal(report.verified, 1100);
      assert.deepEqual(events.map(idsOf), [entries.slice(1).map((entry) => `${entry.id}`)]);
      assert.equal(events[0]!.source, "remote");
      assert.deepEqual(heard, [1100]);
    }));

  it("00 §C1 local commits in the middle of a batch keep the brackets joined", () =>
    withCopy(40, narrow(memoryStorage(), 4), async ({ instance, copy, entries }) => {
      const start = await copy.snapshot();
      const events = await recorder(copy);
      const [report] = await Promise.all([
        instance.putRemoteEntries(copy.rootId, entries),
        (async () => {
          for (let at = 0; at < 5; at++) await commit(copy, `local ${at}`);
        })(),
      ]);
      assert.equal(report.verified, 40);
      assertLaw(events, start, await copy.snapshot());
      const local = events.filter((event) => event.source === "local");
      assert.deepEqual(local.map((event) => event.entries.length), [1, 1, 1, 1, 1]);
      assert.ok(events.some((event, at) => at > 0 && event.source === "remote"), "split in parts");
      const heard = events.flatMap(idsOf);
      assert.equal(new Set(heard).size, heard.length, "every entry once");
      assert.equal(heard.length, 45);
    }));

  it("00 §C1 what was stored before a later part failed is told, once", async () => {
    const storage = memoryStorage();
    let failAt = Infinity;
    let commits = 0;
    const view = narrow(storage, 4);
    const breaking: StorageDriver = {
      ...view,
      commit: (batch: Batch) =>
        ++commits === failAt
          ? Promise.reject(new StorageError("DiskFull", "Cannot write: full, for this test"))
          : view.commit(batch),
    };
    await withCopy(20, breaking, async ({ instance, copy, entries }) => {
      const start = await copy.snapshot();
      const events = await recorder(copy);
      failAt = commits + 4;
      await assert.rejects(instance.putRemoteEntries(copy.rootId, entries), hasCode("DiskFull"));
      assert.deepEqual(events.map(idsOf), [entries.slice(1, 12).map((entry) => `${entry.id}`)]);
      assertLaw(events, start, await copy.snapshot());
      await instance.putRemoteEntries(copy.rootId, entries);
      assert.equal(events.length, 2);
      assertLaw(events, start, await copy.snapshot());
      assert.deepEqual(events.flatMap(idsOf), entries.slice(1).map((entry) => `${entry.id}`));
    });
  });

  it("06#63, 07#39 promotions that take several storage commits are one event", () =>
    withCopy(30, narrow(memoryStorage(), 4), async ({ instance, copy, entries }) => {
      const events = await recorder(copy);
      for (const entry of entries) await instance.backend.put(entry);
      assert.equal((await copy.verify()).verified, 30);
      assert.deepEqual(events.map(idsOf), [entries.slice(1).map((entry) => `${entry.id}`)]);
    }));

  it("07 §10.5 one entry that unlocks many judges all of them, in one event", () =>
    withCopy(30, narrow(memoryStorage(), 4), async ({ instance, copy, entries }) => {
      const events = await recorder(copy);
      for (const entry of entries.slice(2)) await instance.backend.put(entry);
      const report = await instance.putRemoteEntries(copy.rootId, [entries[1]!]);
      assert.deepEqual({ ...report, rejected: report.rejected.length }, {
        stored: 1,
        verified: 30,
        failed: 0,
        unverified: 0,
        rejected: 0,
      });
      assert.deepEqual(events.map(idsOf), [entries.slice(1).map((entry) => `${entry.id}`)]);
    }));

  it("00 §C6 a batch that is aborted keeps and tells what was stored", () =>
    withCopy(40, narrow(memoryStorage(), 4), async ({ instance, copy, entries }) => {
      const start = await copy.snapshot();
      const controller = new AbortController();
      const events = await recorder(copy);
      const put = instance.putRemoteEntries(copy.rootId, entries, { signal: controller.signal });
      const refused = assert.rejects(put, /enough/);
      while ((await instance.backend.snapshot(copy.rootId)).equals(start)) await undefined;
      controller.abort(new Error("enough"));
      await refused;
      const held = (await copy.getAllEntries()).length;
      assert.ok(held > 1 && held < 41, `${held} entries`);
      assert.equal(events.length, 1);
      assertLaw(events, start, await copy.snapshot());
    }));

  it("00 §C6 a batch tells how far it is; what its listener throws ends it like an abort", () =>
    withCopy(40, narrow(memoryStorage(), 4), async ({ instance, copy, entries }) => {
      const start = await copy.snapshot();
      const events = await recorder(copy);
      const seen: Progress[] = [];
      const stopping = instance.putRemoteEntries(copy.rootId, entries, {
        onProgress: (progress) => {
          seen.push(progress);
          if (progress.done >= 8) throw new Error("enough");
        },
      });
      await assert.rejects(stopping, /^Error: enough$/);
      assert.ok(seen.length > 1 && seen.every(({ total }) => total === entries.length));
      assert.equal((await copy.getAllEntries()).length, seen.at(-1)!.done);
      assertLaw(events, start, await copy.snapshot());
      const all: number[] = [];
      const onProgress = ({ done }: Progress) => void all.push(done);
      await instance.putRemoteEntries(copy.rootId, entries, { onProgress });
      assert.deepEqual(all, [...all].sort((a, b) => a - b));
      assert.equal(all.at(-1), entries.length);
    }));

  // More entries than one storage commit can put off are on the agenda: passes over them used never to end.
  it("00 §C6 verifying tells how far it is, hears an abort, and goes on the next time", () =>
    withCopy(40, narrow(memoryStorage(), 4), async ({ instance, copy, entries }) => {
      for (const entry of entries.slice(1)) await instance.backend.put(entry);
      const controller = new AbortController();
      const seen: Progress[] = [];
      const onProgress = (progress: Progress) => {
        seen.push(progress);
        if (progress.done >= 8) controller.abort(new Error("enough"));
      };
      const { signal } = controller;
      await assert.rejects(copy.verify({ signal, onProgress }), {
        code: "Aborted",
        message: /enough/,
      });
      const { done, total } = seen.at(-1)!;
      assert.ok(done >= 8 && done < 40);
      assert.equal(total, 40);
      await assert.rejects(copy.verify({ signal }), { code: "Aborted" });
      assert.deepEqual(await copy.verify(), { verified: 40 - done, failed: 0, stillUnverified: 0 });
    }));

  it("07 §10.5 a storage that cannot be read is no reason to refuse an entry", async () => {
    const view = failing(memoryStorage(), -1);
    let broken = false;
    const breaking: StorageDriver = {
      ...view,
      get: (key) =>
        broken
          ? Promise.reject(new StorageError("Io", "Cannot read: broken, for this test"))
          : view.get(key),
    };
    await withCopy(3, breaking, async ({ instance, copy, entries }) => {
      broken = true;
      await assert.rejects(instance.putRemoteEntries(copy.rootId, entries), hasCode("Io"));
      broken = false;
      assert.equal((await instance.putRemoteEntries(copy.rootId, entries)).verified, 3);
    });
  });

  it("07 §10.2 a handler that is registered in the middle of a batch hears of the rest alone", () =>
    withCopy(40, narrow(memoryStorage(), 4), async ({ instance, copy, entries }) => {
      const put = instance.putRemoteEntries(copy.rootId, entries);
      while ((await copy.snapshot()).contains(entries[0]!.id)) await undefined;
      const events: WriteEvent[] = [];
      const at = (await recorderFrom(copy, events)).at;
      await put;
      assertLaw(events, at(), await copy.snapshot());
      const heard = events.flatMap(idsOf);
      assert.ok(heard.length > 0 && heard.length < 40);
      assert.deepEqual(heard, entries.slice(-heard.length).map((entry) => `${entry.id}`));
    }));
});

/** Registers a handler now; `at` tells where its first event has begun. */
async function recorderFrom(
  db: Database,
  events: WriteEvent[],
): Promise<{ at: () => Snapshot }> {
  (await db.onWrite((event) => void events.push(event))).detach();
  return { at: () => events[0]!.previousTips };
}

describe("writes that share a storage commit", () => {
  it("one that cannot be stored does not take its neighbours down", async () => {
    const storage = memoryStorage();
    const view = failing(storage, -1);
    const refusing: StorageDriver = {
      ...view,
      commit: (batch: Batch) =>
        batch.set?.some(([, value]) => value.length > 100_000)
          ? Promise.reject(new StorageError("TooLarge", "Cannot write: too large, for this test"))
          : view.commit(batch),
    };
    const { instance, user } = await Instance.createBackend(
      refusing,
      NewUser.passwordless("ada"),
    );
    const db = await user.createDatabase({ name: "x" });
    const at = await db.snapshot();
    const events = await recorder(db);
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, async (_, number) => {
        const tx = await db.newTransaction({ at });
        const value = number === 4 ? "x".repeat(200_000) : "v";
        await (await tx.getStore(DocStore, "s")).set(`k${number}`, value);
        return await tx.commit();
      }),
    );
    assert.deepEqual(
      results.map(({ status }) => status),
      results.map((_, number) => number === 4 ? "rejected" : "fulfilled"),
    );
    assert.equal(events.length, 9);
    assert.equal((await (await db.getStoreViewer(DocStore, "s")).getAll()).len(), 9);
    await instance.close();
  });
});
