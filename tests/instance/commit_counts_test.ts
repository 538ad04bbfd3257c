/**
 * What a commit, a read and an ingest do, counted: storage operations, bytes written, encodings, hashes,
 * signatures and verifications. They are the same on every machine, so a change that makes the hot path
 * do more fails here, where a clock would not tell.
 *
 * Whoever changes a count on purpose changes the number, and says in the commit message what it buys.
 */

import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Database,
  DocStore,
  Entry,
  ID,
  Instance,
  NewUser,
  PrivateKey,
  PublicKey,
} from "../../mod.ts";
import { ArrivalLog } from "../../src/backend/log/arrival_log.ts";
import type { LocalBackend } from "../../src/backend/local.ts";
import { DagCborWriter } from "../../src/codec/dag_cbor_writer.ts";
import type { Batch, StorageDriver } from "../../src/storage/driver.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { memoryStorage } from "../../src/storage/memory.ts";

/** What was counted. */
type Counts = Record<keyof typeof NOTHING, number>;

const NOTHING = {
  /** Calls of the storage. */
  reads: 0,
  lists: 0,
  commits: 0,
  /** What the batches held: keys checked, set and removed, and bytes of keys and values. */
  checks: 0,
  sets: 0,
  deletes: 0,
  bytes: 0,
  /** Canonical bytes that were put together: an entry, or one with another signature. */
  encodes: 0,
  hashes: 0,
  signatures: 0,
  verifications: 0,
};

let counts: Counts = { ...NOTHING };

/** A storage that counts what is asked of it. */
function counting(driver: StorageDriver): StorageDriver {
  const count = (what: keyof Counts, by = 1) => void (counts[what] += by);
  const commit = (batch: Batch) => {
    const { checks = [], set = [], delete: removed = [] } = batch;
    count("commits");
    count("checks", checks.length);
    count("sets", set.length);
    count("deletes", removed.length);
    for (const [key, value] of set) count("bytes", key.length + value.length);
    return driver.commit(batch);
  };
  return {
    name: driver.name,
    capabilities: driver.capabilities,
    get: (key) => (count("reads"), driver.get(key)),
    getMany: (keys) => (count("reads", keys.length), driver.getMany(keys)),
    list: (range) => (count("lists"), driver.list(range)),
    commit,
    changeToken: driver.changeToken?.bind(driver),
    close: () => driver.close(),
  };
}

/** Puts a method that counts in place of one of `holder`; returns how to undo it. */
function countCalls(holder: object, method: string, what: keyof Counts): () => void {
  const original = Object.getOwnPropertyDescriptor(holder, method)!;
  Object.defineProperty(holder, method, {
    ...original,
    value(...args: unknown[]): unknown {
      counts[what]++;
      return original.value.apply(this, args);
    },
  });
  return () => void Object.defineProperty(holder, method, original);
}

/** Counts encodings, hashes, signatures and verifications while `run` goes on as ever. */
async function countingWork(run: () => Promise<void>): Promise<void> {
  const undo = [
    countCalls(DagCborWriter.prototype, "reset", "encodes"),
    countCalls(ID, "ofDagCbor", "hashes"),
    countCalls(PrivateKey.prototype, "sign", "signatures"),
    countCalls(PublicKey.prototype, "verify", "verifications"),
  ];
  try {
    await run();
  } finally {
    for (const restore of undo) restore();
  }
}

/** What `step` does. */
async function counted(step: () => Promise<unknown>): Promise<Counts> {
  counts = { ...NOTHING };
  await step();
  return { ...counts };
}

interface Bed {
  readonly instance: Instance;
  readonly database: Database;
}

/** Some more than 128: up to 16,383 heights then have one size in the arrival log. */
const HISTORY = 150;
/** Entries of a batch whose signatures are checked one by one. */
const BATCH = 101;
/** Entries of a batch whose signatures are checked ahead of its storing. */
const LARGE_BATCH = 1000;
/** Most entries of one storage commit. */
const BLOCK = 512;
/** Most reads and lists of a large batch: those of a tree that is new here, and none for each entry. */
const MAX_INGEST_READS = 8;
/**
 * Most promises that taking in an entry of a large batch makes, when it builds on the one before and has its pin: what
 * is in memory is not waited for.
 */
const MAX_INGEST_PROMISES = 5;

/** A database with some commits, and the commits of `test` on it, on a storage that counts. */
async function onBed(driver: StorageDriver, test: (bed: Bed) => Promise<void>): Promise<void> {
  await countingWork(async () => {
    const first = NewUser.passwordless("ada");
    const { instance, user } = await Instance.createBackend(counting(driver), first);
    const database = await user.createDatabase({ name: "counted" });
    for (let at = 0; at < HISTORY; at++) await commit(database, 100 + at % 100);
    try {
      await test({ instance, database });
    } finally {
      await instance.close();
    }
  });
}

/** Commits one key; all numbers have three digits, so that all commits have one size. */
async function commit(database: Database, number: number, at?: "fork"): Promise<void> {
  const options = at === undefined ? {} : { at: await database.snapshot() };
  const transaction = await database.newTransaction(options);
  await (await transaction.getStore(DocStore, "data")).set(`key_${number}`, "value");
  await transaction.commit();
}

/** How many promises `step` makes. */
async function promisesOf(step: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({ init: (_id, type) => void (count += type === "PROMISE" ? 1 : 0) });
  hook.enable();
  await step();
  hook.disable();
  return count;
}

async function commitRound(database: Database, from: number, at?: "fork"): Promise<void> {
  for (let number = from; number < from + ROUND; number++) await commit(database, number, at);
}

async function read(database: Database, number: number): Promise<void> {
  await (await database.getStoreViewer(DocStore, "data")).get(`key_${number}`);
}

/** After so many commits of one key the head has carried all that it may of the indexes, and has written it. */
const ROUND = 16;
/**
 * So many commits. Of each the entry is encoded once and its signature put in, it is hashed once; its row with
 * its bytes, and the head of the tree are written. To these comes once what the head has carried: the
 * places of the entries in their store, as one record, the frontiers of the store, and the rows of the
 * entries in the arrival log, as one record.
 */
const ONE_ROUND: Partial<Counts> = {
  reads: 0,
  lists: 0,
  commits: ROUND,
  checks: ROUND,
  sets: 2 * ROUND + 3,
  deletes: 0,
  encodes: 2 * ROUND,
  hashes: ROUND,
  signatures: ROUND,
  // What was signed a moment ago is judged by its claims; its signature is not computed again.
  verifications: 0,
};
/**
 * Bytes of keys and values of these commits, the entries included: 1,414 for each. Of these the arrival log
 * takes 96: 38 for its row and its part of a key, 25 for what the head says of it, and some 30 in which the head
 * carries rows.
 */
const ONE_ROUND_BYTES = 22_630;

/**
 * Most promises that a commit makes, those of its caller included. What is in memory is not waited for:
 * each promise costs some 200 bytes and a turn of the microtask queue.
 */
const MAX_PROMISES = 40;

function assertCounts(found: Counts, expected: Partial<Counts>): void {
  const compared = Object.fromEntries(
    Object.keys(expected).map((key) => [key, found[key as keyof Counts]]),
  );
  assert.deepEqual(compared, expected);
}

let largeBatch: Promise<readonly Uint8Array[]> | undefined;

/** The first entries of a database, encoded. */
function encodedBatch(): Promise<readonly Uint8Array[]> {
  return largeBatch ??= (async () => {
    let encoded: Uint8Array[] = [];
    await onBed(memoryStorage(), async ({ database }) => {
      for (let at = HISTORY; at < LARGE_BATCH; at++) await commit(database, at);
      encoded = (await database.getAllEntries()).map(({ bytes }) => bytes);
    });
    return encoded.slice(0, LARGE_BATCH);
  })();
}

const PLACES: readonly [name: string, open: (folder: string) => Promise<StorageDriver>][] = [
  ["memory", () => Promise.resolve(memoryStorage())],
  ["sqlite", (folder) => sqliteStorage(join(folder, "counted.db"))],
];

for (const [name, open] of PLACES) {
  describe(`counts of the hot path, ${name}`, () => {
    const onPlace = async (test: (bed: Bed) => Promise<void>) => {
      const folder = mkdtempSync(join(tmpdir(), "eidetica-counts-"));
      try {
        await onBed(await open(folder), test);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    };

    it("a commit of one key does the same at any length of history", async () => {
      await onPlace(async ({ database }) => {
        const early = await counted(() => commitRound(database, 200));
        assertCounts(early, { ...ONE_ROUND, bytes: ONE_ROUND_BYTES });
        for (let at = 300; at < 350; at++) await commit(database, at);
        assert.deepEqual(await counted(() => commitRound(database, 400)), early);
      });
    });

    it("callbacks, however many, add nothing to what a commit does", async () => {
      await onPlace(async ({ database }) => {
        const before = await counted(() => commitRound(database, 200));
        let calls = 0;
        for (let at = 0; at < 100; at++) await database.onWrite(() => void calls++);
        assert.deepEqual(await counted(() => commitRound(database, 300)), before);
        assert.equal(calls, 100 * ROUND);
      });
    });

    const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);
    const skip = isNode ? false : "only Node tells how many promises are made";
    it("a commit of one key makes few promises", { skip }, async () => {
      await onPlace(async ({ database }) => {
        const before = await promisesOf(() => commitRound(database, 200));
        assert.ok(before <= MAX_PROMISES * ROUND, `${before / ROUND} promises per commit`);
      });
    });

    it("a read after a commit asks the storage for nothing", async () => {
      await onPlace(async ({ database }) => {
        await read(database, 150);
        await commit(database, 200);
        assert.deepEqual(await counted(() => read(database, 150)), NOTHING);
      });
    });

    it("what a commit adds to the arrival log is told from memory, bytes and all", async () => {
      await onPlace(async ({ instance, database: { rootId: tree }, database }) => {
        const log = ArrivalLog.of(instance.backend as LocalBackend);
        const before = await log.cursor(tree);
        const tips = await database.snapshot();
        await commit(database, 200);
        const found = await counted(async () => {
          const page = await log.entriesAfter(tree, before);
          assert.equal(page!.entries.length, 1);
          assert.equal((await log.head(tree))!.length, page!.next.position);
          const { lacking } = await log.difference(tree, tips.tips);
          assert.deepEqual(lacking!.map(({ id }) => id), page!.entries.map(({ id }) => id));
        });
        assert.deepEqual(found, NOTHING);
      });
    });

    it("a transaction on the frontier that it names costs the same", async () => {
      await onPlace(async ({ database }) => {
        assertCounts(await counted(() => commitRound(database, 200, "fork")), ONE_ROUND);
      });
    });

    it("commits that are made at once share storage commits", async () => {
      await onPlace(async ({ database }) => {
        const numbers = Array.from({ length: 32 }, (_, at) => 200 + at);
        const found = await counted(() =>
          Promise.all(numbers.map((number) => commit(database, number)))
        );
        assertCounts(found, { encodes: 64, hashes: 32, signatures: 32, verifications: 0 });
        // Commits of one turn share one; on a slow machine these take several turns.
        assert.ok(found.commits <= 8, `32 commits made ${found.commits} storage commits`);
      });
    });

    it("a batch from elsewhere is hashed and verified once, and stored by one commit", async () => {
      let encoded: Uint8Array[] = [];
      await onPlace(async ({ database }) => {
        encoded = (await database.getAllEntries()).slice(0, BATCH).map(({ bytes }) => bytes);
      });
      await onPlace(async ({ instance }) => {
        const found = await counted(async () => {
          const entries = encoded.map((bytes) => Entry.decode(bytes));
          await instance.putRemoteEntries(entries[0]!.id, entries);
        });
        const { length } = encoded;
        assertCounts(found, { commits: 1, hashes: length, verifications: length, signatures: 0 });
        // Besides their rows: root and head, index and tips of four stores, two records of the arrival log.
        assertCounts(found, { sets: length + 2 + 5 + 4 + 2 });
        // Each is encoded once, without its signature, to check that.
        assertCounts(found, { encodes: length, checks: 1 });
      });
    });

    it("a large batch is stored by as few commits as take it, and nothing is read for its entries", async () => {
      const entries = (await encodedBatch()).map((bytes) => Entry.decode(bytes));
      await onPlace(async ({ instance }) => {
        const found = await counted(async () => {
          const { verified } = await instance.putRemoteEntries(entries[0]!.id, entries);
          assert.equal(verified, LARGE_BATCH);
        });
        const commits = Math.ceil(LARGE_BATCH / BLOCK);
        assertCounts(found, { commits, checks: commits, hashes: LARGE_BATCH });
        // The head of the tree, and which trees have entries that wait; nothing for each entry.
        const { reads, lists } = found;
        assert.ok(reads + lists <= MAX_INGEST_READS, `${reads} reads and ${lists} lists`);
        // Each is encoded once, without its signature, to check that.
        assertCounts(found, { encodes: LARGE_BATCH, signatures: 0 });
      });
    });

    it("an entry of a large batch makes few promises", { skip }, async () => {
      const entries = (await encodedBatch()).map((bytes) => Entry.decode(bytes));
      await onPlace(async ({ instance }) => {
        const put = () => instance.putRemoteEntries(entries[0]!.id, entries);
        const each = await promisesOf(put) / LARGE_BATCH;
        assert.ok(each <= MAX_INGEST_PROMISES, `${each} promises per entry`);
      });
    });
  });
}
