import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DocStore, type Entry, type ID, Instance, NewUser } from "../../mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { SyncWrites } from "../../src/sync/host.ts";
import { Inlet, type Stored } from "../../src/sync/worker/inlet.ts";
import { StorageError } from "../../src/util/errors.ts";

const PARTS = 5;
const PART = 3;

interface Bed {
  readonly tree: ID;
  readonly parts: readonly Entry[][];
  readonly foreign: Entry;
  /** The writes of an instance that holds nothing of it. */
  readonly host: SyncWrites;
  readonly held: () => Promise<number>;
}

async function onBed(test: (bed: Bed) => Promise<void>): Promise<void> {
  const home = await Instance.createBackend(memoryStorage(), NewUser.passwordless("ada"));
  const there = await Instance.createBackend(memoryStorage(), NewUser.passwordless("bob"));
  try {
    const db = await home.user.createDatabase({ name: "sent" });
    for (let at = 1; at < PARTS * PART; at++) {
      await db.withTransaction(async (tx) => await (await tx.getStore(DocStore, "s")).set("k", at));
    }
    const entries = await db.getAllEntries();
    const parts = Array.from(
      { length: PARTS },
      (_, at) => entries.slice(at * PART, (at + 1) * PART),
    );
    const foreign = await (await home.user.createDatabase({ name: "other" })).getRoot();
    const { instance: { host, backend } } = there;
    const held = async () => (await backend.getTree(db.rootId)).length;
    await test({ tree: db.rootId, parts, foreign, host, held });
  } finally {
    await home.instance.close();
    await there.instance.close();
  }
}

/** The same writes, which wait for `before` first. */
function after(host: SyncWrites, before: (entries: readonly Entry[]) => Promise<void>): SyncWrites {
  return Object.assign(Object.create(host) as SyncWrites, {
    putRemoteEntries: async (
      ...[tree, entries, work]: Parameters<SyncWrites["putRemoteEntries"]>
    ) => {
      await before(entries);
      return await host.putRemoteEntries(tree, entries, work);
    },
  });
}

describe("an inlet", () => {
  it("stores parts in their order, one at a time, and takes one ahead", () =>
    onBed(async ({ tree, parts, host, held }) => {
      const started: (readonly Entry[])[] = [];
      const open: (() => void)[] = [];
      const gated = after(host, async (entries) => {
        started.push(entries);
        await new Promise<void>((resolve) => open.push(resolve));
      });
      const stored: Stored[] = [];
      const inlet = new Inlet(gated, { tree, stored: (part) => void stored.push(part) });
      await inlet.put(parts[0]!, 10);
      let isTaken = false;
      const second = inlet.put(parts[1]!, 11).then(() => isTaken = true);
      await new Promise((resolve) => setTimeout(resolve));
      assert.deepEqual([started.length, isTaken, await held()], [1, false, 0]);
      open.shift()!();
      await second;
      assert.deepEqual([started.length, await held()], [2, PART]);
      for (const part of parts.slice(2)) {
        open.shift()!();
        await inlet.put(part, 12);
      }
      open.shift()!();
      await inlet.end();
      assert.deepEqual(started, parts);
      assert.equal(await held(), PARTS * PART);
      const each = { received: PART, verified: PART, refused: 0 };
      assert.deepEqual(stored, [10, 11, 12, 12, 12].map((bytes) => ({ ...each, bytes })));
    }));

  it("tells what a part has failed with when the next comes, and stores none after it", () =>
    onBed(async ({ tree, parts, host, held }) => {
      const failing = after(
        host,
        (entries) =>
          entries === parts[1]
            ? Promise.reject(new StorageError("DiskFull", "Cannot write: full, for this test"))
            : Promise.resolve(),
      );
      const inlet = new Inlet(failing, { tree, stored: () => {} });
      await inlet.put(parts[0]!, 1);
      await inlet.put(parts[1]!, 1);
      await assert.rejects(inlet.put(parts[2]!, 1), { code: "DiskFull" });
      await assert.rejects(inlet.end(), { code: "DiskFull" });
      assert.equal(await held(), PART);
    }));

  it("refuses a part with an entry of another tree at once, and stores those before it", () =>
    onBed(async ({ tree, parts, foreign, host, held }) => {
      const inlet = new Inlet(host, { tree, stored: () => {} });
      await inlet.put(parts[0]!, 1);
      await assert.rejects(inlet.put([...parts[1]!, foreign], 1), { code: "InvalidEntry" });
      await inlet.end();
      assert.equal(await held(), PART);
    }));

  it("hears an abort: what is stored stays", () =>
    onBed(async ({ tree, parts, host, held }) => {
      const controller = new AbortController();
      const inlet = new Inlet(host, { tree, signal: controller.signal, stored: () => {} });
      await inlet.put(parts[0]!, 1);
      await inlet.put(parts[1]!, 1);
      await inlet.end();
      controller.abort(new Error("enough"));
      await inlet.put(parts[2]!, 1);
      await assert.rejects(inlet.end(), { code: "Aborted" });
      assert.equal(await held(), 2 * PART);
    }));
});
