/** Trees that are older than their arrival logs: read on, and filled in whatever happens meanwhile. */
import { ArrivalLog } from "../../src/backend/log/arrival_log.ts";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DocStore, EideticaError, type Entry, type ID, Instance } from "../../mod.ts";
import { LocalBackend } from "../../src/backend/local.ts";
import { fillLog, type FillSizes } from "../../src/backend/log/log_fill.ts";
import * as keys from "../../src/backend/records/keys.ts";
import { decodeHead, encodeHead, type TreeHead } from "../../src/backend/records/tree_records.ts";
import { EMPTY_HEAD } from "../../src/backend/tree/tree_cache.ts";
import { compareInTree } from "../../src/backend/tree/walk.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { readOnlyStorage } from "../../src/storage/read_only.ts";
import { ready } from "../../wasm/mod.ts";
import { checkLog, rowsOf } from "../helpers/log_check.ts";
import { forgetLogs } from "../helpers/old_heads.ts";
import { newStorage, STORAGES } from "../helpers/storages.ts";
import { checkTrees } from "../helpers/store_check.ts";
import { failing, hasCode } from "../instance/places.ts";
import { ids, makeEntry, makeRoot } from "./helpers.ts";

const SMALL: FillSizes = { window: 24, page: 7 };
const goOn = () => {};

async function verify(backend: LocalBackend, ...entries: readonly Entry[]): Promise<void> {
  const first = entries[0]!;
  await backend.update(first.root ?? first.id, async (update) => {
    for (const entry of entries) await update.insert(entry, "Verified");
  });
}

/** A tree as an older version has left it. */
interface Old {
  readonly storage: StorageDriver;
  readonly root: Entry;
  readonly verified: readonly Entry[];
  /** Entries that are not Verified, on the root. */
  readonly waiting: readonly Entry[];
}

/** Branches of several heights, in stores with heights of their own, and some that are not Verified. */
async function oldTree(storage: StorageDriver, length = 120): Promise<Old> {
  await ready();
  const backend = new LocalBackend(storage);
  const root = makeRoot();
  const verified = [root];
  await verify(backend, root);
  for (let at = 0; at < length; at++) {
    const parent = verified[Math.max(0, verified.length - 1 - at % 5 * 3)]!;
    const stores: Record<string, Entry[]> = at % 4 === 0 ? {} : { [`s${at % 3}`]: [], t: [] };
    const entry = makeEntry(root, { parents: [parent], label: `old ${at}`, stores });
    await verify(backend, entry);
    verified.push(entry);
  }
  const waiting = ["a", "b", "c"].map((label) => makeEntry(root, { parents: [root], label }));
  for (const entry of waiting) await backend.put(entry);
  await forgetLogs(storage);
  return { storage, root, verified, waiting };
}

async function headOf(storage: StorageDriver, { id }: Entry): Promise<TreeHead> {
  return decodeHead((await storage.get(keys.headKey(id)))!.value);
}

/** A view of a storage that calls `meanwhile` after reads and ahead of every third commit, and stays open. */
function spied(storage: StorageDriver, meanwhile: () => Promise<unknown>): StorageDriver {
  let commits = 0;
  return {
    name: storage.name,
    capabilities: { ...storage.capabilities, multiWriter: true, isFar: false },
    get: (key) => storage.get(key),
    getMany: async (keys) => {
      const found = await storage.getMany(keys);
      await meanwhile();
      return found;
    },
    async *list(range) {
      for await (const page of storage.list(range)) {
        yield page;
        await meanwhile();
      }
    },
    commit: async (batch) => {
      if (commits++ % 3 === 1) await meanwhile();
      return await storage.commit(batch);
    },
    close: () => Promise.resolve(),
  };
}

const texts = (rows: readonly { readonly id: ID }[]) => rows.map(({ id }) => `${id}`);

describe("a storage of the version before arrival logs", () => {
  const FIXTURE = new URL("./fixtures/heads_of_format_5.txt", import.meta.url);

  async function recorded(): Promise<StorageDriver> {
    const storage = memoryStorage();
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
    for (const line of readFileSync(FIXTURE, "utf8").trimEnd().split("\n")) {
      const [key, value] = line.split(" ");
      await storage.commit({ set: [[bytes(key!), bytes(value!)]] });
    }
    return storage;
  }

  it("is opened, read, written to, and gets its logs when somebody asks for them", async () => {
    const storage = await recorded();
    const instance = await Instance.openBackend(storage);
    const [db] = await (await instance.loginUser("ada")).findDatabase("old");
    const pages = await (await db!.getStoreViewer(DocStore, "pages")).getAll();
    assert.equal(pages.len(), 23);
    await db!.withTransaction(async (tx) => (await tx.getStore(DocStore, "pages")).set("new", "x"));
    const head = decodeHead((await storage.get(keys.headKey(db!.rootId)))!.value);
    assert.deepEqual([head.log, head.buffer.arrivals], [undefined, []]);
    await checkTrees(instance);
    await db!.withTransaction(async (tx) => (await tx.getStore(DocStore, "pages")).set("more", 1));
    await checkTrees(instance);
    const backend = instance.backend as LocalBackend;
    assert.equal((await ArrivalLog.of(backend).head(db!.rootId))!.length, 26);
    await instance.close();
  });

  it("has heads that the helper of these tests writes just so", async () => {
    const storage = await recorded();
    const heads = async () => {
      const found: [Uint8Array, Uint8Array][] = [];
      for await (const page of storage.list(keys.prefixRange(keys.allOf("head")))) {
        found.push(...page.map(({ key, value }): [Uint8Array, Uint8Array] => [key, value]));
      }
      return found;
    };
    const before = await heads();
    const set = before.map(([key, value]) => [key, encodeHead(decodeHead(value))] as const);
    await storage.commit({ set });
    assert.notDeepEqual(await heads(), before);
    await forgetLogs(storage);
    assert.deepEqual(await heads(), before);
  });

  it("of a format before that, or after ours, is refused", () => {
    for (const format of [0, 4, 8, 255]) {
      const head = encodeHead(EMPTY_HEAD);
      head[0] = format;
      assert.throws(
        () => decodeHead(head),
        hasCode("TreeIntegrityViolation", `${format}`, "5 to 7"),
      );
    }
  });
});

for (const place of STORAGES) {
  describe(`filling in an arrival log on ${place}`, () => {
    it("puts what was Verified in fold order, and what comes after it behind", async () => {
      const { storage, root, verified, waiting } = await oldTree(await newStorage(place));
      const backend = new LocalBackend(storage);
      const later = makeEntry(root, { parents: [root], label: "later" });
      await verify(backend, later);
      const before = [...verified, later].sort(compareInTree);
      assert.deepEqual(texts(await rowsOf(backend, root.id)), texts(before));
      await backend.update(root.id, (update) => update.settle(waiting[0]!, "Verified"));
      assert.deepEqual(texts(await rowsOf(backend, root.id)), texts([...before, waiting[0]!]));
      await checkLog(backend, root.id);
      const { log } = await headOf(storage, root);
      assert.deepEqual([log!.older, log!.front], [before.length, undefined]);
    });

    it("happens once, and leaves alone trees that have their logs", async () => {
      const { storage, root } = await oldTree(await newStorage(place));
      const backend = new LocalBackend(storage);
      const [one, two] = await Promise.all([
        ArrivalLog.of(backend).head(root.id),
        ArrivalLog.of(backend).head(root.id),
      ]);
      assert.deepEqual(one, two);
      const { sequence } = await headOf(storage, root);
      assert.deepEqual(await ArrivalLog.of(new LocalBackend(storage)).head(root.id), one);
      assert.equal((await headOf(storage, root)).sequence, sequence);
    });

    it("goes on where it was, from whatever commit on nothing was written", async () => {
      const { storage, root, verified } = await oldTree(await newStorage(place));
      let crashes = 0;
      for (let failAt = 1;; failAt = failAt % 3 + 1) {
        const doomed = new LocalBackend(failing(storage, failAt));
        const filled = fillLog(doomed, root.id, goOn, SMALL).then(() => true, requireCrash);
        if (await filled) break;
        crashes++;
        const progress = (await headOf(storage, root)).log;
        assert.ok(crashes < 200, `no progress: ${progress?.length}`);
      }
      assert.ok(crashes > verified.length / SMALL.page / 3, `${crashes} crashes`);
      await checkLog(new LocalBackend(storage), root.id);
    });

    it("misses nothing of what is written meanwhile, on top, below, or woken, nor lists it twice", async () => {
      const { storage, root, verified, waiting } = await oldTree(await newStorage(place));
      const writer = new LocalBackend(spied(storage, () => Promise.resolve()));
      let written = 0;
      const write = async (): Promise<void> => {
        const at = written++;
        if (at % 9 === 4 && at / 9 < waiting.length) {
          const woken = waiting[Math.floor(at / 9)]!;
          await writer.update(root.id, (update) => update.settle(woken, "Verified"));
        } else {
          const parent = verified[(at * 37) % verified.length]!;
          await verify(writer, makeEntry(root, { parents: [parent], label: `meanwhile ${at}` }));
        }
      };
      const filler = new LocalBackend(spied(storage, write));
      await fillLog(filler, root.id, goOn, SMALL);
      const { older, length } = (await headOf(storage, root)).log!;
      assert.equal(older, verified.length);
      assert.ok(length > older + 20, `${length - older} entries came meanwhile`);
      await checkLog(new LocalBackend(storage), root.id);
    });

    it("is done by several at once, who write each row once", async () => {
      const { storage, root } = await oldTree(await newStorage(place));
      const fillers = Array.from(
        { length: 3 },
        () => new LocalBackend(spied(storage, () => new Promise((done) => setTimeout(done)))),
      );
      const sizes = (page: number) => ({ window: 8 * page - 3, page });
      await Promise.all(fillers.map((filler, at) => fillLog(filler, root.id, goOn, sizes(5 + at))));
      for (const filler of fillers) await checkLog(filler, root.id);
    });

    it("is finished before a verdict is taken back", async () => {
      const { storage, root, verified } = await oldTree(await newStorage(place));
      const halfway = new LocalBackend(failing(storage, 4));
      await fillLog(halfway, root.id, goOn, SMALL).catch(requireCrash);
      assert.ok((await headOf(storage, root)).log?.front !== undefined);
      const backend = new LocalBackend(storage);
      await backend.demoteToUnverified(root.id, verified[60]!.id);
      const head = await headOf(storage, root);
      assert.equal(head.log!.front, undefined);
      assert.equal(head.log!.length, verified.length);
      const left = await backend.getEntriesByVerificationStatus("Verified");
      assert.equal(head.log!.count, left.length);
      assert.ok(left.length < verified.length);
    });
  });
}

/** Whether filling in came to its end; only the failure of these tests may have kept it from that. */
function requireCrash(error: unknown): false {
  assert.ok(error instanceof EideticaError && error.code === "DiskFull", String(error));
  return false;
}

describe("filling in an arrival log", () => {
  it("skips trees that nobody knows, and windows in which nothing is Verified", async () => {
    await ready();
    const storage = memoryStorage();
    const backend = new LocalBackend(storage);
    const root = makeRoot();
    await fillLog(backend, root.id, goOn);
    assert.equal(await storage.get(keys.headKey(root.id)), undefined);
    await verify(backend, root);
    const entries = Array.from(
      { length: 90 },
      (_, at) => makeEntry(root, { parents: [root], label: `${at}` }),
    );
    for (const entry of entries) await backend.put(entry);
    await forgetLogs(storage);
    const other = new LocalBackend(storage);
    await fillLog(other, root.id, goOn, SMALL);
    assert.deepEqual(texts(await rowsOf(other, root.id)), texts([root]));
  });

  it("fails where an entry's bytes are gone, and says which", async () => {
    await ready();
    const storage = memoryStorage();
    const backend = new LocalBackend(storage);
    const root = makeRoot();
    const large = makeEntry(root, { parents: [root], label: "x".repeat(5000) });
    await verify(backend, root, large);
    await forgetLogs(storage);
    await storage.commit({ delete: [keys.entryKey(large.id)] });
    const head = ArrivalLog.of(new LocalBackend(storage)).head(root.id);
    await assert.rejects(head, hasCode("TreeIntegrityViolation", `${large.id}`));
  });

  it("is refused on a storage that is read only, where a filled one is read", async () => {
    const { storage, root, verified } = await oldTree(memoryStorage());
    const reader = new LocalBackend(readOnlyStorage(storage));
    await assert.rejects(ArrivalLog.of(reader).head(root.id), hasCode("ReadOnly"));
    assert.equal(
      (await ArrivalLog.of(reader).difference(root.id, ids([root]))).lacking?.length,
      verified.length - 1,
    );
    await ArrivalLog.of(new LocalBackend(storage)).head(root.id);
    await checkLog(new LocalBackend(readOnlyStorage(storage)), root.id);
  });

  it("ends when the engine is closed, which waits for it, and can be gone on with", async () => {
    const { storage, root } = await oldTree(memoryStorage());
    let calls = 0;
    const slow = spied(storage, () => (calls++, new Promise((done) => setTimeout(done))));
    const backend = new LocalBackend(slow);
    const asked = ArrivalLog.of(backend).head(root.id);
    const refused = assert.rejects(asked, hasCode("Closed", `${root.id}`));
    await backend.close();
    const after = calls;
    await refused;
    await new Promise((done) => setTimeout(done, 20));
    assert.equal(calls, after, "something was asked for after the end");
    await assert.rejects(ArrivalLog.of(backend).head(root.id), hasCode("Closed"));
    await checkLog(new LocalBackend(storage), root.id);
  });

  it("is not waited for by who has given up, and goes on for the others", async () => {
    const { storage, root } = await oldTree(memoryStorage());
    const backend = new LocalBackend(spied(storage, () => new Promise((done) => setTimeout(done))));
    const controller = new AbortController();
    const { signal } = controller;
    const patient = ArrivalLog.of(backend).head(root.id);
    const impatient = assert.rejects(
      ArrivalLog.of(backend).head(root.id, signal),
      hasCode("Aborted", `${root.id}`),
    );
    controller.abort();
    await impatient;
    await assert.rejects(
      ArrivalLog.of(backend).head(root.id, signal),
      hasCode("Aborted", `${root.id}`),
    );
    assert.equal((await patient)!.length, (await ArrivalLog.of(backend).head(root.id))!.length);
  });
});
